"""One driver at a time on a sweep in a store: who holds it, when that is over, and whose clock decides."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from experiments._sweep.ledger import lease as plain
from experiments._sweep.ledger.lease import LEASE, SweepInUseError
from experiments._sweep.store.lease import StoreLease, holder_of, refuse_if_held
from experiments._sweep.store.objects import Objects
from experiments._sweep.store.places import copies_of
from tests.experiments.store.s3 import Server

On = Callable[[str], StoreLease]


@pytest.fixture
def on(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[On]:
    """Give a lease on one sweep as a process on a machine of this name has it."""
    made = []

    def lease_on(name: str) -> StoreLease:
        monkeypatch.setenv("RAYSWEEPS_STORES", str(tmp_path / name))
        monkeypatch.setattr(plain, "this_machine", lambda: name)
        monkeypatch.setattr(plain.socket, "gethostname", lambda: name)
        folder = copies_of(url) / "sweep"
        folder.mkdir(exist_ok=True)
        made.append(StoreLease(folder, f"{url}/sweep"))
        return made[-1]

    yield lease_on
    for each in made:
        each._done.set()


def test_a_driver_elsewhere_is_refused_by_name(url: str, on: On) -> None:
    """The words are those of a folder's lease, with the sweep's address."""
    on("first").take()
    second = on("second")
    with pytest.raises(SweepInUseError, match=rf"^{url}/sweep is being written by process \d+ on first since .*") as no:
        second.take()
    assert f"sweep resume {url}/sweep --take-over" in str(no.value)
    assert not (copies_of(url) / "sweep" / LEASE).exists()
    with pytest.raises(SweepInUseError, match="on first"):
        refuse_if_held(copies_of(url) / "sweep")


def test_a_driver_here_is_refused_without_asking_the_store(url: str, on: On, s3: Server) -> None:
    """The lease of the working copy is enough, so that it takes no second."""
    on("first").take()
    s3.faults(away=True)
    with pytest.raises(SweepInUseError, match=rf"^{url}/sweep is being written"):
        on("first").take()


def test_what_was_let_go_of_can_be_taken(url: str, on: On) -> None:
    """After a release nothing is left."""
    first = on("first")
    first.take()
    first.release()
    assert Objects(f"{url}/sweep").keys() == []
    assert on("second").take() == "" and holder_of(copies_of(url) / "sweep") is not None


@pytest.mark.parametrize("ahead_s", [0, 86_400, -86_400])
def test_a_lease_that_stood_still_is_taken_by_the_stores_clock(
    on: On, s3: Server, ahead_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However wrong the clocks are, a fresh lease holds and an old one does not."""
    s3.faults(ahead_s=ahead_s)
    on("first").take()
    second = on("second")
    with pytest.raises(SweepInUseError):
        second.take()
    s3.faults(ahead_s=ahead_s)
    monkeypatch.setattr(plain, "STALE_S", -5.0)  # every lease has stood still for as long
    assert "on first, which is gone" in on("second").take()


def test_a_dead_process_of_this_machine_is_taken_over_at_once(url: str, on: On) -> None:
    """As with a folder: nobody waits for a process that is provably gone."""
    first = on("here")
    first.take()
    first._done.set()
    there = Objects(f"{url}/sweep")
    there.put(LEASE, json.dumps({**json.loads(there.get(LEASE)), "started": "another process"}).encode())
    (copies_of(url) / "sweep" / LEASE).unlink()
    assert "which is gone" in on("here").take()


def test_f21_a_beat_does_not_undo_a_take_over(url: str, on: On) -> None:
    """The first driver leaves the lease of the one that took over alone, also when it lets go."""
    first, there = on("first"), Objects(f"{url}/sweep")
    first.take()
    assert "which may still live" in on("second").take(over=True)
    first.beat()
    first.release()
    assert json.loads(there.get(LEASE))["host"] == "second"


def test_the_counter_beats_and_a_lease_that_was_removed_comes_back(url: str, on: On) -> None:
    """A driver that was too late to take it may have let go of it in passing."""
    first, there = on("first"), Objects(f"{url}/sweep")
    first.take()
    first.beat()
    first.beat()
    assert json.loads(there.get(LEASE))["counter"] == 2
    there.remove([LEASE])
    first.beat()
    assert json.loads(there.get(LEASE))["host"] == "first"
    first.release()
    assert there.keys() == []


def test_a_store_that_is_away_keeps_no_process(on: On, s3: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beats fail in silence, and letting go takes seconds; the counter stands still then."""
    first = on("first")
    first.take()
    first._there.patience_s = 0.2
    s3.faults(away=True)
    first.beat()
    first.release()
    s3.faults()
    monkeypatch.setattr(plain, "STALE_S", -5.0)
    assert "which is gone" in on("second").take()


@pytest.mark.parametrize("garbage", [b"", b"{", b"[]", b"\xff\xfe", b'{"pid": 1}'])
def test_a_lease_that_says_nothing_holds_until_it_is_old(
    url: str, on: On, garbage: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is named, and nobody waits for ever."""
    Objects(f"{url}/sweep").put(LEASE, garbage)
    with pytest.raises(SweepInUseError, match="an unknown host"):
        on("first").take()
    monkeypatch.setattr(plain, "STALE_S", -5.0)
    on("first").take()
