"""Which trials count as the leading ones, where a sweep is judged by them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import TrialHistory

FEWEST = 10
"""Trials below which nothing is said: neither of a sweep, nor of a hyperparameter that so few of them have."""
_SHARE, _SHARE_AT_LEAST, _TRIALS = 0.25, 0.1, 20
_BAD = ("diverged", "out_of_memory", "error", "timed_out")
"""Failures that count as the worst trials, as searchers are told; a lost process says nothing of a configuration."""


def places(history: History) -> dict[int, int]:
    """Trial to its place among those that have ended, 0 for the best; equal ones share one, failures the last."""
    ended = {number: trial for number, trial in history.trials.items() if trial.ended}
    ranked = [trial for trial in history.by_rank() if trial.number in ended]
    distinct = {standing: place for place, standing in enumerate(sorted({history.standing(each) for each in ranked}))}
    found = {trial.number: distinct[history.standing(trial)] for trial in ranked}
    return found | {number: len(distinct) for number, trial in ended.items() if trial.state in _BAD}


def comparable(history: History, trial: TrialHistory) -> bool:
    """Whether the value of a trial is of the kind that the best one's is.

    Where the last value counts, only of those that got as far: a mean of fewer folds is of other rows.
    """
    best = history.best
    return trial.value is not None and (not history.last_counts or best is None or trial.epoch == best.epoch)


def leading_share(trials: int) -> float:
    """How much of the trials is leading: 20 of them, but at least a tenth of all and at most a quarter."""
    return min(_SHARE, max(_SHARE_AT_LEAST, _TRIALS / trials)) if trials else _SHARE


def leading(history: History) -> list[int]:
    """The leading trials, the best first; none where fewer than 10 have ended."""
    ranks = places(history)
    if len(ranks) < FEWEST:
        return []
    able = [trial.number for trial in history.by_rank() if trial.number in ranks]
    return able[: math.ceil(leading_share(len(ranks)) * len(ranks))]
