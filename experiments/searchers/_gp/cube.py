"""The unit cube of a space: configurations as rows of coordinates, and the features that the process sees of them.

Every dimension, of all branches, has one coordinate from 0 to 1, on which equal lengths are equally probable. A
dimension that a configuration does not have is NaN.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.searchers._unit import decode, encode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from search_spaces import Dimension, SearchSpace, Values

    Floats = NDArray[np.float64]

_MOST_LEVELS = 1000  # of a dimension whose values are placed one by one; a finer grid is as good as continuous
_APART = np.sqrt(2)  # brings two different categories to the distance 1
_ABSENT = 0.5  # what the process sees of a number that a configuration does not have


class Cube:
    """The cube of one space."""

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self.axes = [_Axis(dimension) for dimension in space.dimensions]
        place = {axis.dimension.path: i for i, axis in enumerate(self.axes)}
        self._when = [[(place[path], number) for path, number in axis.dimension.when] for axis in self.axes]

    @cached_property
    def owners(self) -> NDArray[np.intp]:
        """The dimension of each feature."""
        return np.repeat(np.arange(len(self.axes)), [axis.width for axis in self.axes])

    @cached_property
    def is_continuous(self) -> NDArray[np.bool_]:
        """Which dimensions have no levels."""
        return np.array([axis.levels is None for axis in self.axes])

    @cached_property
    def is_ordered(self) -> NDArray[np.bool_]:
        """Which dimensions have an order: all but choices that are not between numbers."""
        return np.array([axis.is_ordered for axis in self.axes])

    @cached_property
    def everything(self) -> Floats:
        """The rows of all configurations of a space that can be counted."""
        return self.rows([self.space.at(index) for index in range(self.space.size or 0)])

    def rows(self, values: list[Values]) -> Floats:
        """Configurations as rows, of shape (configurations, dimensions)."""
        rows = np.full((len(values), len(self.axes)), np.nan)
        for i, axis in enumerate(self.axes):
            path = axis.dimension.path
            for row, each in zip(rows, values, strict=True):
                if path in each:
                    row[i] = axis.coordinate(each[path])
        return rows

    def values(self, row: Floats) -> Values:
        """The configuration of a row."""
        return {
            axis.dimension.path: axis.value(float(unit))
            for axis, unit in zip(self.axes, row, strict=True)
            if not np.isnan(unit)
        }

    def settle(self, units: Floats) -> Floats:
        """Rows for any points of the cube: on the grid, and NaN where the dimension is one of a branch not chosen."""
        rows = np.empty_like(units)
        for i, (axis, when) in enumerate(zip(self.axes, self._when, strict=True)):
            rows[:, i] = axis.snap(units[:, i])
            for parent, number in when:
                rows[self.axes[parent].numbers(units[:, parent]) != number, i] = np.nan
        return rows

    def features(self, rows: Floats) -> Floats:
        """What the process sees of rows: coordinates, categories without an order as one column each."""
        return np.hstack([axis.features(rows[:, i]) for i, axis in enumerate(self.axes)])


class _Axis:
    """One dimension of the cube."""

    def __init__(self, dimension: Dimension) -> None:
        self.dimension = dimension
        self.levels: Floats | None = None
        """The coordinates on its grid, ascending; None where it is continuous, or the grid that fine."""
        self.is_ordered = not dimension.categories
        self._edges = np.empty(0)
        if dimension.categories:
            self._set_categories(dimension)
        elif dimension.size is not None and dimension.size <= _MOST_LEVELS:
            self.levels = np.array([encode(dimension, dimension.value_at(i)) for i in range(dimension.size)])
            self._edges = (self.levels[1:] + self.levels[:-1]) / 2

    @property
    def width(self) -> int:
        """The number of its features."""
        return 1 if self.is_ordered or self.levels is None else len(self.levels)

    def coordinate(self, value: Any) -> float:
        """Where a value stands."""
        if self.levels is not None and self.dimension.categories:
            return float(self.levels[self._place[self.dimension.number_of(value)]])
        return encode(self.dimension, value)

    def value(self, unit: float) -> Any:
        """The value at a coordinate."""
        if self.dimension.categories:
            return self.dimension.value_at(int(self.numbers(np.array([unit]))[0]))
        return decode(self.dimension, unit)

    def numbers(self, units: Floats) -> NDArray[np.intp]:
        """The numbers of the categories at coordinates."""
        return self._order[np.searchsorted(self._edges, units, side="right")]

    def snap(self, units: Floats) -> Floats:
        """The coordinates of the values at any coordinates."""
        return (
            np.clip(units, 0, 1) if self.levels is None else self.levels[np.searchsorted(self._edges, units, "right")]
        )

    def features(self, units: Floats) -> Floats:
        """Its features, of shape (points, width)."""
        if self.levels is None or self.width == 1:
            return np.where(np.isnan(units), _ABSENT, units)[:, None]
        features: Floats = (units[:, None] == self.levels) / _APART
        return features

    def _set_categories(self, dimension: Dimension) -> None:
        """Lays the categories side by side, each as long as it is probable: numbers by size, others as written."""
        values = dimension.categories
        self.is_ordered = (
            dimension.kind == "choice" and len(values) > 2 and all(type(value) in (int, float) for value in values)
        )
        numbers = range(len(values))
        self._order = np.array(sorted(numbers, key=lambda i: values[i]) if self.is_ordered else numbers, dtype=np.intp)
        ends = np.cumsum(np.array(dimension.probabilities)[self._order])
        self._edges = ends[:-1]
        self.levels = ends - np.array(dimension.probabilities)[self._order] / 2
        self._place = np.argsort(self._order)


@lru_cache(maxsize=8)
def cube_of(space: SearchSpace) -> Cube:
    """The cube of a space, made once."""
    return Cube(space)
