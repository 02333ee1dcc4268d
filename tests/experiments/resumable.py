"""A small experiment in a file, run and resumed through the command line, whose code and space a test changes."""

import sys
from pathlib import Path

import pytest

from experiments._sweep.command_line import main
from experiments._sweep.ledger.files import LEDGER, read
from experiments._sweep.ledger.records import DriverStarted

EXPERIMENT = '''"""What is x?"""

from pydantic import BaseModel
from ray import tune

from experiments import ASHA, FIFO, BayesOpt, Experiment, Grid, HyperOpt, Random
from trainables import Trainable


class Config(BaseModel):
    x: float = 0.0
    y: float = 0.0
    epochs: int = 1
    seed: int = 0


def train(config, checkpoints):
    saved = checkpoints.newest()
    if saved:
        yield saved.record
    for epoch in range(saved.record["epoch"] + 1 if saved else 1, config.epochs + 1):
        record = {"epoch": epoch, "loss": config.x + 1 / epoch}
        checkpoints.save(epoch, record, None)
        yield record


experiment = Experiment(
    trainable=Trainable(name="made_up", config_type=Config, train=train, metrics={"loss": "falls"}),
    space={"x": tune.uniform(0, 1)},
    metric="loss",
    mode="min",
    search=Random(),
    scheduler=FIFO(),
    num_trials=4,
    epochs=3,
)
'''


class Place:
    """A folder with the experiment `mine.py` in it, and the command `sweep` given there."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.ledger = folder / "results" / "mine" / LEDGER
        self._capsys = capsys
        self.write()

    def write(self, *changes: tuple[str, str]) -> None:
        """Write the file, with texts in it changed, as an editor would between two commands."""
        text = EXPERIMENT
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        (self.folder / "mine.py").write_text(text)
        self.forget()

    def forget(self) -> None:
        """Forget what was imported from here, as a new process has."""
        for name, module in list(sys.modules.items()):
            if str(vars(module).get("__file__")).startswith(str(self.folder)):
                del sys.modules[name]

    def sweep(self, *arguments: str) -> tuple[int, str, str]:
        """Run one command; its exit code, output and errors."""
        self.forget()
        code = main([*arguments])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def run(self, *arguments: str) -> None:
        """Run a sweep that succeeds."""
        code, out, err = self.sweep("run", "mine.py", "--here", *arguments)
        assert code == 0, out + err

    def cut(self, lines: int) -> None:
        """Leave so many lines of the ledger, as a driver that was killed."""
        self.ledger.write_bytes(b"".join(self.ledger.read_bytes().splitlines(keepends=True)[:lines]))

    @property
    def drivers(self) -> list[DriverStarted]:
        """The lines of the drivers that there were."""
        return [entry.record for entry in read(self.ledger) if isinstance(entry.record, DriverStarted)]
