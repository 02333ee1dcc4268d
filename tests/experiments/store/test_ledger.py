"""The ledger in a store: written once, in time, by one driver, and whole wherever it is read."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from experiments._sweep.ledger.files import LEDGER, LedgerError, read
from experiments._sweep.ledger.records import EpochReported, Record, TrialEnded, TrialProposed
from experiments._sweep.store import ledger as module
from experiments._sweep.store.copies import brought
from experiments._sweep.store.ledger import StoreLedger
from experiments._sweep.store.objects import Objects
from experiments._sweep.store.places import copies_of
from tests.experiments.store.s3 import Server

Open = Callable[..., StoreLedger]


def started(trial: int) -> Record:
    """What must not be lost: a trial and its configuration."""
    return TrialProposed(trial=trial, config={}, origin="random", made_at=0, t=0.0)


def epoch(number: int) -> Record:
    """What may follow later: an epoch that decides nothing."""
    return EpochReported(trial=0, segment=1, epoch=number, metrics={"loss": 1.0}, action="continue", t=0.0)


@pytest.fixture
def machine(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Open the ledger of one sweep as a driver on a machine of this name does; nobody waits for long."""
    monkeypatch.setattr(module, "_SENT_S", 0.2)
    monkeypatch.setattr(module, "_LOOK_S", 0.02)
    monkeypatch.setattr(module, "OTHERS_S", 0.2)
    opened: list[StoreLedger] = []

    def open_on(name: str, hurried: Callable[[], bool] = lambda: False) -> StoreLedger:
        monkeypatch.setenv("RAYSWEEPS_STORES", str(tmp_path / name))
        folder = copies_of(url) / "sweep"
        folder.mkdir(exist_ok=True)
        opened.append(StoreLedger(folder, f"{url}/sweep", hurried))
        return opened[-1]

    yield open_on
    for each in opened:
        each._failed = each._failed or OSError("the test has ended")
        each._done.set()


def stored(url: str) -> dict[str, int]:
    """The segments in the store, and how many lines each has."""
    found = Objects(f"{url}/sweep/ledger")
    return {key: found.get(key).count(b"\n") for key in found.keys()}  # noqa: SIM118 - no dict


