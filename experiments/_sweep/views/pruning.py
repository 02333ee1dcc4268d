"""What a sweep's scheduler is known to do before any trial shows it, read from what the sweep asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments._sweep.views.time_left import Pruning, limit_of

if TYPE_CHECKING:
    from experiments._sweep.ledger.history import History

MOST_EPOCHS = 100_000
"""Of more than these nobody waits for the rungs to be counted."""


def pruning_of(history: History) -> Pruning:
    """The rungs of a scheduler of ours and the share that goes on; nothing of one that is not, or of another version.

    A ledger may come from anywhere: what it says of a scheduler is only asked for numbers, and may be nonsense.
    """
    from experiments import schedulers

    epochs, trials = history.asks["epochs"], limit_of(history, "num_trials")
    try:
        told = {**history.asks["scheduler"]}
        kind: Any = type(schedulers.by_name(told.pop("name")))
        scheduler = kind(**told)
        if "epochs" in history.asks["space"] or epochs > MOST_EPOCHS or scheduler.faults(epochs, trials):
            return Pruning()
        if hasattr(scheduler, "epochs_in_all"):
            return Pruning(epochs_in_all=scheduler.epochs_in_all(epochs, trials))
        if hasattr(scheduler, "reduction_factor"):
            return Pruning(rungs=scheduler.rungs(epochs), goes_on=1 / scheduler.reduction_factor)
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError):
        return Pruning()
    return Pruning()
