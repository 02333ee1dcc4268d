"""A trial's process that is told to leave: SIGTERM before a machine is taken away, or before a pod is moved.

The epoch that runs is trained to its end, saved and reported; then the process leaves, and the trial goes on in another
one. Where the machine goes first, a mark beside the trial's checkpoints says that the process had been told.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.ledger.files import trial_folder
from experiments._sweep.store.checkpoints import mark_key
from experiments._sweep.store.objects import Objects
from experiments._sweep.store.places import url_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

LEAVES = "raysweeps_leaves"
"""Key under which a trial's process reports that it leaves."""
ORPHAN_S = 5.0
"""How often a process that was told to leave looks whether Ray is still there."""
ASKED_S = 15.0
"""How long a store is waited for that has the mark, or is given it."""


def mark_of_leaving(folder: Path, segment: int) -> Path:
    """Where the process that trains a segment notes that it was told to leave; `folder`: of the trial."""
    return folder / f"segment-{segment:03d}.told-to-leave"


def noting_in_store(store: str, trial: int, driver: int, segment: int) -> Callable[[], None]:
    """What notes in a sweep's store that the process which trains a segment was told to leave."""
    objects, key = Objects(store, patience_s=ASKED_S), mark_key(trial, driver, segment)
    return lambda: objects.put(key, b"")


def was_told_to_leave(sweep: Path, trial: int, driver: int, segment: int) -> bool:
    """Whether the process that a driver's segment was trained in has noted so; not known of a store that is gone."""
    url = url_of(sweep)
    if url is None:
        return mark_of_leaving(trial_folder(sweep, trial), segment).exists()
    with contextlib.suppress(OSError):
        return Objects(url, patience_s=ASKED_S).modified(mark_key(trial, driver, segment)) is not None
    return False


class Leave:
    """What this process was told, and where it notes that."""

    def __init__(self) -> None:
        """Nothing was told yet."""
        self._told = False
        self._mark: Path | Callable[[], None] | None = None
        self._training = False
        self._process = os.getpid()
        self._otherwise: Any = signal.SIG_DFL
        """What SIGTERM did before."""

    def listen(self) -> None:
        """Takes SIGTERM from now on; to be called in the process's main thread."""
        self._process = os.getpid()
        self._otherwise = signal.getsignal(signal.SIGTERM)
        signal.signal(signal.SIGTERM, self._heard)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # forked from here, as the workers of a DataLoader are: they end at once
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
        elif not self._training:
            _do(self._otherwise, number, frame)
        elif not self._told:
            self._told = True
            self._leave_mark()
            threading.Thread(target=_leave, args=(self._mark, os.getppid()), name="leaving", daemon=True).start()

    def _leave_mark(self) -> None:
        if isinstance(self._mark, Path):
            with contextlib.suppress(OSError):  # a disk that cannot be written costs the evidence, nothing else
                self._mark.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.close(os.open(self._mark, os.O_CREAT | os.O_WRONLY, 0o600))

    @contextlib.contextmanager
    def after_this_epoch(self, session: Any, mark: Path | Callable[[], None]) -> Iterator[None]:
        """While it lasts, a trial trains here whose process leaves, if told to, after the report of an epoch.

        Args:
            session: Ray's, through which every kind of trainable reports.
            mark: The place of `mark_of_leaving`, or what `noting_in_store` gave.
        """
        self._mark, self._training = mark, True
        report = session.report

        def report_and_leave(*args: Any, **kwargs: Any) -> None:
            report(*args, **kwargs)
            if self._told:
                report({LEAVES: True})
                raise Left

        session.report = report_and_leave
        try:
            yield
        finally:
            del session.report
            self._training = False


class Left(BaseException):
    """Ends the training of a process that leaves; no `except Exception` of a trainable stops it."""


LEAVE = Leave()
"""Of this process."""


class Leaves:
    """Mixed into Ray's trainable class: takes the signal in the main thread, where alone Python lets it be taken."""

    def setup(self, config: dict[str, Any]) -> None:
        """Sets the trainable up in its process."""
        LEAVE.listen()
        super().setup(config)  # type: ignore[misc]


def _do(handler: Any, number: int, frame: FrameType | None) -> None:
    if callable(handler):
        handler(number, frame)
    elif handler != signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


def _leave(mark: Path | Callable[[], None] | None, parent: int) -> None:
    """Notes it where that takes time. Whose raylet is gone reports to nobody: it ends, however long its epoch lasts."""
    if callable(mark):
        with contextlib.suppress(Exception):  # a store that does not take it costs the evidence, nothing else
            mark()
    while os.getppid() == parent:
        threading.Event().wait(ORPHAN_S)
    os._exit(1)
