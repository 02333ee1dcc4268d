"""Numeric dimensions on the unit interval: the coordinate in which a model of the losses is made.

Equal lengths are equally probable under the dimension's own distribution. A continuous value is a point of the
interval, an integer or quantised one a *cell*, as long as the value is probable; so a uniform draw decoded has exactly
the probabilities of Tune's own samplers and cannot leave the domain.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from search_spaces import Dimension

_TAIL = 1e-12  # of a normal distribution, cut off at either end: its quantiles at 0 and 1 are infinite


def decode(dimension: Dimension, unit: float) -> int | float:
    """The value at a coordinate from 0 to 1."""
    if dimension.mean is not None and dimension.sd is not None:
        quantile = NormalDist(dimension.mean, dimension.sd).inv_cdf(min(max(unit, _TAIL), 1 - _TAIL))
        return _number(dimension, quantile)
    lower, upper = _frame(dimension)
    if dimension.log:
        position = math.exp(math.log(lower) + unit * (math.log(upper) - math.log(lower)))
    else:
        position = lower + unit * (upper - lower)
    return _number(dimension, math.floor(position) * dimension.step if dimension.kind == "int" else position)


def encode(dimension: Dimension, value: float) -> float:
    """The coordinate of a value of the dimension: the centre of its cell."""
    if dimension.kind == "int":
        index = value / dimension.step
        return (_coordinate(dimension, index) + _coordinate(dimension, index + 1)) / 2
    half = (dimension.step or 0) / 2
    return (_coordinate(dimension, value - half) + _coordinate(dimension, value + half)) / 2


def _coordinate(dimension: Dimension, position: float) -> float:
    """Where a position lies between 0 and 1; positions outside the frame lie at its ends."""
    if dimension.mean is not None and dimension.sd is not None:
        return NormalDist(dimension.mean, dimension.sd).cdf(position)
    lower, upper = _frame(dimension)
    inside = min(max(position, lower), upper)
    if dimension.log:
        return (math.log(inside) - math.log(lower)) / (math.log(upper) - math.log(lower))
    return (inside - lower) / (upper - lower)


def _frame(dimension: Dimension) -> tuple[float, float]:
    """The positions at 0 and 1: bounds of floats; of integers, in steps, the last one's upper end included."""
    if dimension.kind == "int":
        return dimension.lower // dimension.step, dimension.upper // dimension.step + 1
    return dimension.lower, dimension.upper


def _number(dimension: Dimension, value: float) -> int | float:
    settled: int | float = dimension.settle(value)
    return settled
