"""Checkpoints in an object store: whole or not there, each segment's in a place of its own, brought elsewhere."""

import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments import Experiment
from experiments._sweep.checkpoints import best_places, newest_known
from experiments._sweep.driving import Outcome, drive
from experiments._sweep.engine.faults import Fault
from experiments._sweep.engine.leaving import Leave, noting_in_store, was_told_to_leave
from experiments._sweep.engine.segment import TrainableSource, Workplace, checkpoints_of
from experiments._sweep.ledger import lease as plain
from experiments._sweep.options import RunOptions
from experiments._sweep.redaction import Redactor
from experiments._sweep.registry import FoundExperiment
from experiments._sweep.store import scratch as scratches
from experiments._sweep.store.checkpoints import segment_in_store, stored_in, stored_of, upload
from experiments._sweep.store.copies import brought
from experiments._sweep.store.objects import Objects
from experiments._sweep.store.places import copies_of
from experiments._sweep.sweep import Sweep
from tests.experiments.conftest import Made, experiment, opened
from tests.experiments.store.s3 import Server
from trainables import CheckpointFolder, open_checkpoint


def segment(
    url: str, trial: int = 0, number: int = 1, driver: int = 1, known: int = 0, *, patience_s: float = 60
) -> Any:
    """What a segment of a trial has in its hands while it trains."""
    source = TrainableSource(path=None, trainable=print)
    place = {"sweep": "/nowhere", "working_directory": "/", "data_dir": None, "metric": "loss", "mode": "min"}
    workplace = Workplace(source=source, store=url, driver=driver, **place)  # type: ignore[arg-type]
    return checkpoints_of({"trial": trial, "segment": number, "epochs_known": known}, workplace, patience_s)


def saved(url: str, *epochs: int, trial: int = 0, number: int = 1, driver: int = 1) -> None:
    """Save epochs as a segment does."""
    with segment(url, trial, number, driver) as checkpoints:
        for epoch in epochs:
            checkpoints.save(epoch, {"epoch": epoch, "loss": 1.0 / epoch, "by": driver}, None)


def names(url: str, trial: int = 0) -> list[str]:
    """The whole checkpoints of a trial, the newest first."""
    return [each.key.partition("/segment-")[2] for each in stored_of(Objects(url), trial)]


def test_a_checkpoint_is_there_once_its_manifest_is(url: str, tmp_path: Path) -> None:
    """The state goes first: what was uploaded by half is no checkpoint, and the one before it is continued from."""
    saved(url, 1)
    order: list[str] = []

    class Watched(Objects):
        def put(self, key: str, content: bytes) -> None:
            order.append(key.rpartition("/")[2])
            if order == ["state.pt", "checkpoint.json"]:
                raise OSError(errno.EIO, "cut", key)
            super().put(key, content)

    folder = CheckpointFolder(tmp_path / "trial", segment=segment_in_store(1, 1))
    whole = folder.save(2, {"epoch": 2}, {"weights": [1.0, 2.0]})
    with pytest.raises(OSError, match="cut"):
        upload(Watched(url), 0, whole)
    assert [each.whole for each in stored_in(Objects(url).keys("trials/"))] == [False, True]
    with segment(url, number=2, known=1) as checkpoints:
        assert checkpoints.newest().epoch == 1
    upload(Objects(url), 0, whole)
    with segment(url, number=2, known=1) as checkpoints:
        assert checkpoints.newest().state() == {"weights": [1.0, 2.0]}


def test_a_segment_goes_on_from_the_newest_whole_one_that_the_ledger_may_know(url: str) -> None:
    """At most one epoch ahead of the ledger; a damaged one is skipped; scratch is empty afterwards."""
    saved(url, 1, 2, 3, 4)
    for known, newest in ((0, 1), (2, 3), (3, 4), (9, 4)):
        with segment(url, number=2, known=known) as checkpoints:
            assert checkpoints.newest().epoch == newest
    store = Objects(url)
    key = stored_of(store, 0)[0].keys[0]
    store.put(key, store.get(key).replace(b'"epoch": 4', b'"epoch": 5'))
    with segment(url, number=2, known=9) as checkpoints:
        assert checkpoints.newest().epoch == 3 and len(checkpoints.damaged) == 1
        place = checkpoints.scratch
        assert place.stat().st_mode & 0o777 == 0o700
    assert not place.exists()
    with segment(url, trial=1) as checkpoints:
        assert checkpoints.newest() is None


