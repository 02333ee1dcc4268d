"""Is a trial that was trained again the same, epoch by epoch? Pure functions of what was reported."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from experiments._sweep.ledger.trial_history import TrialHistory

    Metrics = Mapping[str, Any]

CUT = ("stopped", "interrupted", "held", "lost", "timed_out")
"""Endings that came from outside: the trial might have gone on."""
FAILURES = ("error", "out_of_memory")


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a trial has reported, and how it ended."""

    records: Sequence[Metrics]
    """The metrics of epoch e at index e - 1."""
    ending: str
    why: str = ""

    @classmethod
    def of(cls, trial: TrialHistory) -> Run:
        """A trial as its ledger knows it."""
        return cls(records=[epoch.metrics for epoch in trial.epochs], ending=trial.state, why=trial.why)

    @property
    def last_epoch(self) -> int:
        """The epoch at which its replay is stopped.

        Where the trial was cut from outside that is its last; where it ended by itself the next one, at which the
        replay is only if it goes on where the trial did not.
        """
        return max(1, len(self.records) + (self.ending not in CUT))


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Where two runs differ."""

    epoch: int
    metric: str
    then: float
    now: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A trial as it was recorded and as it was trained again."""

    epochs: int
    """How many were compared."""
    metrics: tuple[str, ...]
    """What was compared: numbers that both have reported, without times."""
    first: Difference | None
    """At the first epoch that differs, in the sweep's metric where it does; None where none does."""
    largest: float
    """The largest difference of the sweep's metric relative to the larger of the two; infinite where one of them is not
    finite, or was not reported."""
    missing: int
    """Epochs of the record that the replay does not have."""
    further: int
    """Epochs of the replay that the record does not have."""
    same_ending: bool

    @property
    def equal(self) -> bool:
        """Whether they are equal to the bit, and ended alike."""
        return self.first is None and not self.ended_otherwise

    @property
    def ended_otherwise(self) -> bool:
        """Whether the replay has other epochs than the record, or another ending."""
        return bool(self.missing or self.further) or not self.same_ending


def compared(then: Run, now: Run, metric: str) -> Comparison:
    """Compares every number that both have reported at an epoch, to the bit; NaN is equal to NaN.

    Times (`seconds`, `samples_per_second` and all that end so) are left out: they are never the same.

    Args:
        then: As it was recorded.
        now: As it was trained again.
        metric: The sweep's.
    """
    pairs = list(zip(then.records, now.records, strict=False))
    names = list(dict.fromkeys(name for pair in pairs for name in _common(*pair)))
    names.sort(key=lambda name: name != metric)
    return Comparison(
        epochs=len(pairs),
        metrics=tuple(names),
        first=next(_differences(pairs, names), None),
        largest=max((_relative(*(record.get(metric) for record in pair)) for pair in pairs), default=0.0),
        missing=max(0, len(then.records) - len(now.records)),
        further=max(0, len(now.records) - len(then.records)),
        same_ending=_alike(then, now),
    )


def is_number(value: Any) -> bool:
    """Whether a reported value is a number, NaN and the infinities included."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def same(then: float, now: float) -> bool:
    """Whether two numbers are equal to the bit; 0 and -0 are not."""
    return (math.isnan(then) and math.isnan(now)) or (then == now and math.copysign(1, then) == math.copysign(1, now))


def is_time(name: str) -> bool:
    """Whether a metric tells how long something took."""
    return name.endswith(("seconds", "per_second"))


def _common(then: Metrics, now: Metrics) -> Iterator[str]:
    for name, value in then.items():
        if name != "epoch" and not is_time(name) and is_number(value) and is_number(now.get(name)):
            yield name


def _differences(pairs: Sequence[tuple[Metrics, Metrics]], names: Sequence[str]) -> Iterator[Difference]:
    for epoch, (then, now) in enumerate(pairs, 1):
        both = set(_common(then, now))
        for name in names:
            if name in both and not same(then[name], now[name]):
                yield Difference(epoch=epoch, metric=name, then=then[name], now=now[name])


def _relative(then: Any, now: Any) -> float:
    if not is_number(then) or not is_number(now):
        return math.inf
    if then == now or (math.isnan(then) and math.isnan(now)):
        return 0.0
    if not math.isfinite(then) or not math.isfinite(now):
        return math.inf
    return float(abs(then - now) / max(abs(then), abs(now)))


def _alike(then: Run, now: Run) -> bool:
    """Whether both ended alike; a trial that was cut from outside, where the replay could have gone on, too."""
    if then.ending in CUT and then.records:
        return now.ending in ("completed", "stopped")
    if then.ending in FAILURES:
        return now.ending == then.ending and _kind(now.why) == _kind(then.why)
    return now.ending == then.ending


def _kind(why: str) -> str:
    """The type of an exception in a summary of it; messages often have addresses, which are other ones each time."""
    return why.partition(":")[0]
