"""F22, F23, F26: clocks that are set back, a disk that is slow, curves that cannot be written."""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments import ASHA
from experiments._sweep.driving import drive as driven
from experiments._sweep.ledger.files import LEDGER, read
from experiments._sweep.ledger.history import History
from experiments._sweep.options import RunOptions
from experiments._sweep.views.tensorboard import FOLDER
from tests.experiments.conftest import Driven, experiment, opened
from tests.experiments.test_conductor import report, take
from tests.experiments.test_crash_points import FOUND, essence

HERE = RunOptions(here=True)


def test_f22_the_clock_and_its_zone_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begun in one zone and resumed in another, an hour earlier by the clock: the same sweep, no time below 0."""
    whole, sweep = tmp_path / "whole", tmp_path / "sweep"
    for folder in (whole, sweep):
        folder.mkdir()
    first = opened(FOUND.experiment)
    assert driven(FOUND, whole, HERE, None, first).code == 0
    in_zone(monkeypatch, "UTC", 1_800_000_000.0)
    assert driven(FOUND, sweep, HERE, None, first).code == 0
    lines = (sweep / LEDGER).read_bytes().splitlines(keepends=True)
    (sweep / LEDGER).write_bytes(b"".join(lines[: len(lines) // 2]))
    in_zone(monkeypatch, "America/Los_Angeles", 1_799_996_400.0)
    assert driven(FOUND, sweep, HERE, None, None).code == 0
    assert essence(sweep) == essence(whole)
    history = History(read(sweep / LEDGER))
    assert history.drivers[1].at < history.drivers[0].at
    assert history.t >= 0 and all(trial.seconds >= 0 for trial in history.trials.values())


def in_zone(monkeypatch: pytest.MonkeyPatch, zone: str, now: float) -> None:
    """Sets the clock and its zone."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    monkeypatch.setattr(time, "time", lambda: now)


@pytest.fixture(autouse=True)
def zone() -> object:
    """Set the zone back afterwards."""
    yield
    os.environ.pop("TZ", None)
    time.tzset()


def test_f23_an_epoch_waits_for_the_disk_once(drive: Callable[..., Driven], monkeypatch: pytest.MonkeyPatch) -> None:
    """On storage that takes 200 ms an epoch takes 200 ms more, its ending and its decision included, and no longer."""
    waited: list[int] = []
    asked = drive(experiment(num_trials=4, epochs=3, scheduler=ASHA()))
    segments = [take(asked.conductor) for _ in range(4)]
    for sync in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, sync, waited.append)
    reports = 0
    for epoch in (1, 2, 3):
        for segment in segments:
            if asked.conductor.owns(segment.trial, segment.number):
                report(asked.conductor, segment, epoch, segment.trial + 1 / epoch)
                reports += 1
    assert {trial.state for trial in asked.journal.history.trials.values()} == {"completed", "stopped"}
    assert len(waited) == reports


def test_f26_curves_that_cannot_be_written_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Said once; the sweep goes on to its end without them."""
    made, caught = Path.mkdir, []

    def mkdir(path: Path, *args: object, **options: object) -> None:
        made(path, *args, **options)  # type: ignore[arg-type]
        if path.name == "mine":
            (path / FOLDER).write_text("in the way")
            caught.append(path)

    with pytest.MonkeyPatch.context() as patched, caplog.at_level(logging.WARNING, "raysweeps"):
        patched.setattr(Path, "mkdir", mkdir)
        sweep = experiment(num_trials=3).run(name="mine", storage=tmp_path, here=True)
    assert caught and {trial.ending for trial in sweep.trials} == {"completed"}
    said = [record.getMessage() for record in caplog.records if "Curves" in record.getMessage()]
    assert len(said) == 1 and "is left out" in said[0]
    assert (sweep.folder / FOLDER).read_text() == "in the way"
