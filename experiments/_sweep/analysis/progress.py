"""The best value so far: over the trials that have ended, the epochs that were trained, and the time it took."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments._sweep.ledger.records import SUCCESSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import SegmentHistory, TrialHistory


@dataclass(frozen=True, kw_only=True)
class Step:
    """How far a sweep was at one moment."""

    value: float
    """The best value so far."""
    trial: int
    """Who had it."""
    ended: int
    """Trials that had ended, failed ones included."""
    epochs: int
    """Epochs that had been trained, by all trials together."""
    seconds: float
    """Time of all drivers together; nothing passes between two of them."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Two ways to look at it; a trial that failed in the end is never the best one."""

    by_ended: tuple[Step, ...]
    """After each trial that ended, from the first that ended well: the best of those that have ended."""
    by_epoch: tuple[Step, ...]
    """At each epoch that brought a better value of any trial, running ones included; then the last moment."""
    drivers: tuple[float, ...]
    """Seconds at which the second driver and each later one took over."""


def progress(history: History) -> Progress:
    """The best value so far of a sweep; without steps while no trial has a value.

    Where the last value of a trial stands for it (folds), those that got further come first, as in the table of trials.
    """
    times = sorted(at for trial in history.trials.values() for at in _epoch_times(history, trial))
    return Progress(
        by_ended=tuple(_by_ended(history, times)),
        by_epoch=tuple(_by_epoch(history)),
        drivers=tuple(history.began_s[driver.driver] for driver in history.drivers[1:]),
    )


def moment(history: History, segment: SegmentHistory, t: float) -> float:
    """The seconds of work at which its driver's clock stood at `t`."""
    return history.began_s.get(segment.driver, 0.0) + t


def _epoch_times(history: History, trial: TrialHistory) -> Iterator[float]:
    segments = {segment.number: segment for segment in trial.segments}
    return (moment(history, segments[each.segment], each.t) for each in trial.epochs)


def _able(trial: TrialHistory) -> bool:
    return not trial.ended or trial.state in SUCCESSES


def _by_ended(history: History, times: list[float]) -> Iterator[Step]:
    ended = sorted(
        (trial for trial in history.trials.values() if trial.ended_at is not None), key=lambda each: each.ended_at or 0
    )
    best: TrialHistory | None = None
    seconds = 0.0
    for count, trial in enumerate(ended, 1):
        last = max((moment(history, segment, segment.ended) for segment in trial.segments), default=0.0)
        seconds = max(seconds, last)  # one that was held ended later than it trained, at a time that is not recorded
        if _able(trial) and trial.value is not None:
            best = trial if best is None or history.standing(trial) < history.standing(best) else best
        if best is not None and best.value is not None:
            trained = bisect_right(times, seconds)
            yield Step(value=best.value, trial=best.number, ended=count, epochs=trained, seconds=seconds)


def _by_epoch(history: History) -> Iterator[Step]:
    """The steps, worked out from the epochs in the order of their time."""
    reports = sorted(
        (at, trial.number, epoch.epoch)
        for trial in history.trials.values()
        for at, epoch in zip(_epoch_times(history, trial), trial.epochs, strict=True)
    )
    ends = _ends(history)
    places: dict[int, tuple[int, float]] = {}
    """Trial to its standing, as far as it has got."""
    step: Step | None = None
    for count, (at, number, epoch) in enumerate(reports, 1):
        trial = history.trials[number]
        loss = trial.losses.get(epoch)
        if loss is not None and _able(trial):
            place = (-epoch if trial.last_counts else 0, loss)
            places[number] = place if trial.last_counts else min(place, places.get(number, place))
            leader = min(places, key=lambda each: (places[each], each)) if trial.last_counts else number
            value = places[leader][1] if trial.mode == "min" else -places[leader][1]
            is_better = step is None or (
                value != step.value if trial.last_counts else _better(trial, value, step.value)
            )
            if is_better:
                step = Step(value=value, trial=leader, ended=bisect_right(ends, at), epochs=count, seconds=at)
                yield step
    if step is not None and (step.epochs, step.seconds) != (len(reports), history.seconds):
        yield Step(value=step.value, trial=step.trial, ended=len(ends), epochs=len(reports), seconds=history.seconds)


def _better(trial: TrialHistory, value: float, than: float) -> bool:
    return value < than if trial.mode == "min" else value > than


def _ends(history: History) -> list[float]:
    """When the trials that have ended did their last, in order."""
    ended = [trial for trial in history.trials.values() if trial.ended]
    return sorted(max((moment(history, each, each.ended) for each in trial.segments), default=0.0) for trial in ended)
