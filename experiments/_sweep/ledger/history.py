"""What a ledger says: the state of a sweep, folded record by record.

The driver folds what it writes, a reader what it reads: both see the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from experiments._sweep.ledger.records import (
    SUCCESSES,
    DriverEnded,
    DriverStarted,
    EpochReported,
    SegmentInterrupted,
    SegmentStarted,
    SweepOpened,
    TrialEnded,
    TrialProposed,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from experiments._sweep.ledger.records import Entry


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
    """The metric's value where it is a finite number."""
    value = metrics.get(metric)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
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


class History:
    """A sweep's state."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        """Folds `entries`, the whole ledger from its first line."""
        self.opened: SweepOpened | None = None
        self.drivers: list[DriverStarted] = []
        self.end: DriverEnded | None = None
        """How the newest driver let go, None while it has not."""
        self.trials: dict[int, TrialHistory] = {}
        self.t = 0.0
        """Seconds since the newest driver started, as of the newest record."""
        for entry in entries:
            self.apply(entry)

    @property
    def sweep(self) -> SweepOpened:
        """The first line."""
        if self.opened is None:
            raise ValueError("the ledger is empty: the sweep was cut before its first line")
        return self.opened

    @property
    def driver(self) -> int:
        """Number of the newest driver, 0 where there is none."""
        return self.drivers[-1].driver if self.drivers else 0

    def in_state(self, *states: str) -> Iterator[TrialHistory]:
        """The trials in one of the states, by number."""
        return (trial for trial in self.trials.values() if trial.state in states)

    @property
    def last_counts(self) -> bool:
        """Whether the last value of a trial stands for it: an estimate from all its epochs, such as folds."""
        return bool(self.sweep.asks.get("counts") == "last")

    @property
    def ranked(self) -> list[TrialHistory]:
        """Those who are able, the best first; the lower number where two are equal.

        Where the last value counts, those that got further come first: an estimate from more folds says more.
        """
        return sorted(self.able, key=lambda trial: (self.standing(trial), trial.number))

    @property
    def best(self) -> TrialHistory | None:
        """The first of `ranked`."""
        return min(self.able, key=lambda trial: (self.standing(trial), trial.number), default=None)

    @property
    def able(self) -> Iterator[TrialHistory]:
        """The trials that have a value and did not fail, by number."""
        able = self.in_state(*SUCCESSES, "running", "held", "interrupted")
        return (trial for trial in able if trial.value is not None)

    def standing(self, trial: TrialHistory) -> tuple[int, float]:
        """What a trial that has a value is ranked by: lower is better, and the same where two are equal."""
        value = trial.value or 0.0
        return -(trial.epoch or 0) if trial.last_counts else 0, value if trial.mode == "min" else -value

    def apply(self, entry: Entry) -> None:
        """Folds one entry in."""
        record = entry.record
        match record:
            case SweepOpened():
                self.opened = record
            case DriverStarted():
                self._driver_started(record)
            case TrialProposed():
                self.trials[record.trial] = TrialHistory(
                    number=record.trial,
                    config=record.config,
                    origin=record.origin,
                    made_at=record.made_at,
                    bracket=record.bracket,
                    details=record.details,
                    metric=self.sweep.asks["metric"],
                    mode=self.sweep.asks["mode"],
                    last_counts=self.last_counts,
                )
            case SegmentStarted():
                trial = self.trials[record.trial]
                trial.state = "running"
                segment = SegmentHistory(
                    number=record.segment, driver=self.driver, started=record.t, ended=record.t, rung=record.rung
                )
                trial.segments.append(segment)
            case EpochReported():
                self._epoch_reported(record, entry.n)
            case SegmentInterrupted():
                trial = self.trials[record.trial]
                trial.state = "interrupted"
                segment = trial.segments[-1]
                segment.ended, segment.cause, segment.why = record.t, record.cause, record.why
            case TrialEnded():
                trial = self.trials[record.trial]
                if trial.state == "running":  # one that was held, or is lost, has not trained until now
                    trial.segments[-1].ended = record.t
                trial.state, trial.why, trial.traceback = record.ending, record.why, record.traceback
                trial.ended_at, trial.stopped_at = entry.n, record.rung
            case DriverEnded():
                self.end = record
        self.t = getattr(record, "t", 0.0)

    def driver_lost(self) -> None:
        """What runs is interrupted: its driver is gone, or another one takes over."""
        for trial in self.in_state("running"):
            trial.state = "interrupted"
            trial.segments[-1].cause, trial.segments[-1].why = "driver", "the driver was lost"

    def _driver_started(self, record: DriverStarted) -> None:
        self.driver_lost()
        self.drivers.append(record)
        self.end = None

    def _epoch_reported(self, record: EpochReported, n: int) -> None:
        trial = self.trials[record.trial]
        trial.epochs.append(record)
        segment = trial.segments[-1]
        segment.ended = record.t
        segment.first_epoch = segment.first_epoch or record.epoch
        value = value_of(record.metrics, trial.metric)
        if value is not None:
            trial.losses[record.epoch] = value if trial.mode == "min" else -value
            if trial.better(value):
                trial.value, trial.epoch, trial.value_at = value, record.epoch, n
        if record.ending:
            trial.state, trial.why, trial.ended_at = record.ending, record.why, n
        elif record.action == "hold":
            trial.state = "held"
