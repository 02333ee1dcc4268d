"""How long a sweep will still take: a pure function of its history, which knows that trials are stopped early.

Trials are forecast one by one. One that has ended took what it took. One that is under way takes its own pace times
the epochs that trials like it still train: the share that goes on after each epoch is counted as Kaplan and Meier count
it (J. Amer. Statist. Assoc. 53, 1958), so that rungs, patience and failures are in it as they happen; where few have
got to a rung, the scheduler's own share stands in. One that has not come takes the mean of all those. Brackets plan
their epochs themselves. What is left is spread over as many slots as were at work so far, so that waits for the
searcher and for processes count.
"""

from __future__ import annotations

import bisect
import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from experiments._sweep.views.words import roughly

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import SegmentHistory, TrialHistory

RUNG_WEIGHT = 6.0
"""As how many trials the scheduler's own share counts at a rung: those that get there first are spared."""
EPOCH_WEIGHT = 1.0
"""The same for going on at an epoch that is no rung."""
NEW_WEIGHT = 6.0
"""As how many trials one counts that trains as the shares say, beside those that were seen: they came first."""
_FEWEST_SLOTS = 0.25


@dataclass(frozen=True, kw_only=True)
class Pruning:
    """What a scheduler is known to do before any trial shows it."""

    rungs: tuple[int, ...] = ()
    """Epochs after which trials are compared."""
    goes_on: float = 1.0
    """The share that goes on at each."""
    epochs_in_all: int | None = None
    """The epochs of all trials together where brackets plan them, None elsewhere."""


@dataclass(frozen=True, kw_only=True)
class TimeLeft:
    """What is left of a sweep, in seconds."""

    seconds: float
    """Until the last trial has ended, or the driver stops by its time limit."""
    limited: bool = False
    """Whether that is the time limit."""
    unless_better_s: float | None = None
    """Until the sweep ends by `patience_trials` where no better value comes; None where that would not be sooner."""


def limit_of(history: History, name: str) -> Any:
    """A limit as it holds now: `num_trials`, `target` or `patience_trials`."""
    return history.limits.get(name, history.asks.get(name))


def budget_of(history: History, config: Mapping[str, Any]) -> int:
    """The last epoch of a trial with this configuration."""
    epochs = int(history.asks["epochs"])
    own = config.get("epochs") if "epochs" in history.asks["space"] or history.sweep.derived else None
    return own if isinstance(own, int) and own > 0 else epochs


def time_left(history: History, t: float, pruning: Pruning | None = None) -> TimeLeft | None:
    """The time left at `t` seconds after the newest driver started; None while nothing tells, and once it has ended.

    Args:
        history: The sweep so far.
        t: Now, by the clock of `History.t`.
        pruning: What is known of its scheduler; `pruning_of` reads it from what the sweep asks.
    """
    if history.end is not None or not any(trial.epochs for trial in history.trials.values()):
        return None
    to_come = max(0, int(limit_of(history, "num_trials")) - len(history.trials))
    seconds = _Forecast(history, t, pruning or Pruning()).until_ended(to_come)
    sooner = _unless_better(history, to_come, seconds)
    limit = history.settings.get("time_limit_s")
    if limit is not None and limit - t < seconds:
        seconds = max(0.0, limit - t)
        sooner = sooner if sooner is not None and sooner < seconds else None
        return TimeLeft(seconds=seconds, limited=True, unless_better_s=sooner)
    return TimeLeft(seconds=seconds, unless_better_s=sooner)


def time_left_in_words(left: TimeLeft | None) -> str:
    """`about 12 min left, 3 min if none is better`; empty where nothing is known."""
    if left is None:
        return ""
    limited = " (its time limit)" if left.limited else ""
    unless = "" if left.unless_better_s is None else f", {roughly(left.unless_better_s)} if none is better"
    return f"about {roughly(left.seconds)} left{limited}{unless}"


def _unless_better(history: History, to_come: int, seconds: float) -> float | None:
    """When `patience_trials` would end the sweep, as its part of the trials that have not ended."""
    patience, best = limit_of(history, "patience_trials"), history.best
    if patience is None:
        return None
    since = -1 if best is None or best.value_at is None else best.value_at
    missing = max(0, int(patience) - history.ended_since(since))
    left = to_come + sum(1 for _ in history.in_state("running", "held", "interrupted"))
    return seconds * missing / left if missing < left else None


