"""How far a range can be widened at a bound, and where there is nothing beyond it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiments._sweep.analysis.axis import Axis

_RATIO_OF_RATES = 100
"""What spans less on a logarithmic scale, and lies below 1, may be a share and no rate."""


def is_natural(axis: Axis, side: str, bound: float) -> bool:
    """Whether there may be nothing beyond a bound: below 0, below a count of 1, above a share of 1."""
    if side == "lower":
        return bound == 0 or (bound == 1 and _counts(axis))
    return bound == 1 and not axis.log and not _counts(axis)


def _counts(axis: Axis) -> bool:
    return axis.kind == "int" or (bool(axis.categories) and all(isinstance(each, int) for each in axis.categories))


def wider_bound(axis: Axis, side: str, bound: float) -> float:
    """A decade more on a log scale of real numbers, twice as much of integers; else half of the range more.

    What was above 0 stays there, and so does what was below 1: a momentum of 1 never converges.
    """
    bounds = sorted(axis.categories) if axis.categories else [axis.lower or 0.0, axis.upper or 0.0]
    lower, upper = bounds[0], bounds[-1]
    steep = axis.log or (bool(axis.categories) and lower > 0 and upper / lower >= 2 ** (len(bounds) - 1))
    if steep:
        factor = 2 if _counts(axis) else 10
        wider = bound * factor if side == "upper" else bound / factor
        if upper < 1 <= wider and upper / lower < _RATIO_OF_RATES:
            return (1 + upper) / 2
        return max(1, math.floor(wider)) if _counts(axis) else wider
    reach = (upper - lower) / 2
    if side == "lower":
        wider = max(lower / 10, lower - reach) if lower > 0 else lower - reach
        return math.floor(wider) if _counts(axis) else wider
    wider = upper + reach
    if lower >= 0 and upper < 1:  # it may be a share, of which 1 is excluded
        return min((1 + upper) / 2, wider)
    return math.ceil(wider) if _counts(axis) else wider


def fixed_there(axis: Axis, side: str, bound: float, *, best: bool) -> str:
    """What follows where there is nothing beyond."""
    if axis.conditional or not best:
        better = "smaller" if side == "lower" else "larger"
        return f"{better} values of it are the better ones, and there is nothing beyond"
    return f"it can be fixed there, for there is nothing beyond: --set {axis.name}={bound:.4g}"
