"""Plain lines for everything that is no terminal: a file, a pipe, a log of a cluster."""

from __future__ import annotations

import time
from typing import IO, TYPE_CHECKING

from experiments._sweep.views.clock import SweepClock
from experiments._sweep.views.events import Events
from experiments._sweep.views.pruning import pruning_of
from experiments._sweep.views.time_left import time_left, time_left_in_words
from experiments._sweep.views.unhurried import Unhurried
from experiments._sweep.views.words import clean, counts, duration, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.records import Entry

QUIET_S = 30.0
"""A line of progress where nothing else was said for so long."""
OFTEN_S = 120.0
"""A line of progress at least so often, however much is said: events do not tell how far it is."""


class Lines:
    """An observer that prints a line an event."""

    def __init__(
        self,
        file: IO[str] | Unhurried,
        clock: Callable[[], float] = time.monotonic,
        *,
        stamp: Callable[[], float] | None = None,
    ) -> None:
        """Prints to `file`, each line with the seconds that `stamp` gives, or those of `clock` since now."""
        self._file = file
        self._clock = clock
        self._events = Events()
        began = self._said_at = self._told_at = clock()
        self._stamp = stamp or (lambda: clock() - began)
        self._sweep_clock = SweepClock(clock)

    def saw(self, entry: Entry, history: History) -> None:
        """Prints what the record is worth."""
        for line in self._events.of(entry, history):
            self._print(line)

    def noted(self, text: str, history: History) -> None:
        """Prints it."""
        self._print(clean(text))

    def tick(self, history: History) -> None:
        """Says how far the sweep is when nothing else was said for a while, or that was not for long."""
        now = self._clock()
        if now - self._said_at >= QUIET_S or now - self._told_at >= OFTEN_S:
            self.progress(history)

    def remembered(self, entry: Entry, history: History) -> None:
        """Takes note of what happened before there was anybody to tell."""
        for _ in self._events.of(entry, history):
            continue

    def begin(self, history: History) -> None:
        """Says how far a sweep is that is watched from now on."""
        self.progress(history)

    def progress(self, history: History) -> None:
        """Says how far the sweep is."""
        best = history.best
        leading = f"; best so far: trial {best.number} with {number(best.value)}" if best else ""
        left = time_left_in_words(time_left(history, self._sweep_clock.t(history), pruning_of(history)))
        self._print(f"{counts(history)}{leading}{f'; {left}' if left else ''}")
        self._told_at = self._said_at

    def close(self, history: History) -> None:
        """Waits until every line is out."""
        if isinstance(self._file, Unhurried):
            self._file.drain()

    def _print(self, line: str) -> None:
        self._said_at = self._clock()
        print(f"[{duration(self._stamp()):>9}] {line}", file=self._file, flush=True)
