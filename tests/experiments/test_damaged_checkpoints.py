"""Checkpoints that are damaged between two segments of a trial: how far it goes back, and what is recorded."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments._sweep.engine.deciding.failures import LOSSES_ALLOWED
from tests.experiments.conftest import Driven, experiment, made_up
from tests.experiments.test_conductor import only, run
from trainables import Checkpoints

Drive = Callable[..., Driven]

DAMAGES: dict[str, Callable[[Path], object]] = {
    "overwritten": lambda folder: (folder / "checkpoint.json").write_bytes(b"garbage"),
    "cut": lambda folder: (folder / "checkpoint.json").write_bytes((folder / "checkpoint.json").read_bytes()[:-9]),
    "without its manifest": lambda folder: (folder / "checkpoint.json").unlink(),
    "emptied": lambda folder: (folder / "checkpoint.json").write_bytes(b""),
    "gone": shutil.rmtree,
}


class DiesAt:
    """Trains, and dies once it has saved an epoch; writes down what it trained."""

    def __init__(self, *epochs: int) -> None:
        self.at, self.trained = list(epochs), list[int]()

    def __call__(self, config: object, checkpoints: Checkpoints) -> object:
        """Yield the records of the made-up trainable."""
        saved = checkpoints.newest()
        for record in made_up(config, checkpoints):  # type: ignore[arg-type]
            if saved is None or record["epoch"] > saved.record["epoch"]:
                self.trained.append(record["epoch"])
            if self.at and record["epoch"] == self.at[0]:
                self.at.pop(0)
                raise Died
            yield record


class Died(Exception):  # noqa: N818 - stands for a process that is gone
    """The process of a trial died."""


def die(driven: Driven) -> None:
    """Run until the trial dies, as an engine would see it."""
    failed = driven.conductor.failed

    def lost(trial: int, segment: int, _: object) -> None:
        driven.conductor.lost(trial, segment, "it died")
        driven.conductor.stop("interrupted", "to look at it")

    driven.conductor.failed = lost  # type: ignore[method-assign, assignment]
    run(driven)
    driven.conductor.failed = failed  # type: ignore[method-assign]
    driven.conductor.halt = None


def checkpoints(driven: Driven) -> list[Path]:
    """The trial's checkpoints, the newest first."""
    return sorted((driven.folder / "trials" / "0000").glob("segment-*/epoch-*"), key=lambda path: path.name)[::-1]


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_f10_a_damaged_newest_checkpoint_costs_one_epoch_more(drive: Drive, damage: Callable[[Path], object]) -> None:
    """The trial goes on from the one before it; each epoch is recorded once."""
    train = DiesAt(4)
    driven = drive(experiment(train, num_trials=1, epochs=6))
    die(driven)
    damage(checkpoints(driven)[0])
    run(driven)
    assert train.trained == [1, 2, 3, 4, 4, 5, 6], "at most two epochs again: the one that was lost, and one more"
    assert [epoch.epoch for epoch in only(driven).epochs] == [1, 2, 3, 4, 5, 6]
    assert only(driven).state == "completed"


def test_f11_with_all_of_them_damaged_the_trial_starts_again(drive: Drive) -> None:
    """What the ledger has is not recorded again; where they are damaged each time, the trial ends as lost."""
    train = DiesAt(4)
    driven = drive(experiment(train, num_trials=1, epochs=6))
    die(driven)
    for folder in checkpoints(driven):
        DAMAGES["cut"](folder)
    run(driven)
    assert train.trained == [1, 2, 3, 4, 1, 2, 3, 4, 5, 6]
    assert [epoch.epoch for epoch in only(driven).epochs] == [1, 2, 3, 4, 5, 6]
    again = DiesAt(*[3] * 9)
    hopeless = drive(experiment(again, num_trials=2, epochs=6), "hopeless")
    for _ in range(LOSSES_ALLOWED + 1):
        assert hopeless.journal.history.trials.get(0) is None or only(hopeless).state == "interrupted"
        die(hopeless)
        shutil.rmtree(hopeless.folder / "trials")
    assert only(hopeless).state == "lost"
    again.at = []
    run(hopeless)
    assert hopeless.journal.history.trials[1].state == "completed", "the sweep goes on"
