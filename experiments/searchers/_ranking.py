"""Earlier trials from best to worst, although early stopping let them train for different times."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments._sweep.policy import Observation

_ENDED_WELL = {"completed", "stopped"}
_SELECTION = 3  # the good ones are to be the best third, at most, of the trials they are compared with


def best_first(observations: Sequence[Observation], good: int) -> list[Observation]:
    """The observations in the order in which a model of good and bad trials should see them.

    The `good` first ones are what the model imitates, so only these must be right, and a loss after 1 epoch says
    little beside one after 27. Therefore they are chosen at *one* epoch, as BOHB does (Falkner et al., "BOHB: Robust
    and Efficient Hyperparameter Optimization at Scale", ICML 2018): the highest that at least three times as many
    trials have reached; by the loss that stands for a trial up to it. A trial that got far because nobody was there to
    compare it with (the first ones under ASHA) is thus no better than its losses. Behind them stand the trials that
    did not get so far, the longer trained first, because a scheduler let them go on; among these are the running ones,
    which keeps proposals made at the same time apart. Trials that failed are last: a region that diverges must be
    avoided, and a trial left out would teach nothing. A trial that completed, by its own patience, counts as trained
    to the end. Without early stopping this is the order of the best losses.
    """
    epoch = _comparable_epoch(observations, _SELECTION * good)
    return sorted(observations, key=lambda observation: _place(observation, epoch))


def failed(observation: Observation) -> bool:
    """Whether a trial ended by a failure: it diverged, raised, ran out of memory or time, or was lost."""
    return observation.ending is not None and observation.ending not in _ENDED_WELL


def _comparable_epoch(observations: Sequence[Observation], enough: int) -> float:
    """The highest epoch that `enough` trials have reached; if none, the one that most have."""
    reached = sorted((_reached(observation) for observation in observations if _counts(observation)), reverse=True)
    return reached[min(enough, len(reached)) - 1] if reached else math.inf


def _place(observation: Observation, epoch: float) -> tuple[int, float, float, int]:
    """Sorts ascending: group, epochs trained, loss, number."""
    if not _counts(observation):
        return (3 if failed(observation) else 2, 0, 0, observation.trial)
    reached = _reached(observation)
    if reached < epoch:
        return (1, -reached, observation.loss(), observation.trial)
    return (0, 0, observation.loss(until=epoch), observation.trial)


def _counts(observation: Observation) -> bool:
    return bool(observation.losses) and not failed(observation)


def _reached(observation: Observation) -> float:
    """The last epoch with a loss; infinite for a trial that trained as long as it wanted to."""
    return math.inf if observation.ending == "completed" else max(observation.losses)