def test_each_driver_s_segments_have_a_place_of_their_own(url: str) -> None:
    """Where the ledger's end was lost, segment 2 begins twice: what outlived its driver writes beside it."""
    with segment(url, number=2, driver=1, known=1) as orphan, segment(url, number=2, driver=2, known=1) as ours:
        for by, checkpoints in ((2, ours), (1, orphan)):
            checkpoints.save(2, {"epoch": 2, "by": by}, None)
    assert names(url) == ["2000002/epoch-00002", "1000002/epoch-00002"]
    with segment(url, number=3, driver=2, known=2) as checkpoints:
        assert checkpoints.newest().record["by"] == 2
    with segment(url, number=2, driver=1, known=2) as checkpoints:  # it does not read what came after it
        assert checkpoints.newest().record["by"] == 1


def test_a_store_that_takes_nothing_is_no_fault_of_the_trial(url: str, s3: Server) -> None:
    """An outage that is too long, rights that are gone: of the storage, in words, and the sweep can be resumed."""
    for faults, said in (({"refuse": "AccessDenied"}, "AccessDenied"), ({"slow_down": 1.0}, "did not answer")):
        with segment(url, patience_s=0) as checkpoints:
            s3.faults(**faults)
            with pytest.raises(OSError, match=said) as raised:
                checkpoints.save(1, {"epoch": 1}, None)
            fault = Fault.of(raised.value, Redactor().text)
            assert fault.storage and fault.summary.startswith("the object store failed: ") and url in fault.summary
            s3.faults()
    assert names(url) == []


def run(url: str, asked: Experiment, keep: int | None = 10, *, resumed: bool = False, name: str = "made") -> Outcome:
    """Run a sweep in the store, without Ray."""
    folder = copies_of(url) / name
    folder.mkdir(exist_ok=True)
    if resumed:
        brought(folder)
    found = FoundExperiment(name="made", question="", source={"kind": "python", "name": "made"}, experiment=asked)
    return drive(found, folder, RunOptions(here=True, keep=keep), None, None if resumed else opened(asked))


