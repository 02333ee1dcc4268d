"""How a sweep is asked to end early: Ctrl+C, SIGTERM, the time limit. All of them drain it.

Trials stop at their next report; after `DRAIN_S` what still runs is cut. A second signal exits at once. A driver whose
sweep was taken over waits for nothing: it can record no report any more.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from experiments._sweep.engine.deciding.conductor import Conductor

DRAIN_S = 15.0
INTERRUPTED = 130
"""The exit code of an interrupted sweep."""


def hear_again() -> None:
    """Gives the signals back to Python: Ray's core takes them from it, below Python's sight, when it starts."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.getsignal(number))


def exit_now(code: int, said: str, to: int) -> NoReturn:
    """Ends the process from any of its threads, with a last word to a file descriptor."""
    shown = "\x1b[?25h" if os.isatty(1) else ""  # the live display has hidden the cursor
    for place, text in ((1, shown), (to, f"{said}\n")):
        with contextlib.suppress(OSError):  # nobody may be there to read it
            os.write(place, text.encode())
    os._exit(code)


class Drain:
    """Watches the clock and the signals of one driver."""

    def __init__(self, time_limit_s: float | None) -> None:
        self._limit_at = None if time_limit_s is None else time.monotonic() + time_limit_s
        self._limit_s = time_limit_s
        self._signal: str | None = None
        self._since: float | None = None
        self._cut_short = False

    def look(self, conductor: Conductor) -> None:
        """Drains the sweep where it is time to."""
        if self._signal:
            conductor.stop("interrupted", f"interrupted by {self._signal}")
        elif self._limit_at is not None and time.monotonic() >= self._limit_at:
            conductor.stop("time limit", f"the time limit of {self._limit_s:g} s was reached")
        if conductor.journal.overtaken:
            conductor.stop("fault", "another driver has taken the sweep over, this one stops")
            self.cut_short()
        if conductor.halt and self._since is None:
            self._since = time.monotonic()
            again = "again " if self._signal else ""
            why = conductor.halt.why.partition("\n")[0].rstrip(".")
            conductor.journal.note(
                f"stopping (Ctrl+C {again}exits at once): trials end at their next report, in {DRAIN_S:g} s at most; "
                f"{why}"
            )

    def cut_short(self) -> None:
        """Waits for nothing that still runs: nobody is there any more to report."""
        self._cut_short = True

    @property
    def hurried(self) -> bool:
        """Whether somebody, or nobody any more, waits for the driver to end."""
        return self._signal is not None or self._cut_short

    @property
    def overdue(self) -> bool:
        """Whether draining has taken too long."""
        return self._cut_short or (self._since is not None and time.monotonic() - self._since > DRAIN_S)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Takes SIGINT and SIGTERM for as long as the context lasts, where this is the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._heard) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self._signal:
            said = "ended at once; nothing that was recorded is lost, and the sweep can be resumed"
            exit_now(INTERRUPTED, f"\n{said}", to=2)
        self._signal = signal.Signals(number).name
