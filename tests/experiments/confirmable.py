"""A small experiment whose trials and measurements leave a trace, and `sweep` commands on it, without Ray."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from experiments._sweep.command_line import main
from experiments._sweep.ledger.files import LEDGER, read
from experiments._sweep.sweep import Sweep

EXPERIMENT = '''"""What is x?"""

import math
import os
import random
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field
from ray import tune

from experiments import ASHA, FIFO, Experiment, Grid, Random
from search_spaces import optimizers
from trainables import Trainable

HERE = Path(__file__).parent


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid")

    x: float = 0.9
    epochs: int = 1
    seed: int = 0
    split_seed: int = 0
    # FIELDS


def witness(*words):
    with (HERE / "witness").open("a") as file:
        file.write(" ".join(map(str, words)) + "\\n")


def noise(config):
    return random.Random(f"{config.seed} {config.split_seed}").random() / 100 + config.x * (config.seed % 97) / 10_000


def loss(config, epoch):
    """Best in epoch 2, whatever the budget."""
    return config.x + noise(config) + (epoch - 2) ** 2 / 10


def train(config, checkpoints):
    yield from trained(config, checkpoints, config.epochs, "val_loss")


def trained(config, checkpoints, until, name):
    saved = checkpoints.newest()
    if saved:
        yield saved.record
    for epoch in range(saved.record["epoch"] + 1 if saved else 1, until + 1):
        pass  # TRAINING
        witness("train" if name == "val_loss" else "refit", config.seed, config.split_seed, config.x, epoch)
        record = {"epoch": epoch, name: loss(config, epoch), "budget": config.epochs}
        checkpoints.save(epoch, record, None)
        yield record


def test(config, saved):
    """As the loss, and 1 more."""
    pass  # TESTING
    epoch = saved.record["epoch"]
    witness("test", config.seed, config.split_seed, config.x, epoch)
    return {"test_loss": 1 + loss(config, epoch), "test_accuracy": 1 - config.x / 10}


def refit(config, until, checkpoints):
    yield from trained(config, checkpoints, until, "train_loss")


experiment = Experiment(
    trainable=Trainable(
        name="made_up",
        config_type=Config,
        train=train,
        metrics={"val_loss": "falls", "train_loss": "falls", "budget": "epochs"},
        reported=lambda config: ["val_loss", "train_loss", "budget"],
        test=test,
        test_metrics={"test_loss": "falls", "test_accuracy": "rises"},
        refit=refit,
    ),
    space={"x": tune.grid_search([0.4, 0.1, 0.3, 0.2])},
    metric="val_loss",
    mode="min",
    search=Grid(),
    scheduler=FIFO(),
    num_trials=4,
    epochs=3,
)
'''


@dataclass
class Workplace:
    """An empty folder with an experiment `mine.py`, in which commands are given."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    here: tuple[str, ...] = ("--here",)
    seen: int = field(default=0)
    """Lines of the witness that were looked at."""

    def write(self, *changes: tuple[str, str]) -> None:
        """Write the experiment's file; each change replaces a text that stands in it once."""
        text = EXPERIMENT
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (self.folder / "mine.py").write_text(text)
        for name in [name for name in sys.modules if name.startswith("raysweeps_experiment_")]:
            del sys.modules[name]

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, output and errors of one command; `run` and `confirm` are given without Ray."""
        here = self.here if arguments[0] in ("run", "confirm") else ()
        code = main([*arguments, *here])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def run(self, *changes: tuple[str, str], options: tuple[str, ...] = ()) -> None:
        """Write the experiment and search."""
        self.write(*changes)
        code, out, err = self("run", "mine.py", *options)
        assert code == 0, out + err
        self.new()

    def answer(self, *options: str, code: int = 0) -> dict[str, Any]:
        """What `sweep confirm --json` says."""
        got, out, err = self("confirm", "--json", *options)
        assert got == code, out + err
        answer: dict[str, Any] = json.loads(out, parse_constant=pytest.fail)
        return answer

    def new(self) -> list[tuple[str, ...]]:
        """What was trained and measured since this was asked last: what, seed, split seed, x, epoch."""
        path = self.folder / "witness"
        lines = path.read_text().splitlines() if path.exists() else []
        new, self.seen = lines[self.seen :], len(lines)
        return [tuple(line.split()) for line in new]

    def sweep(self, name: str = "mine") -> Sweep:
        """The sweep in a folder below `results`."""
        return Sweep(self.folder / "results" / name)

    def records(self, name: str) -> list[str]:
        """The kinds of the records in its ledger."""
        return [entry.record.kind for entry in read(self.folder / "results" / name / LEDGER)]
