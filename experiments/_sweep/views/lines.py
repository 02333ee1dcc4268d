"""Plain lines for everything that is no terminal: a file, a pipe, a log of a cluster."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from experiments._sweep.views.events import Events
from experiments._sweep.views.words import counts, duration, number

if TYPE_CHECKING:
    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.records import Entry

QUIET_S = 30.0
"""A line of progress at least so often."""


class Lines:
    """An observer that prints a line an event."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._events = Events()
        self._said_at = 0.0

    def saw(self, entry: Entry, history: History) -> None:
        """Prints what the record is worth."""
        for line in self._events.of(entry, history):
            self._print(history, line)

    def tick(self, history: History) -> None:
        """Says how far the sweep is when nothing else was said for a while."""
        if history.t - self._said_at >= QUIET_S:
            best = history.best
            leading = f"; best so far: trial {best.number} with {number(best.value)}" if best else ""
            self._print(history, f"{counts(history)}{leading}")

    def close(self, history: History) -> None:
        """Nothing: every line is out already."""

    def _print(self, history: History, line: str) -> None:
        self._said_at = history.t
        print(f"[{duration(history.t):>9}] {line}", file=self._file, flush=True)
