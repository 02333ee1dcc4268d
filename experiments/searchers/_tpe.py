"""One suggestion of TPE's: what it knows of the earlier trials as rows of coordinates, and the best of some draws."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from hyperopt import tpe

from experiments.searchers._parzen import Axis, Density
from experiments.searchers._unit import decode, encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from search_spaces import Dimension, SearchSpace, Values

    Floats = NDArray[np.float64]

_RECENT = 25  # trials of full weight among the bad ones, as in hyperopt; older ones fade
_FAILURE = 2.0  # weight of a failed trial among the bad ones: it means more than a poor loss, and does not fade
_LEAST = 0.25  # weight of the worst good trial beside the best
_APART = 0.3  # of the suggestions, where there are choices; of the others half of the candidates are drawn apart


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
    trials: Sequence[tuple[Values, float | None]],
    *,
    good: int,
    rng: np.random.Generator,
    n_ei_candidates: int,
    prior_weight: float,
) -> list[Suggestion]:
    """Draws from the density of the good trials, the most promising first.

    All dimensions are modelled jointly, and in a space with choices now and then each apart. The first finds what
    depends on each other, but stays with the category or branch that was the best of the random trials where most
    dimensions do not matter: trials are too far from each other to tell. The second tells it from each choice alone.
    Median regret after 50 trials of 30 seeds, of a bowl of two dimensions beside a category that is worth 0.1, an
    integer, and three dimensions that do not matter: 0.003, always jointly 0.100, Optuna's TPE 0.009. Without choices
    it costs: on `branin` 0.12 instead of 0.07.

    Args:
        space: Where to look.
        trials: Configurations and their losses: infinite of a failure, None while there is none.
        good: How many of them are good ones.
        rng: What the draws are made with.
        n_ei_candidates: How many draws.
        prior_weight: As in `HyperOpt`.
    """
    axes = _axes(space.dimensions)
    rows = np.array([_row(space.dimensions, values) for values, _ in trials])
    known = np.array([math.nan if loss is None else loss for _, loss in trials])
    order = np.argsort(known, kind="stable")  # failures and, being NaN, pending ones last
    chosen = np.zeros(len(known), dtype=bool)
    chosen[order[:good]] = np.isfinite(known[order[:good]])

    def density(which: Any, weights: Floats | None = None) -> Density:
        ones = np.ones(np.count_nonzero(which)) if weights is None else weights
        return Density(axes=axes, rows=rows[which], weights=ones, prior_weight=prior_weight)

    better = density(chosen, _merits(known[chosen]))
    fading = tpe.linear_forgetting_weights(np.count_nonzero(~chosen), _RECENT)
    worse = density(~chosen, np.where(np.isinf(known[~chosen]), _FAILURE, fading))
    has_choices = any(len(axis.probabilities) > 1 for axis in axes)
    apart = has_choices and bool(rng.random() < _APART)
    together = 0 if apart else (n_ei_candidates + 1) // 2 if has_choices else n_ei_candidates
    units = [*better.draw(rng, together), *better.draw(rng, n_ei_candidates - together, apart=True)]
    drawn = [_values(space.dimensions, row) for row in units]
    candidates = np.array([_row(space.dimensions, values) for values in drawn])
    ratios = better.log(candidates, apart=apart) - worse.log(candidates, apart=apart)
    works = np.zeros(len(drawn))
    if (has_failed := np.isinf(known)).any():
        succeeded = np.log(np.isfinite(known).sum()) + density(np.isfinite(known)).log(candidates)
        works = succeeded - np.logaddexp(succeeded, np.log(has_failed.sum()) + density(has_failed).log(candidates))
    return [
        Suggestion(
            values=drawn[i],
            log_ratio=float(ratios[i]),
            works=math.exp(works[i]) if has_failed.any() else None,
        )
        for i in np.argsort(-(ratios + works), kind="stable")
    ]


def _merits(losses: Floats) -> Floats:
    """Weights of good trials: the better, the more, 1 on average."""
    behind = losses / 2 - losses.min(initial=math.inf) / 2  # halves: the difference of large floats is too large
    worst = behind.max(initial=0.0)
    weights = np.ones(len(losses)) if not worst else 1 - (1 - _LEAST) * (behind / worst)
    return np.asarray(weights / weights.mean())


def _axes(dimensions: Sequence[Dimension]) -> tuple[Axis, ...]:
    """The dimensions as densities see them."""
    places = {dimension.path: i for i, dimension in enumerate(dimensions)}
    return tuple(
        Axis(
            probabilities=each.probabilities,
            cell=1 / each.size if each.size else 0.0,
            when=tuple((places[path], number) for path, number in each.when),
        )
        for each in dimensions
    )


def _row(dimensions: Sequence[Dimension], values: Values) -> tuple[float, ...]:
    """Coordinates; the number of a category; NaN for a dimension that the configuration does not have."""
    return tuple(_coordinate(each, values[each.path]) if each.path in values else math.nan for each in dimensions)


def _coordinate(dimension: Dimension, value: Any) -> float:
    return float(dimension.number_of(value)) if dimension.categories else encode(dimension, value)


def _values(dimensions: Sequence[Dimension], row: Floats) -> Values:
    """The values at the coordinates of a row."""
    return {
        each.path: each.value_at(int(unit)) if each.categories else decode(each, float(unit))
        for each, unit in zip(dimensions, row, strict=True)
        if not math.isnan(unit)
    }
