"""A cluster that is gone: it is noticed, the driver ends in good order, and where it cannot, at once."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from experiments._sweep.engine.on_ray import lifeline, probing
from experiments._sweep.engine.on_ray.last_words import end_at_once
from experiments._sweep.engine.on_ray.lifeline import Lifeline
from experiments._sweep.engine.on_ray.probing import Knocks, full, gone_of, refuse_without_room
from experiments._sweep.errors import EngineError
from experiments._sweep.ledger.files import LEDGER, read
from experiments._sweep.ledger.history import History
from experiments._sweep.ledger.lease import LEASE, Lease
from tests.experiments.conftest import Driven, experiment

Drive = Callable[..., Driven]


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nobody look seldom or wait for long."""
    monkeypatch.setattr(lifeline, "LOOK_S", 0.01)
    monkeypatch.setattr(lifeline, "PATIENCE_S", 0.01)


@pytest.mark.usefixtures("soon")
def test_f5_a_driver_that_hangs_in_a_lost_cluster_ends(drive: Drive, capfd: pytest.CaptureFixture[str]) -> None:
    """G9: its main thread is not needed to write the last lines, to let go of the sweep, and to exit with 3."""
    driven = drive(experiment())
    assert driven.conductor.next_segment() != "done"
    child = os.fork()
    if child == 0:
        lease = Lease(driven.folder)
        lease.take()
        held = Lifeline(
            partial(driven.conductor.stop, "fault"), partial(end_at_once, driven.conductor, lease, driven.folder)
        )
        with held, held.watching(lambda: "the Ray session was lost"):
            time.sleep(60)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    history = History(read(driven.folder / LEDGER))
    assert history.end is not None
    assert (history.end.reason, history.end.why) == ("fault", "the Ray session was lost")
    assert [trial.state for trial in history.trials.values()] == ["interrupted"]
    assert not (driven.folder / LEASE).exists()
    said = capfd.readouterr().out
    assert "sweep ended early (fault): the Ray session was lost\ngo on with: sweep resume " in said


def test_f5_a_driver_whose_output_nobody_reads_ends_as_well(drive: Drive, tmp_path: Path) -> None:
    """The terminal and the current folder may have gone with the machine that it was on."""
    driven = drive(experiment())
    child = os.fork()
    if child == 0:
        (tmp_path / "gone").mkdir()
        os.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        readable, writable = os.pipe()
        os.close(readable)
        os.dup2(writable, 1)
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - it ends with the process
        sys.stdout.write("never read")
        lease = Lease(driven.folder)
        lease.take()
        try:
            end_at_once(driven.conductor, lease, driven.folder, "lost")
        finally:
            os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    assert not (driven.folder / LEASE).exists()


@pytest.mark.usefixtures("soon")
def test_f5_a_driver_that_ends_in_time_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told once; and the end of the Ray session, which looks like a loss, is none."""
    monkeypatch.setattr(lifeline, "PATIENCE_S", 60.0)
    told: list[str] = []
    ended, answers = threading.Event(), iter(["", "", "gone"])

    def lost(why: str) -> None:
        told.append(why)
        ended.set()

    held = Lifeline(lost, lambda why: told.append(f"at last: {why}"))
    with held, held.watching(lambda: next(answers, "gone for good")):
        assert ended.wait(10)
    fine = Lifeline(lost, lost)
    with fine, fine.watching(lambda: ""):
        pass
    for thread in threading.enumerate():
        if thread.name == "lifeline":
            thread.join(10)
    assert told == ["gone"]


def test_f5_a_process_of_the_session_that_ended_is_named() -> None:
    """With its exit code, a signal as a negative one."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    assert gone_of([("gcs_server", process)]) == ""
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert gone_of([("gcs_server", process)]) == "the Ray session was lost: its gcs_server process ended with code -9"


def test_f5_a_cluster_that_does_not_answer_three_times_is_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Once or twice is no loss: a head node may be slow, or begin again. The raylet of this machine has no excuse."""
    monkeypatch.setattr(probing, "KNOCK_EVERY_S", 0.0)
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    raylet = socket.socket(socket.AF_UNIX)
    raylet.bind("raylet")
    raylet.listen()
    with socket.create_server(("127.0.0.1", 0)) as head:
        address = f"127.0.0.1:{head.getsockname()[1]}"
        knocks = Knocks(address, "raylet")
        assert [knocks() for _ in range(5)] == [""] * 5
        raylet.close()
        assert knocks() == "Ray has ended on this machine: its raylet does not answer any more"
    with socket.socket(socket.AF_UNIX) as raylet:
        raylet.bind("another")
        raylet.listen()
        knocks = Knocks(address, "another")
        assert [knocks() for _ in range(3)] == ["", "", f"the Ray cluster at {address} does not answer any more"]


def test_f8_a_full_disk_under_ray_is_said_before_it_starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In words, with what to do; so is one that fills up while the sweep runs, and a folder that cannot be written."""
    refuse_without_room(tmp_path / "ray")
    assert full(str(tmp_path)) == ""
    (tmp_path / "file").touch()
    with pytest.raises(
        EngineError, match=r"Ray cannot write to its own folder .*file/ray \(Not a directory\)\. Make room"
    ):
        refuse_without_room(tmp_path / "file" / "ray")
    monkeypatch.setattr(probing.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000 << 10})())
    with pytest.raises(EngineError, match=r"is full: 0 MB are free, 50 MB are needed\. Make room there"):
        refuse_without_room(tmp_path)
    assert full(str(tmp_path)).startswith(f"the disk of Ray's own folder {tmp_path} is full. Make room there")