def until(what: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for a thread of the driver's."""
    limit = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < limit
        threading.Event().wait(0.01)


def test_what_must_not_be_lost_is_in_the_store_at_once(url: str, machine: Open) -> None:
    """A record that others act on is a segment when `append` returns; an epoch follows from a thread."""
    ledger = machine("here")
    ledger.append([started(0)])
    assert stored(url) == {"00000000.jsonl": 1} and ledger.durable == 1
    ledger.append([epoch(1)])
    ledger.append([epoch(2)])
    assert ledger.durable == 1
    until(lambda: ledger.durable == 3)
    assert stored(url) == {"00000000.jsonl": 1, "00000001.jsonl": 2}


def test_what_follows_takes_along_what_waits(url: str, machine: Open) -> None:
    """Order is kept: a record in the store means that all before it are."""
    ledger = machine("here")
    ledger.append([epoch(1)])
    ledger.append([TrialEnded(trial=0, ending="error", why="", t=0.0)])
    assert stored(url) == {"00000000.jsonl": 2}


def test_a_second_driver_stops_the_first(url: str, machine: Open) -> None:
    """Of two drivers that write, the first to write a segment wins; the other one refuses to write from then on."""
    first = machine("first")
    first.append([started(0)])
    second = machine("second")
    assert [entry.n for entry in second.entries] == [0]
    second.append([started(1)])
    with pytest.raises(OSError, match="another driver has written to it"):
        first.append([started(2)])
    with pytest.raises(OSError, match="another driver has written to it"):
        first.append([epoch(1)])
    assert first.overtaken and not second.overtaken
    assert sum(stored(url).values()) == 2


def test_a_driver_that_writes_nothing_notices_too(machine: Open) -> None:
    """A driver whose trials have long epochs looks now and then whether it was taken over."""
    first = machine("first")
    first.append([started(0)])
    machine("second").append([started(1)])
    until(lambda: first.overtaken)


def test_f23_an_answer_that_was_lost_takes_nothing_over(url: str, machine: Open, s3: Server) -> None:
    """A segment that was written although no answer came is this driver's own, and it goes on."""
    ledger = machine("here")
    s3.faults(lose=1)
    ledger.append([started(0)])
    ledger.append([started(1)])
    assert not ledger.overtaken and stored(url) == {"00000000.jsonl": 1, "00000001.jsonl": 1}


def test_f23_an_outage_is_waited_for(url: str, machine: Open, s3: Server) -> None:
    """Epochs are taken while the store is away; what must not be lost waits until it is back."""
    ledger = machine("here")
    s3.faults(away=True)
    began = time.monotonic()
    ledger.append([epoch(1)])
    assert time.monotonic() - began < 0.1
    back = threading.Timer(0.8, s3.faults)
    back.start()
    ledger.append([started(0)])
    back.join()
    assert time.monotonic() - began > 0.7 and stored(url) == {"00000000.jsonl": 2}


def test_f23_an_outage_that_is_too_long_ends_the_driver_and_loses_nothing(
    url: str, machine: Open, s3: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says where the rest is; nothing is written after it, and the next driver here sends it."""
    monkeypatch.setattr("experiments._sweep.store.patience.PATIENCE_S", 0.3)
    ledger = machine("here")
    ledger.append([started(0)])
    s3.faults(away=True)
    with pytest.raises(OSError, match=r"did not answer for .* resuming on this machine sends it"):
        ledger.append([started(1)])
    with pytest.raises(OSError, match="did not answer"):
        ledger.append([epoch(1)])
    s3.faults()
    again = machine("here")
    assert [entry.n for entry in again.entries] == [0, 1] and sum(stored(url).values()) == 1
    again.append([started(2)])
    assert sum(stored(url).values()) == 3


def test_a_driver_that_is_asked_to_end_gives_a_silent_store_up(
    machine: Open, s3: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After Ctrl+C nobody waits for minutes, also where the wait had begun before."""
    monkeypatch.setattr("experiments._sweep.store.patience.IN_HASTE_S", 0.2)
    asked = threading.Event()
    ledger = machine("here", asked.is_set)
    s3.faults(away=True)
    threading.Timer(0.3, asked.set).start()
    began = time.monotonic()
    with pytest.raises(OSError, match="did not answer"):
        ledger.append([started(0)])
    assert time.monotonic() - began < 10


def test_what_others_went_on_without_is_replaced(url: str, machine: Open, s3: Server) -> None:
    """A tail that a driver here could not send gives way to what another machine has written since."""
    ledger = machine("here")
    ledger.append([started(0)])
    s3.faults(away=True)
    ledger.append([epoch(1)])
    ledger._failed = OSError("killed")
    s3.faults()
    machine("there").append([started(7)])
    again = machine("here")
    assert [entry.record for entry in again.entries] == [started(0), started(7)]
    again.append([started(8)])
    assert sum(stored(url).values()) == 3


def test_a_reader_brings_what_is_new(url: str, machine: Open, tmp_path: Path, s3: Server) -> None:
    """A second look fetches the segments that were written since, and no others; an unsent tail stays."""
    ledger = machine("writer")
    for trial in range(5):
        ledger.append([started(trial)])
    machine("reader")
    folder = copies_of(url) / "sweep"
    assert str(folder).startswith(str(tmp_path / "reader"))
    s3.faults()
    ledger.append([started(5)])
    s3.faults()
    brought(folder)
    assert s3.faults()["GET"] == 3  # is there one, which ones, and one of them
    assert len(read(folder / LEDGER)) == 6


def test_a_segment_that_is_gone_is_named(url: str, machine: Open) -> None:
    """A ledger with a hole is refused: what comes after it may say anything."""
    ledger = machine("here")
    for trial in range(3):
        ledger.append([started(trial)])
    Objects(f"{url}/sweep").remove(["ledger/00000001.jsonl"])
    with pytest.raises(LedgerError, match=r"ledger/00000001.jsonl is missing"):
        machine("there")