class _Forecast:
    """What the trials of a history will take."""

    def __init__(self, history: History, t: float, pruning: Pruning) -> None:
        self._history, self._t, self._pruning = history, t, pruning
        self._trials = [*history.trials.values()]
        self._budgets = {trial.number: budget_of(history, trial.config) for trial in self._trials}
        self._shares = _shares_that_go_on(self._trials, self._budgets, pruning)
        self._warm = _warm_from(self._trials)

    def until_ended(self, to_come: int) -> float:
        """Seconds until the trials that are under way, and so many more, have ended."""
        running = [self._rest(trial) for trial in self._history.in_state("running")]
        waiting = [self._rest(trial) for trial in self._history.in_state("held", "interrupted")]
        work = self._planned()
        if work is None:
            work = sum(running) + sum(waiting) + (to_come * self._mean if to_come else 0.0)
        return max(work / self._slots(), max(running, default=0.0))

    def _planned(self) -> float | None:
        """What brackets still plan, at the mean pace so far."""
        if self._pruning.epochs_in_all is None:
            return None
        trained = sum(len(trial.epochs) for trial in self._trials)
        seconds = sum(trial.seconds - self._starting(trial) for trial in self._trials if trial.segments)
        return max(0, self._pruning.epochs_in_all - trained) * seconds / max(1, trained)

    @cached_property
    def _mean(self) -> float:
        """What a trial takes that has not come."""
        seen = [self._whole(trial) for trial in self._trials if trial.epochs or trial.ended]
        budget = round(sum(self._budgets.values()) / len(self._budgets))
        as_shares_say = _epochs_to_go(self._shares, 0, budget) * self._pace
        return (sum(seen) + NEW_WEIGHT * as_shares_say) / (len(seen) + NEW_WEIGHT)

    @cached_property
    def _pace(self) -> float:
        """Seconds an epoch, on the average over trials, those that trained more than one where there are such."""
        told = [trial for trial in self._trials if trial.epochs]
        paces = [_pace(trial) for trial in told if len(trial.epochs) > 1] or [_pace(trial) for trial in told]
        return sum(paces) / len(paces)

    def _whole(self, trial: TrialHistory) -> float:
        """What a trial takes in a process that is there already."""
        trained = trial.seconds - self._starting(trial)
        return trained if trial.ended else trained + self._epochs_to_go(trial) * _pace(trial)

    def _starting(self, trial: TrialHistory) -> float:
        """How long its first epoch waited for a new process, which those after it find running."""
        if not trial.epochs or trial.segments[0].first_epoch is None:
            return 0.0
        first = trial.segments[0]
        if first.started > self._warm.get(first.driver, math.inf):
            return 0.0
        pace = _pace(trial) if len(trial.epochs) > 1 else self._pace
        return max(0.0, trial.epochs[0].t - first.started - pace)

    def _rest(self, trial: TrialHistory) -> float:
        """What a trial that is under way still takes; since its newest record it has got on."""
        since = self._t - trial.segments[-1].ended if trial.state == "running" else 0.0
        left = self._epochs_to_go(trial) * _pace(trial) if trial.epochs else self._mean
        return max(0.0, left - since)

    def _epochs_to_go(self, trial: TrialHistory) -> float:
        return _epochs_to_go(self._shares, len(trial.epochs), self._budgets[trial.number])

    def _slots(self) -> float:
        """How many trials were at work on the average, under the newest driver that started one."""
        every = [each for trial in self._trials for each in _segments_of(trial)]
        newest = max((segment.driver for segment, _ in every), default=0)
        own = [each for each in every if each[0].driver == newest]
        now = self._t if newest == self._history.driver else max(segment.ended for segment, _ in own)
        busy = sum((now if under_way else segment.ended) - segment.started for segment, under_way in own)
        passed = now - min(segment.started for segment, _ in own)
        return max(busy / passed if passed > 0 else float(len(own)), _FEWEST_SLOTS)


def _segments_of(trial: TrialHistory) -> Iterator[tuple[SegmentHistory, bool]]:
    """Each with whether it is under way."""
    for segment in trial.segments:
        yield segment, trial.state == "running" and segment is trial.segments[-1]


def _warm_from(trials: Sequence[TrialHistory]) -> dict[int, float]:
    """Driver to when its first stretch ended: what began before that began in a new process."""
    warm: dict[int, float] = {}
    for trial in trials:
        for segment, under_way in _segments_of(trial):
            if not under_way:
                warm[segment.driver] = min(segment.ended, warm.get(segment.driver, math.inf))
    return warm


def _pace(trial: TrialHistory) -> float:
    """Seconds an epoch in its newest stretch, without its first one, which waits for a process and for data."""
    first = trial.segments[-1].first_epoch
    if first is not None and len(trial.epochs) > first:
        return (trial.epochs[-1].t - trial.epochs[first - 1].t) / (len(trial.epochs) - first)
    return trial.seconds / len(trial.epochs)


def _shares_that_go_on(
    trials: Sequence[TrialHistory], budgets: Mapping[int, int], pruning: Pruning
) -> dict[int, float]:
    """Epoch to the share that goes on after it, of the trials that get there and have epochs left; 1 elsewhere."""
    ended = Counter(len(each.epochs) for each in trials if each.ended and len(each.epochs) < budgets[each.number])
    decided = sorted(min(_decided(each), budgets[each.number]) for each in trials)
    shares = {}
    for epoch in sorted({*ended, *pruning.rungs}):
        weight, goes_on = (RUNG_WEIGHT, pruning.goes_on) if epoch in pruning.rungs else (EPOCH_WEIGHT, 1.0)
        there = len(decided) - bisect.bisect_right(decided, epoch)
        shares[epoch] = 1 - (ended[epoch] + weight * (1 - goes_on)) / (there + weight)
    return shares


def _decided(trial: TrialHistory) -> int:
    """After how many epochs, epoch 0 counted, it is known whether the trial went on."""
    last = len(trial.epochs)
    return last + (trial.ended or (last > 0 and trial.state != "held"))


def _epochs_to_go(shares: Mapping[int, float], epoch: int, budget: int) -> float:
    """How many epochs a trial still trains that has just trained `epoch`: what was decided there is behind it."""
    expected, share, at = 0.0, 1.0, epoch
    for following, goes_on in shares.items():
        if epoch < following < budget:
            expected += share * (following - at)
            share, at = share * goes_on, following
    return expected + share * max(0, budget - at)
