"""One suggestion of TPE's: what it knows of the earlier trials as rows of coordinates, and the best of some draws."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from hyperopt import tpe

from experiments.searchers._parzen import Axis, Density
from experiments.searchers._unit import decode, encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from experiments._sweep.policy import Observation
    from search_spaces import Dimension, SearchSpace, Values

    Floats = NDArray[np.float64]

_RECENT = 25  # trials of full weight among the bad ones, as in hyperopt; older ones fade
_FAILURE = 2.0  # weight of a failed trial among the bad ones: it means more than a poor loss, and does not fade
_LEAST = 0.25  # weight of the worst good trial beside the best


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A configuration that the model found promising."""

    values: Values
    log_ratio: float
    """log l(x)/g(x): how much likelier it is among the good trials than among the bad."""
    works: float | None
    """Estimated probability that it does not fail; None where no trial has failed."""


def suggestions(
    space: SearchSpace,
    observations: Sequence[Observation],
    losses: dict[int, float],
    *,
    good: int,
    rng: np.random.Generator,
    n_ei_candidates: int,
    prior_weight: float,
) -> list[Suggestion]:
    """Draws from the density of the good trials, the most promising first.

    Args:
        space: Where to look.
        observations: The earlier trials; where none that the space has has a loss, there is nothing to suggest.
        losses: What they learned, from `comparable`.
        good: How many of them are good ones.
        rng: What the draws are made with.
        n_ei_candidates: How many draws.
        prior_weight: As in `HyperOpt`.
    """
    axes, rows, known = _seen(space, observations, losses)
    if not np.isfinite(known).any():
        return []
    order = np.argsort(known, kind="stable")  # failures and, being NaN, pending ones last
    chosen = np.zeros(len(known), dtype=bool)
    chosen[order[:good]] = np.isfinite(known[order[:good]])

    def density(which: Any, weights: Floats | None = None) -> Density:
        ones = np.ones(np.count_nonzero(which)) if weights is None else weights
        return Density(axes=axes, rows=rows[which], weights=ones, prior_weight=prior_weight)

    better = density(chosen, _merits(known[chosen]))
    fading = tpe.linear_forgetting_weights(np.count_nonzero(~chosen), _RECENT)
    worse = density(~chosen, np.where(np.isinf(known[~chosen]), _FAILURE, fading))
    drawn = [_values(space.dimensions, row) for row in better.draw(rng, n_ei_candidates)]
    candidates = np.array([_row(space.dimensions, values) for values in drawn])
    ratios = better.log(candidates) - worse.log(candidates)
    works = np.zeros(len(drawn))
    if np.isinf(known).any():
        succeeded = np.log(np.isfinite(known).sum()) + density(np.isfinite(known)).log(candidates)
        crashed = np.log(np.isinf(known).sum()) + density(np.isinf(known)).log(candidates)
        works = succeeded - np.logaddexp(succeeded, crashed)
    return [
        Suggestion(
            values=drawn[i],
            log_ratio=float(ratios[i]),
            works=math.exp(works[i]) if np.isinf(known).any() else None,
        )
        for i in np.argsort(-(ratios + works), kind="stable")
    ]


def _merits(losses: Floats) -> Floats:
    """Weights of good trials: the better, the more, 1 on average."""
    behind = losses - losses.min(initial=math.inf)
    worst = behind.max(initial=0.0)
    weights = np.ones(len(losses)) if not 0 < worst < math.inf else 1 - (1 - _LEAST) * behind / worst
    return np.asarray(weights / weights.mean())


def _seen(
    space: SearchSpace, observations: Sequence[Observation], losses: dict[int, float]
) -> tuple[tuple[Axis, ...], Floats, Floats]:
    """The space's axes; the coordinates of the trials that it has, and their losses, NaN for pending ones."""
    places = {dimension.path: i for i, dimension in enumerate(space.dimensions)}
    axes = tuple(
        Axis(
            probabilities=each.probabilities,
            cell=1 / each.size if each.size else 0.0,
            when=tuple((places[path], number) for path, number in each.when),
        )
        for each in space.dimensions
    )
    texts = [json.dumps(observation.config, sort_keys=True, default=repr) for observation in observations]
    rows = [_coordinates(space, text) for text in texts]
    told = [losses.get(observation.trial, math.nan) for observation in observations]
    kept = [(row, loss) for row, loss in zip(rows, told, strict=True) if row is not None]
    return (
        axes,
        np.array([row for row, _ in kept], dtype=float).reshape(-1, len(axes)),
        np.array([loss for _, loss in kept], dtype=float),
    )


@lru_cache(maxsize=4096)
def _coordinates(space: SearchSpace, config: str) -> tuple[float, ...] | None:
    """The row of a configuration; None where the space does not have it. Kept, since it never changes."""
    values = space.values_of(json.loads(config))
    return None if values is None else _row(space.dimensions, values)


def _row(dimensions: Sequence[Dimension], values: Values) -> tuple[float, ...]:
    """Coordinates; the number of a category; NaN for a dimension that the configuration does not have."""
    return tuple(_coordinate(each, values[each.path]) if each.path in values else math.nan for each in dimensions)


def _coordinate(dimension: Dimension, value: Any) -> float:
    if not dimension.categories:
        return encode(dimension, value)
    identities = [dimension.identity(category) for category in dimension.categories]
    return float(identities.index(dimension.identity(value)))


def _values(dimensions: Sequence[Dimension], row: Floats) -> Values:
    """The values at the coordinates of a row."""
    return {
        each.path: each.value_at(int(unit)) if each.categories else decode(each, float(unit))
        for each, unit in zip(dimensions, row, strict=True)
        if not math.isnan(unit)
    }
