"""Plain lines for everything that is no terminal: a file, a pipe, a log of a cluster."""

from __future__ import annotations

import time
from typing import IO, TYPE_CHECKING

from experiments._sweep.views.events import Events
from experiments._sweep.views.words import clean, counts, duration, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.records import Entry

QUIET_S = 30.0
"""A line of progress at least so often."""


class Lines:
    """An observer that prints a line an event."""

    def __init__(self, file: IO[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._clock = clock
        self._events = Events()
        self._began = self._said_at = clock()

    def saw(self, entry: Entry, history: History) -> None:
        """Prints what the record is worth."""
        for line in self._events.of(entry, history):
            self._print(line)

    def noted(self, text: str, history: History) -> None:
        """Prints it."""
        self._print(clean(text))

    def tick(self, history: History) -> None:
        """Says how far the sweep is when nothing else was said for a while."""
        if self._clock() - self._said_at >= QUIET_S:
            best = history.best
            leading = f"; best so far: trial {best.number} with {number(best.value)}" if best else ""
            self._print(f"{counts(history)}{leading}")

    def close(self, history: History) -> None:
        """Nothing: every line is out already."""

    def _print(self, line: str) -> None:
        self._said_at = self._clock()
        print(f"[{duration(self._said_at - self._began):>9}] {line}", file=self._file, flush=True)
