"""F3: a driver killed before, after and in the middle of each call that writes to its sweep's folder."""

import shutil
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from experiments import ASHA
from experiments._sweep.driving import drive
from experiments._sweep.ledger.files import LEDGER, read
from experiments._sweep.ledger.history import History
from experiments._sweep.options import RunOptions
from experiments._sweep.registry import FoundExperiment
from tests.experiments.conftest import Made, experiment, opened
from tests.experiments.crashing import MOMENTS, WRITES, Calls, in_child


def uneven(config: Made, checkpoints: Any) -> Iterator[dict[str, Any]]:
    """Falls; one trial in a while raises after its first epoch. Resumable."""
    saved = checkpoints.newest()
    if saved is not None:
        yield saved.record
    for epoch in range(saved.record["epoch"] + 1 if saved else 1, config.epochs + 1):
        if epoch == 2 and config.x > 0.6:
            raise ValueError("too far")
        record = {"epoch": epoch, "loss": config.x + 1 / epoch}
        checkpoints.save(epoch, record, None)
        yield record


ASKED = experiment(uneven, num_trials=3, epochs=3, scheduler=ASHA(reduction_factor=2), seed=23)
FOUND = FoundExperiment(name="made", question="Why?", source={"kind": "python", "name": "made"}, experiment=ASKED)
OPTIONS = RunOptions(here=True, keep=1)


def driven(folder: Path) -> int:
    """Runs the sweep in the folder to its end, begun or not; its exit code."""
    begun = (folder / LEDGER).exists() and read(folder / LEDGER)
    return drive(FOUND, folder, OPTIONS, None, None if begun else opened(ASKED)).code


def dying(folder: Path, at: int, moment: str) -> int:
    """Runs the sweep and dies at a call."""
    with Calls(folder, lambda count, _: moment if count == at else None).counted():
        return driven(folder)


def essence(folder: Path) -> list[tuple[Any, ...]]:
    """What the sweep found, without its segments and times."""
    history = History(read(folder / LEDGER))
    assert history.end is not None and history.end.reason == "finished"
    return [
        (each.number, each.config, each.origin, each.state, each.why, [epoch.metrics for epoch in each.epochs])
        for each in history.trials.values()
    ]


def calls(folder: Path) -> list[str]:
    """The names of the calls of a run in the folder."""
    names: list[str] = []
    with Calls(folder, lambda _, name: names.append(name)).counted():
        assert driven(folder) == 0
    return names


def points(folder: Path) -> list[tuple[int, str]]:
    """Every call and moment of a run in the folder."""
    return [
        (number, moment)
        for number, name in enumerate(calls(folder), start=1)
        for moment in MOMENTS
        if moment != "within" or name in WRITES
    ]


def new(folder: Path) -> None:
    """Nothing was begun."""
    folder.mkdir()


def torn(folder: Path) -> None:
    """A driver was killed in the middle of a late line of the ledger."""
    new(folder.with_name("whole"))
    lines = [number for number, name in enumerate(calls(folder.with_name("whole")), start=1) if name == "pwrite"]
    new(folder)
    assert in_child(partial(dying, folder, lines[5], "within")) == -signal.SIGKILL
    assert not (folder / LEDGER).read_bytes().endswith(b"\n")


@pytest.mark.parametrize("begin", [new, torn])
def test_f3_killed_at_each_call_that_writes_nothing_is_lost(
    tmp_path: Path, begin: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resumed, it is the same sweep: the trials, their configurations and records, each epoch once (G1, G2, G4)."""
    for sync in ("os.fsync", "os.fdatasync"):  # a killed process loses nothing that it has written
        monkeypatch.setattr(sync, lambda _: None)
    start, whole = tmp_path / "start", tmp_path / "expected"
    begin(start)
    shutil.copytree(start, whole)
    dies_at = points(whole)
    expected = essence(whole)
    assert {state for _, _, _, state, *_ in expected} >= {"completed", "stopped", "error"}
    assert len(dies_at) > 80
    for at, moment in dies_at:
        folder = tmp_path / f"{at}-{moment}"
        shutil.copytree(start, folder)
        assert in_child(partial(dying, folder, at, moment)) == -signal.SIGKILL
        assert in_child(partial(driven, folder)) == 0, (at, moment)
        assert essence(folder) == expected, (at, moment)
        shutil.rmtree(folder)
