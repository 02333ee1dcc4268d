"""What a ledger says of one trial: its epochs, its stretches of training, how it stands."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments._sweep.ledger.records import EpochReported


@dataclass
class SegmentHistory:
    """One stretch of training."""

    number: int
    driver: int
    started: float
    ended: float
    """Seconds since its driver started, as of its newest record."""
    first_epoch: int | None = None
    cause: str = ""
    """Why it was interrupted, empty where it was not."""
    why: str = ""
    rung: dict[str, Any] | None = None
    """The comparison that promoted the trial to it, None where none did."""
    worker: str | None = None
    """Who trains it, `HOST:PID`; None before its first epoch, and where an older version wrote the sweep."""

    @property
    def seconds(self) -> float:
        """How long it trained."""
        return max(0.0, self.ended - self.started)


@dataclass
class TrialHistory:
    """One trial as the ledger knows it."""

    number: int
    config: dict[str, Any]
    origin: str
    made_at: int
    metric: str
    mode: str
    bracket: int | None = None
    """The scheduler's bracket that it is in, None where there are none."""
    details: dict[str, Any] = field(default_factory=dict)
    """What made it the searcher's choice, by name."""
    epochs: list[EpochReported] = field(default_factory=list)
    """Epoch e stands at index e - 1."""
    segments: list[SegmentHistory] = field(default_factory=list)
    state: str = "interrupted"
    """An ending, or `running`, `held`, `interrupted`."""
    why: str = ""
    traceback: str = ""
    stopped_at: dict[str, Any] | None = None
    """The comparison that stopped it while it was held, None where none did."""
    last_counts: bool = False
    """Whether the last value stands for the trial, and not the best."""
    value: float | None = None
    """Best finite value of the metric so far, or the last, where that is what counts."""
    epoch: int | None = None
    """The epoch of `value`, the first where several are equal."""
    value_at: int | None = None
    """The counter of the ledger's line that has `value`."""
    ended_at: int | None = None
    """The counter of the ledger's line that has the ending, None while there is none."""
    losses: dict[int, float] = field(default_factory=dict)
    """Finite losses by epoch: the metric, negated where higher is better."""

    @property
    def ended(self) -> bool:
        """Whether its ending is final."""
        return self.state not in ("running", "held", "interrupted")

    @property
    def seconds(self) -> float:
        """Training time over all its segments."""
        return sum(segment.seconds for segment in self.segments)

    def better(self, value: float) -> bool:
        """Whether `value`, the newest, stands for the trial from now on."""
        if self.value is None or self.last_counts:
            return True
        return value < self.value if self.mode == "min" else value > self.value


def value_of(metrics: dict[str, Any], metric: str) -> float | None:
    """The metric's value where it is a finite number that a float can hold."""
    value = metrics.get(metric)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max:
        return float(value)
    return None


def flat(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested keys joined by dots."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict) and value:
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found
