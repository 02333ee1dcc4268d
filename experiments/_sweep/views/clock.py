"""What time it is in a sweep, for those who watch: its records say when they were made, and time goes on between."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from experiments._sweep.ledger.history import History


class SweepClock:
    """Seconds since the newest driver started, set by each record and running on from there."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, late_s: float = 0.0) -> None:
        """Runs as `clock` does; `late_s`: how old the newest record is when the clock is first asked."""
        self._clock, self._late_s = clock, late_s
        self._seen: tuple[int, float] | None = None
        self._at = 0.0

    def t(self, history: History) -> float:
        """Now, by the clock of `History.t`; it stands still once the sweep has ended."""
        if (history.driver, history.t) != self._seen:
            self._seen, self._at = (history.driver, history.t), self._clock() - self._late_s
            self._late_s = 0.0
        return history.t if history.end is not None else history.t + self._clock() - self._at

    def seconds(self, history: History) -> float:
        """How long all drivers have been at work."""
        return history.seconds - history.t + self.t(history)
