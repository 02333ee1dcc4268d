"""Odd records and odd ends: each trial gets its own ending, and none ends the sweep."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.on_ray.conftest import Driver, opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

Start = Callable[..., Driver]

ODD = '''"""Records that Ray would choke on."""

import sys
import threading

from pydantic import BaseModel
from ray import tune

from experiments import FIFO, Experiment, Random
from trainables import Trainable


class Config(BaseModel):
    how: str
    epochs: int = 3


def train(config, checkpoints):
    for epoch in range(1, config.epochs + 1):
        record = {"epoch": epoch, "loss": 1 / epoch}
        match config.how:
            case "number as a name":
                record = {1: {"a": 2}}
            case "contains itself":
                record["me"] = record
            case "says done":
                record["done"] = True
            case "holds a lock":
                record["lock"] = threading.Lock()
            case "a list":
                record = [1, 2]
            case "exits":
                sys.exit(3)
        yield record


HOW = ["fine", "number as a name", "contains itself", "says done", "holds a lock", "a list", "exits"]
experiment = Experiment(
    trainable=Trainable(name="odd", config_type=Config, train=train, metrics={"loss": "made up"}),
    space={"how": tune.choice(HOW)},
    metric="loss",
    mode="min",
    search=Random(),
    scheduler=FIFO(),
    num_trials=7,
    epochs=3,
)
'''

DONE = '''"""A plain Ray function that says when it is done."""

from ray import tune

from experiments import FIFO, Experiment, Random


def train(config):
    for i in (1, 2, 3):
        tune.report({"loss": config["x"] / i, "done": i == 3})


experiment = Experiment(
    trainable=train,
    space={"x": tune.uniform(0, 1)},
    metric="loss",
    mode="min",
    search=Random(),
    scheduler=FIFO(),
    num_trials=2,
    epochs=9,
)
'''


def test_f13_g3_g11_every_odd_record_has_its_ending(driver: Start, workplace: Path) -> None:
    """G11: what a record holds is read by us, not by Ray; a trainable that exits has failed, not vanished."""
    (workplace / "odd.py").write_text(ODD)
    code, output = driver("run", "odd.py").wait()
    assert code == 0, output
    endings = {trial.config["how"]: (trial.ending, trial.epochs) for trial in opened(workplace, "odd").trials}
    assert endings == {
        "fine": ("completed", 3),
        "number as a name": ("error", 0),
        "contains itself": ("completed", 3),
        "says done": ("completed", 3),
        "holds a lock": ("completed", 3),
        "a list": ("error", 0),
        "exits": ("error", 0),
    }
    assert "the trainable called sys.exit(3)" in output


def test_a_function_that_says_done_keeps_its_last_epoch(driver: Start, workplace: Path) -> None:
    """Ray stops such a trial before it asks a scheduler; the epoch is recorded all the same."""
    (workplace / "done.py").write_text(DONE)
    code, output = driver("run", "done.py").wait()
    assert code == 0, output
    assert [(trial.ending, trial.epochs) for trial in opened(workplace, "done").trials] == [("completed", 3)] * 2


def test_a_signal_while_ray_starts_is_heard(driver: Start, workplace: Path) -> None:
    """G12: SIGTERM before the first trial ends the sweep in good order."""
    running = driver("run", "witnessed.py")
    running.until((workplace / "results" / "witnessed" / "ledger.jsonl").exists)
    running.signal(signal.SIGTERM)
    code, output = running.wait(40)
    assert code == 130, output
    assert "go on with: sweep resume results/witnessed" in output
    history = opened(workplace, "witnessed").history
    assert history.end is not None
    assert history.end.reason == "interrupted"
