"""Grid search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments._sweep.policy import Proposal
from experiments.searchers._drawing import Tried, generator
from experiments.searchers._unit import decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from experiments._sweep.policy import Observation
    from search_spaces import Dimension, SearchSpace

__all__ = ["Grid"]

LARGEST = 10_000
"""Configurations of a grid."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Tries every combination of values, in the order written, the last one changing fastest.

    It takes choices, `grid_search`, integers and ranges with steps; branches one after the other. Where only some
    dimensions matter, random search finds more with as many trials (Bergstra and Bengio, JMLR 2012).

    Use it for one to three dimensions of few values, where every combination is wanted.

    Paper: Bergstra and Bengio, JMLR 2012, say what it costs.
    """

    points: int | None = None
    """So many values of each range that has more, evenly spaced on its scale, both bounds included; at least 2. None
    tries every value, and refuses continuous ranges."""

    def faults(self, space: SearchSpace) -> list[str]:
        """A wrong `points`; continuous ranges where it is None; `sample_from`."""
        points = self.points
        if points is not None and (isinstance(points, bool) or not isinstance(points, int) or points < 2):
            return [f"search.points: {points!r} is given where None or a whole number of at least 2 is needed."]
        return [fault for dimension in space.dimensions if (fault := self._fault(dimension))]

    def in_words(self, space: SearchSpace) -> list[str]:
        """How many configurations there are, and in which order they come."""
        size = self._grid(space).size
        among = " of which `require` allows some" if space.require else ""
        return [f"The grid has {size} configurations{among}, tried in the order written, the last value fastest."]

    def propose(
        self, space: SearchSpace, observations: Sequence[Observation], *, trial: int, seed: int
    ) -> Proposal | None:
        """The first configuration of the grid that no earlier trial had; None when all have been tried.

        Where `require` leaves out 100,000 in a row, a random one: looking further would hold up the sweep.
        """
        grid = self._grid(space)
        tried = Tried(grid, observations)
        values = next(tried.untried(), None)
        if values is None:
            values = tried.fresh(generator(seed, trial))
        return None if values is None else Proposal(config=grid.configuration(values), origin="grid")

    def _grid(self, space: SearchSpace) -> SearchSpace:
        """The space with a choice in the place of each range that is thinned out."""
        return space if self.points is None else space.replaced(self._thinned)

    def _thinned(self, dimension: Dimension) -> Any:
        from ray import tune

        size = dimension.size
        if self.points is None or dimension.categories or (size is not None and size <= self.points):
            return dimension.domain
        tails = dimension.mean is not None  # the quantiles of a normal distribution at 0 and 1 are infinite
        units = np.linspace(0, 1, self.points + 2)[1:-1] if tails else np.linspace(0, 1, self.points)
        return tune.choice(list(dict.fromkeys(decode(dimension, float(unit)) for unit in units)))

    def size_faults(self, space: SearchSpace) -> Iterator[str]:
        """A grid too large to be tried, of a space without other faults; asked when an experiment is made."""
        grid = self._grid(space)
        if grid.size is not None and grid.size > LARGEST:
            counts = " x ".join(f"{dimension.size:,}" for dimension in grid.dimensions if not dimension.when)
            yield (
                f"search: the grid has {grid.size:,} configurations ({counts}); at most {LARGEST:,} are allowed, and a "
                "part of a grid is no grid search. Use Random() or HyperOpt(), or fewer values of each: Grid(points=3)."
            )

    def _fault(self, dimension: Dimension) -> str | None:
        where = f"space.{dimension.name}: Grid cannot"
        if dimension.kind == "function":
            return f"{where} list the values of sample_from. Use tune.choice, or compute it inside the trainable."
        if dimension.size is None and self.points is None:
            return (
                f"{where} try every value of a continuous range. Use Grid(points=5) for 5 values of each such range, "
                "a list (tune.choice, tune.grid_search), or another searcher."
            )
        return None
