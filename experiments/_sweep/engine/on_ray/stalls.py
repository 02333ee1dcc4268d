"""Trials that fall silent: how long a trial may train without a report before it has timed out.

Waiting for resources does not count, nor does the time before its process has begun to train.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import TrialHistory

SLOWEST_TIMES = 20
"""`auto`: so many times the slowest epoch that this sweep has seen,"""
AT_LEAST_S = 600.0
"""at least so long,"""
BEFORE_ANY_S = 7200.0
"""and so long while it has seen none."""
LOOK_S = 1.0


class Stalls:
    """Watches the segments that train now."""

    def __init__(self, timeout_s: float | Literal["auto"] | None, history: History) -> None:
        """Watches for a driver of the sweep with `history`; None: nobody is ever late."""
        self._timeout_s = timeout_s
        self._history = history
        self._slowest_s = max((_slowest(trial) for trial in history.trials.values()), default=0.0)
        self._heard: dict[str, tuple[Any, float]] = {}
        """Segment to what the caller knows it by, and when it was last heard of."""
        self._looked = 0.0

    @property
    def limit_s(self) -> float | None:
        """How long a trial may be silent now."""
        if self._timeout_s != "auto":
            return self._timeout_s
        return max(AT_LEAST_S, SLOWEST_TIMES * self._slowest_s) if self._slowest_s else BEFORE_ANY_S

    def began(self, name: str, whom: Any) -> None:
        """The segment trains from now on; `whom` comes back when it is late."""
        self._heard[name] = (whom, time.monotonic())

    def heard(self, name: str, trial: int) -> None:
        """The segment has reported, and what it reported is recorded."""
        if name in self._heard:
            self._heard[name] = (self._heard[name][0], time.monotonic())
        self._slowest_s = max(self._slowest_s, _newest(self._history.trials[trial]))

    def over(self, name: str) -> None:
        """The segment trains no longer."""
        self._heard.pop(name, None)

    def late(self) -> Iterator[tuple[Any, str]]:
        """Those who were silent for too long, each once, and what is to be said of it."""
        now, limit = time.monotonic(), self.limit_s
        if limit is None or now - self._looked < min(LOOK_S, limit / 2):
            return
        self._looked = now
        for name, (whom, since) in list(self._heard.items()):
            if now - since > limit:
                self.over(name)
                yield whom, f"no report for {now - since:.0f} s (the stall timeout is {limit:g} s)"


def _newest(trial: TrialHistory) -> float:
    """How long the newest epoch took: since the one before it, or since its segment began."""
    if not trial.epochs:
        return 0.0
    return _seconds(trial, len(trial.epochs) - 1)


def _slowest(trial: TrialHistory) -> float:
    return max((_seconds(trial, at) for at in range(len(trial.epochs))), default=0.0)


def _seconds(trial: TrialHistory, at: int) -> float:
    epoch = trial.epochs[at]
    before = trial.epochs[at - 1] if at else None
    if before is not None and before.segment == epoch.segment:
        return epoch.t - before.t
    return epoch.t - trial.segments[epoch.segment - 1].started
