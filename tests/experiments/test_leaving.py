"""F19: a process that is told to leave finishes its epoch, says so, and goes; others do as they did before."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments._sweep.engine.leaving import LEAVES, Leave, Left, mark_of_leaving


class Session:
    """Ray's, as far as a trial reports through it."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def report(self, metrics: Any, checkpoint: Any = None) -> None:
        """Keep what is reported."""
        self.told.append(metrics)


def in_a_process(run: Callable[[Leave], object]) -> int:
    """Give the exit code of a process that listens to SIGTERM as a trial's does."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
        leave = Leave()
        leave.listen()
        try:
            run(leave)
        except Left:
            os._exit(42)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def told_to_leave() -> None:
    """Send this process the notice; Python hears it before the next line."""
    os.kill(os.getpid(), signal.SIGTERM)


def test_f19_the_epoch_is_reported_and_then_the_process_leaves(tmp_path: Path) -> None:
    """No exception handler of a trainable keeps it; its mark lies in the trial's folder, for this user alone."""
    mark = mark_of_leaving(tmp_path / "trials" / "0003", 2)

    def train(leave: Leave) -> None:
        session = Session()
        with leave.after_this_epoch(session, mark):
            session.report({"epoch": 1})
            told_to_leave()
            told_to_leave()
            try:
                session.report({"epoch": 2})
            except Left:
                assert session.told == [{"epoch": 1}, {"epoch": 2}, {LEAVES: True}]
                raise
            except Exception:  # noqa: BLE001 - what a trainable might do
                os._exit(2)

    assert in_a_process(train) == 42
    assert mark.name == "segment-002.told-to-leave" and mark.stat().st_mode & 0o777 == 0o600


def test_f19_a_process_that_does_not_train_ends_as_before(tmp_path: Path) -> None:
    """Before its first trial and between two, there is nothing to finish."""
    assert in_a_process(lambda _: (told_to_leave(), time.sleep(10))) == 7

    def train(leave: Leave) -> None:
        session = Session()
        with leave.after_this_epoch(session, tmp_path / "mark"):
            session.report({"epoch": 1})
        assert "report" not in vars(session)
        told_to_leave()
        time.sleep(10)

    assert in_a_process(train) == 7


def test_f19_what_a_trial_has_forked_ends_at_once(tmp_path: Path) -> None:
    """The workers of a DataLoader inherit the handler, and must still be ended by whoever started them."""

    def train(leave: Leave) -> None:
        with leave.after_this_epoch(Session(), tmp_path / "mark"):
            worker = os.fork()
            if worker == 0:
                told_to_leave()
                time.sleep(10)
                os._exit(0)
            os._exit(-os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]))

    assert in_a_process(train) == signal.SIGTERM


def test_f19_a_disk_that_cannot_be_written_costs_the_mark_only(tmp_path: Path) -> None:
    """The process leaves all the same."""
    (tmp_path / "file").touch()

    def train(leave: Leave) -> None:
        session = Session()
        with leave.after_this_epoch(session, mark_of_leaving(tmp_path / "file" / "0000", 1)):
            told_to_leave()
            session.report({"epoch": 1})

    assert in_a_process(train) == 42
