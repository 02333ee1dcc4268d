"""One writer per sweep: who holds the lease, when it is stale, and what its beat does."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from experiments._sweep.ledger.lease import (
    LEASE,
    STALE_S,
    Holder,
    Lease,
    SweepInUseError,
    holder_of,
    process_start,
    this_machine,
)

OURS = Holder(
    socket.gethostname(), os.getpid(), process_start(os.getpid()), "2026-01-01 00:00:00 UTC", 3, this_machine()
)
ABROAD = Holder("another-host", 7, "123", "2026-01-01 00:00:00 UTC", 9)


def write(sweep: Path, holder: Holder, age_s: float = 0) -> None:
    """Leave a lease whose counter was last raised `age_s` ago."""
    path = sweep / LEASE
    path.write_text(json.dumps(asdict(holder)))
    os.utime(path, (time.time() - age_s,) * 2)


@contextmanager
def held(sweep: Path) -> Iterator[Lease]:
    """Hold the lease for as long as the context lasts."""
    lease = Lease(sweep)
    lease.take()
    try:
        yield lease
    finally:
        lease.release()


def test_a_second_holder_is_refused_by_name(tmp_path: Path) -> None:
    """The message names host, process and time of the first, and says what to do."""
    with held(tmp_path):
        since = json.loads((tmp_path / LEASE).read_text())["since"]
        with pytest.raises(SweepInUseError) as refused:
            Lease(tmp_path).take()
    said = str(refused.value)
    assert f"process {os.getpid()} on {socket.gethostname()} since {since}" in said and "Ctrl+C" in said


def test_release_makes_room(tmp_path: Path) -> None:
    """After the release nobody holds it, no file is left, and the next one takes it."""
    with held(tmp_path):
        assert (tmp_path / LEASE).stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [] and holder_of(tmp_path) is None
    with held(tmp_path):
        assert holder_of(tmp_path) is not None


def test_a_host_that_gets_another_name_keeps_its_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A laptop that comes into another network goes on beating, and lets go."""
    with held(tmp_path) as lease:
        monkeypatch.setattr(socket, "gethostname", lambda: "another-name")
        lease.beat()
        assert json.loads((tmp_path / LEASE).read_text())["counter"] == 1
    assert not (tmp_path / LEASE).exists()


def test_f21_a_beat_does_not_undo_a_take_over(tmp_path: Path) -> None:
    """Between the look at whose the lease is and the write nobody takes it over."""
    with held(tmp_path) as first:
        meanwhile = threading.Thread(target=Lease(tmp_path).take, kwargs={"over": True}, daemon=True)
        written, order = first._write, []

        def write_slowly() -> None:
            meanwhile.start()
            meanwhile.join(0.3)
            order.append(meanwhile.is_alive())
            written()

        first._write = write_slowly  # type: ignore[method-assign]
        first.beat()
        meanwhile.join()
        assert order == [True] and json.loads((tmp_path / LEASE).read_text())["counter"] == 0


def test_a_dead_process_is_taken_over_at_once(tmp_path: Path) -> None:
    """The lease of a process that has really ended is stale, however fresh its counter."""
    say = "import sys; sys.path.insert(0, sys.argv[1])\nfrom pathlib import Path\n"
    say += "from experiments._sweep.ledger.lease import Lease\nLease(Path(sys.argv[2])).take()"
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", say, str(root), str(tmp_path)], check=True)
    left = json.loads((tmp_path / LEASE).read_text())
    assert left["pid"] != os.getpid() and left["started"]
    with held(tmp_path):
        assert json.loads((tmp_path / LEASE).read_text())["pid"] == os.getpid()


def test_another_process_under_the_same_number_is_not_the_holder(tmp_path: Path) -> None:
    """A process number that was given out again, told by its start time, does not keep a sweep locked."""
    write(tmp_path, OURS)
    assert holder_of(tmp_path) == OURS
    write(tmp_path, replace(OURS, started="1"))
    assert holder_of(tmp_path) is None


def test_a_counter_abroad_decides_by_standing_still(tmp_path: Path) -> None:
    """A lease of another host holds while its counter was raised lately, and is taken over after that."""
    write(tmp_path, ABROAD, age_s=STALE_S / 2)
    with pytest.raises(SweepInUseError, match="process 7 on another-host"):
        Lease(tmp_path).take()
    write(tmp_path, ABROAD, age_s=STALE_S + 5)
    with held(tmp_path):
        assert holder_of(tmp_path) != ABROAD


def test_without_a_start_time_the_counter_decides(tmp_path: Path) -> None:
    """Where the kernel does not tell when a process began (no /proc), a fresh lease of this host still holds."""
    write(tmp_path, replace(OURS, started=""))
    assert holder_of(tmp_path) is not None
    write(tmp_path, replace(OURS, started=""), age_s=STALE_S + 5)
    assert holder_of(tmp_path) is None


@pytest.mark.parametrize("garbage", ["", "{", "[]", "null", '{"host": 1}', "\udcff\udcfe", '{"pid": 1, "new": 2}'])
def test_a_garbage_lease_holds_until_it_is_old(tmp_path: Path, garbage: str) -> None:
    """A lease that cannot be read may be one in the making; later it is nobody's."""
    path = tmp_path / LEASE
    path.write_bytes(garbage.encode(errors="surrogateescape"))
    with pytest.raises(SweepInUseError, match="an unknown host"):
        Lease(tmp_path).take()
    os.utime(path, (time.time() - STALE_S - 5,) * 2)
    with held(tmp_path):
        assert json.loads(path.read_text())["pid"] == os.getpid()


def test_the_counter_beats(tmp_path: Path) -> None:
    """Each beat raises the counter and nothing else."""
    with held(tmp_path) as lease:
        before = holder_of(tmp_path)
        lease.beat()
        lease.beat()
        assert before is not None and holder_of(tmp_path) == replace(before, counter=before.counter + 2)


def test_a_lease_that_was_taken_over_is_left_alone(tmp_path: Path) -> None:
    """A driver that slept until it was stale neither beats into its successor's lease nor removes it."""
    with held(tmp_path) as lease:
        write(tmp_path, ABROAD)
        lease.beat()
        assert holder_of(tmp_path) == ABROAD
    assert holder_of(tmp_path) == ABROAD


def test_a_full_disk_stops_one_beat_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A beat that cannot be written leaves the lease as it was, and the next one counts on."""
    with held(tmp_path) as lease:
        with monkeypatch.context() as full:
            full.setattr(json, "dump", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
            lease.beat()
        first = holder_of(tmp_path)
        lease.beat()
        second = holder_of(tmp_path)
        assert first is not None and second is not None and second.counter > first.counter


def test_looking_at_a_lease_needs_no_right_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder that can only be read a foreign lease counts as held, and nothing fails."""
    write(tmp_path, ABROAD, age_s=STALE_S + 5)
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: (_ for _ in ()).throw(OSError(30, "Read-only")))
    assert holder_of(tmp_path) == ABROAD