def elsewhere(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Be another machine, which has nothing but the store's address and the code."""
    monkeypatch.setenv("RAYSWEEPS_STORES", str(folder))
    monkeypatch.setattr(plain, "this_machine", lambda: str(folder))


@pytest.mark.usefixtures("at_hand")
def test_f23_a_sweep_whose_store_fails_for_too_long_goes_on_elsewhere(
    url: str, s3: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Exit 3 in words; from another machine each epoch is recorded once, and of each trial the best is brought."""
    fails = threading.Event()
    real = Objects.put

    def put(self: Objects, key: str, content: bytes) -> None:
        if not fails.is_set() and key.startswith("trials/0001/") and "epoch-00002" in key:
            fails.set()
            raise OSError(errno.EIO, "the store did not answer for 300 s", f"{self.url}/{key}")
        real(self, key, content)

    monkeypatch.setattr(Objects, "put", put)
    cut = run(url, experiment())
    assert cut.code == 3 and "the object store failed: the store did not answer for 300 s" in cut.why
    elsewhere(monkeypatch, tmp_path / "second")
    done = run(url, experiment(), resumed=True)
    assert done.code == 0
    assert [[epoch["epoch"] for epoch in trial.records] for trial in done.sweep.trials] == [[1, 2, 3]] * 4
    elsewhere(monkeypatch, tmp_path / "third")
    brought(copies_of(url) / "made")
    read = Sweep(copies_of(url) / "made")
    best = read.best
    assert best.checkpoint is not None and best.checkpoint.is_relative_to(tmp_path / "third")
    assert open_checkpoint(best.checkpoint).record["loss"] == best.value
    s3.faults(refuse="AccessDenied")  # it is here now
    assert read.best == best


@pytest.mark.usefixtures("at_hand")
def test_the_bound_on_checkpoints_holds_in_the_store(url: str) -> None:
    """Of 6 trials the best checkpoints of two are left; with `all`, the two newest and the best of each."""

    def waning(config: Made, checkpoints: Any) -> Iterator[dict[str, Any]]:
        for number in range(1, config.epochs + 1):
            checkpoints.save(number, record := {"epoch": number, "loss": config.x + abs(number - 2)}, None)
            yield record

    for keep, name in ((2, "two"), (None, "every")):
        outcome = run(url, experiment(waning, num_trials=6, epochs=6), keep, name=name)
        left: dict[int, set[int]] = {}
        for each in stored_in(Objects(f"{url}/{name}").keys()):
            left.setdefault(each.trial, set()).add(each.epoch)
        leading = [trial.number for trial in outcome.sweep.history.ranked][:2]
        assert left == dict.fromkeys(leading if keep else range(6), {2} if keep else {2, 5, 6})


@pytest.mark.usefixtures("at_hand")
def test_what_is_known_of_checkpoints_is_known_without_their_states(url: str) -> None:
    """A driver that resumes or measures many trials reads manifests; a measuring process fetches one checkpoint."""
    outcome = run(url, experiment(num_trials=5), keep=None)
    folder, trials = outcome.sweep.folder, list(outcome.sweep.history.trials.values())
    store = Objects(f"{url}/made")
    for key in store.keys("trials/"):
        if key.endswith("checkpoint.json"):
            store.put(key.replace("checkpoint.json", "state.pt"), b"never read here")
    with newest_known(folder, trials) as folder_of:
        assert [folder_of(trial).newest().epoch for trial in trials] == [3] * 5  # type: ignore[union-attr]
    with newest_known(folder, trials[:1]) as folder_of:
        assert folder_of(trials[0]).newest().epoch == 3  # type: ignore[union-attr]
    places = best_places(folder, trials)
    assert sorted(places) == [0, 1, 2, 3, 4] and {place.store for place in places.values()} == {f"{url}/made"}
    with places[3].at_hand() as checkpoint:
        assert open_checkpoint(checkpoint, whole=False).record["loss"] == trials[3].value
    assert not checkpoint.exists()
    store.remove(store.keys("trials/0003/"))
    assert sorted(best_places(folder, trials)) == [0, 1, 2, 4]
    with pytest.raises(FileNotFoundError, match="not there any more"), places[3].at_hand():
        pass


@pytest.mark.usefixtures("at_hand")
def test_f19_the_mark_of_a_process_that_leaves_is_in_the_store(url: str) -> None:
    """No other driver's segment of the same number is taken for it; a store that is away leaves it unknown."""
    sweep = copies_of(url) / "made"
    sweep.mkdir()
    note = noting_in_store(f"{url}/made", 3, driver=2, segment=1)
    leave, done = Leave(), threading.Event()

    class Session:
        def report(self, *_: Any) -> None:
            """Nothing."""

    with leave.after_this_epoch(Session(), lambda: (note(), done.set())):  # type: ignore[arg-type]
        leave._heard(15, None)
        assert done.wait(10)
    assert was_told_to_leave(sweep, 3, driver=2, segment=1)
    assert not was_told_to_leave(sweep, 3, driver=3, segment=1)


def test_scratch_of_killed_processes_goes_with_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what this machine's own dead processes left: not a living one's, and not another machine's."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    here = scratches._here()
    kept = [tmp_path / f"{here}-kept", tmp_path / f"{scratches.PREFIX}-{'0' * 12}-1-1-x"]
    reused = tmp_path / f"{here}-{os.getpid()}-1-x"  # its process number is another one's now
    for folder in (*kept, reused):
        folder.mkdir()
    code = """
import os
from experiments._sweep.store.scratch import scratch
with scratch() as place:
    (place / "state.pt").write_bytes(b"x")
    print(place, flush=True)
    os.kill(os.getpid(), 9)
"""
    with scratches.scratch() as mine:
        died = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, check=False
        )
        gone = Path(died.stdout.decode().strip())
        assert (gone / "state.pt").exists() and mine.is_dir() and not reused.exists()
        with scratches.scratch():
            assert mine.is_dir() and not gone.exists()
    assert sorted(tmp_path.iterdir()) == sorted(kept)


def test_keys_that_are_no_checkpoints_are_left_alone() -> None:
    """A bucket may hold anything; what leads out of a trial's folder is nothing of ours."""
    keys = [
        "trials/0001/segment-1000001/epoch-00002/checkpoint.json",
        "trials/0001/segment-1000001/epoch-00002/state.pt",
        "trials/0001/segment-1000001/epoch-00002/../../x",
        "trials/0001/segment-1000001/epoch-00002/notes.txt",
        "trials/0001/segment-1000001.told-to-leave",
        "ledger/00000000.jsonl",
    ]
    (found,) = stored_in(keys)
    assert found.keys == keys[:2] and json.dumps(found.files) == '["state.pt", "checkpoint.json"]'
