"""What a history says now, kept apart from it: the thread that draws must not read what the driver changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments._sweep.views.tensorboard.files import counts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.records import EpochReported


@dataclass(frozen=True, kw_only=True)
class TrialNow:
    """One trial that has begun or ended."""

    number: int
    config: Mapping[str, Any]
    segments: tuple[tuple[int, float, float], ...]
    """Number, wall-clock time at which its driver started, and seconds from there to the segment's start."""
    epochs: tuple[EpochReported, ...]
    state: str
    ended: bool
    until: float
    """Wall-clock time of the newest record of its training."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One sweep."""

    question: str
    at: float
    """Wall-clock time at which it began."""
    asks: Mapping[str, Any]
    trials: tuple[TrialNow, ...]
    settled: bool
    """Whether nobody drives it, so that each trial is at its end, for now."""
    counts: Mapping[str, int]

    @property
    def endings(self) -> dict[int, str]:
        """Trial to how it ended, or to the state in which it was left."""
        return {trial.number: trial.state for trial in self.trials if self.settled or trial.ended}


def snapshot(history: History, *, settled: bool) -> Snapshot:
    """What a history says now."""
    return Snapshot(
        question=history.sweep.question,
        at=history.sweep.at,
        asks=history.asks,
        trials=tuple(_trials(history)),
        settled=settled,
        counts=counts(history),
    )


def _trials(history: History) -> Iterator[TrialNow]:
    began = {driver.driver: driver.at for driver in history.drivers}
    for trial in history.trials.values():
        last = trial.segments[-1] if trial.segments else None
        if last is None and not trial.ended:
            continue
        yield TrialNow(
            number=trial.number,
            config=trial.config,
            segments=tuple((each.number, began[each.driver], each.started) for each in trial.segments),
            epochs=tuple(trial.epochs),
            state=trial.state,
            ended=trial.ended,
            until=began[last.driver] + last.ended if last else history.drivers[-1].at,
        )
