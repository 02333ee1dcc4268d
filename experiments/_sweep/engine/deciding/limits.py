"""Limits in the metric: a target value reached, or no improvement over the last trials that ended.

Both are functions of what is recorded, so a resumed sweep, a replay and a run without Ray agree. The sweep then ends
as on Ctrl+C: at the next epochs, keeping everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments._sweep.engine.deciding.assignments import Halt

if TYPE_CHECKING:
    from experiments._sweep.experiment import Experiment
    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import TrialHistory


def limit_reached(history: History, experiment: Experiment) -> Halt | None:
    """The limit that is reached, the target before the other; None where none is.

    The *target* is reached when the value that stands for a trial is at least as good. A value that is not finite is
    never one, and a trial that failed afterwards does not count, as it does not in `sweep best`.

    There is *no improvement over the last n trials* when n trials ended, whatever their endings, after the best value
    of the sweep was first reached, the trial that reached it not counted; trials that failed before there was any
    value count as well. A tie is no improvement.

    Where the last value of a trial stands for it (an estimate from all its epochs, such as folds), only the value of a
    completed trial is one.
    """
    if experiment.target is None and experiment.patience_trials is None:
        return None
    best = _best(history)
    if best is not None and _attains(best, experiment):
        why = f"the target of {experiment.target} was reached by trial {best.number}"
        return Halt(reason="target", why=why)
    patience = experiment.patience_trials
    since = -1 if best is None or best.value_at is None else best.value_at
    ended = history.ended_since(since) - (best is not None and (best.ended_at or -1) > since)
    if patience is None or ended < patience:
        return None
    trials = "1 trial" if ended == 1 else f"{ended} trials"
    reached = f"a {experiment.metric}" if best is None else f"a better {experiment.metric} than trial {best.number}"
    return Halt(reason="no improvement", why=f"{trials} ended without {reached}")


def _best(history: History) -> TrialHistory | None:
    """The best trial; of equals the one that got there first: who draws level later has not improved anything."""
    best = None
    for trial in history.by_rank():
        if trial.last_counts and trial.state != "completed":
            continue
        if best is not None and history.standing(trial) != history.standing(best):
            break
        if best is None or (trial.value_at or 0) < (best.value_at or 0):
            best = trial
    return best


def _attains(trial: TrialHistory, experiment: Experiment) -> bool:
    if experiment.target is None or trial.value is None:
        return False
    return trial.value <= experiment.target if experiment.mode == "min" else trial.value >= experiment.target
