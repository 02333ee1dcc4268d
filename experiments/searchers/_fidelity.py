"""One scale for trials that were trained for different times, as early stopping leaves them."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from experiments._sweep.policy import Observation

    Floats = NDArray[np.float64]

_ENDED_WELL = {"completed", "stopped"}
_CAUTION = 3  # a ratio of spreads among n trials counts n / (n + 3): among two or three it is mostly chance
_STEEPEST = 10.0  # ratio of spreads between two levels
_LIMIT = 1e6  # of the ratio between the lowest level and the highest


def comparable(observations: Sequence[Observation]) -> dict[int, float]:
    """Losses of trials, by trial number, as they would be after the longest training; lower is better.

    A loss after 1 epoch says little beside one after 27, and yet most trials of a sweep with early stopping end there.
    Therefore levels, the epochs at which trials stand, are linked from the highest to the lowest: of the trials that
    went on from one level to the next both losses are known, and the lower level is shifted and stretched so that
    their median and their median absolute deviation become those of the higher ("linear equating": Kolen and Brennan,
    *Test Equating, Scaling, and Linking*, 2014, ch. 2). A trial counts with its loss at the level where it stands:
    one that a rung cut off stays behind those it was compared with there, and one that got far because nobody was
    there to compare it with is no better than its losses. A trial that completed, by its own patience too, stands
    at the highest level; a running or held one where it has got to. Without early stopping these are the plain losses.

    A failure is infinite. A trial that says nothing yet is absent.

    Measured with TPE under ASHA (rungs 1, 3 and 9 of 27 epochs, 60 trials, 4 at a time) by the regret of the later half
    of the proposals, each trained to the end (median; 40 seeds): recorded curves of an MLP on digits, on its grid and
    between its points, and power laws that cross and have noise.

    ================================================  =====  =====  =====
    what TPE learns from                               grid  cont.  power
    ================================================  =====  =====  =====
    this                                              0.046  0.024   0.49
    the last loss, after whatever epoch               0.052  0.026   0.53
    the best at one epoch, others behind (BOHB)       0.051  0.034   0.52
    only trials that were trained to the end          0.103  0.068   1.76
    ================================================  =====  =====  =====

    With kernels half as wide, TPE learns about as much from the last loss (0.047, 0.022, 0.41) as from this (0.050,
    0.025, 0.36); but that is not one scale: a model of values would learn from it how long a trial was trained.
    """
    scores = {observation.trial: math.inf for observation in observations if failed(observation)}
    told = [observation for observation in observations if observation.losses and not failed(observation)]
    if told:
        scores.update(zip((observation.trial for observation in told), _linked(told), strict=True))
    return scores


def failed(observation: Observation) -> bool:
    """Whether a trial ended by a failure: it diverged, raised, ran out of memory or time, or was lost."""
    return observation.ending is not None and observation.ending not in _ENDED_WELL


def _linked(told: Sequence[Observation]) -> list[float]:
    """The losses of trials that have some, in units of the highest level that one of them reached."""
    reached = np.array([_reached(observation) for observation in told])
    levels = np.unique(reached)
    losses = np.array([_losses_at(observation, levels) for observation in told])
    scores = losses[:, -1].copy()
    slope, offset = 1.0, 0.0
    with np.errstate(over="ignore", invalid="ignore"):  # of losses near the largest float; see the last line
        for level in reversed(range(len(levels) - 1)):
            went_on = (reached > levels[level]) & np.isfinite(losses[:, level])
            slope, offset = _link(losses[went_on, level], losses[went_on, level + 1], slope, offset)
            here = reached == levels[level]
            scores[here] = slope * losses[here, level] + offset
    largest = sys.float_info.max
    return [float(score) for score in np.nan_to_num(scores, nan=largest, posinf=largest, neginf=-largest)]


def _link(lower: Floats, higher: Floats, slope: float, offset: float) -> tuple[float, float]:
    """Slope and offset of a level, given those of the level above and the losses of the same trials at both."""
    if not lower.size:
        return slope, offset
    (center, spread), (center_above, spread_above) = _center_and_spread(lower), _center_and_spread(higher)
    ratio = spread_above / spread if spread > 0 and spread_above > 0 else 1.0
    steeper = min(max(ratio, 1 / _STEEPEST), _STEEPEST) ** (lower.size / (lower.size + _CAUTION))
    new = min(max(slope * steeper, 1 / _LIMIT), _LIMIT)
    return new, slope * center_above + offset - new * center


def _center_and_spread(losses: Floats) -> tuple[float, float]:
    """Median and median absolute deviation; the mean absolute deviation where more than half are equal."""
    center = float(np.median(losses))
    distances = np.abs(losses - center)
    return center, float(np.median(distances)) or float(distances.mean())


def _losses_at(observation: Observation, levels: Floats) -> Floats:
    """What stands for a trial at each level, NaN where it had no loss yet; beyond its last epoch, its last one."""
    losses = np.array(list(observation.losses.values()), dtype=float)
    if observation.counts == "best":
        losses = np.minimum.accumulate(losses)
    known = np.searchsorted(np.array(list(observation.losses), dtype=float), levels, side="right")
    return np.where(known > 0, losses[known - 1], np.nan)


def _reached(observation: Observation) -> float:
    """The last epoch with a loss; infinite for a trial that trained as long as it wanted to."""
    return math.inf if observation.ending == "completed" else max(observation.losses)
