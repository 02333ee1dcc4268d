"""What every searcher needs: its random numbers, a draw from the space, and a configuration not tried before."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from search_spaces import dimensions

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from experiments._sweep.policy import Observation
    from search_spaces import Dimension

Values = dict[tuple[str, ...], Any]
"""The searched values by path."""

_STREAM = 1  # keeps proposals independent of the seeds that trials derive from the same two numbers
_REDRAWS = 100


def generator(seed: int, trial: int) -> np.random.Generator:
    """The random numbers of one proposal: a function of the sweep's seed and the trial's number."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAM, trial)))


def drawable(space: Mapping[str, Any], searcher: str) -> tuple[Dimension, ...]:
    """The dimensions of a space in which every one can be drawn from.

    Raises:
        ValueError: The space has faults, or holds what `undrawable` names.
    """
    found = dimensions(space)
    if faults := [fault for dimension in found if (fault := _undrawable(dimension, searcher))]:
        raise ValueError("\n".join(faults))
    return found


def undrawable(space: Mapping[str, Any], searcher: str) -> list[str]:
    """Ranges of which `searcher` cannot draw, one fault each; a space with other faults has none of these."""
    try:
        found = dimensions(space)
    except ValueError:
        return []
    return [fault for dimension in found if (fault := _undrawable(dimension, searcher))]


def draw(found: Sequence[Dimension], rng: np.random.Generator) -> Values:
    """One configuration with the probabilities of the space, by Tune's own samplers."""
    return {dimension.path: dimension.settle(dimension.domain.sample(random_state=rng)) for dimension in found}


class Tried:
    """The configurations of earlier trials, to tell whether one was tried before."""

    def __init__(self, found: Sequence[Dimension], observations: Sequence[Observation]) -> None:
        self._dimensions = found
        self._identities = set()
        for observation in observations:
            try:
                values = {dimension.path: dimension.find(observation.config) for dimension in found}
            except KeyError:  # tried in a space that has been changed since
                continue
            self._identities.add(self._identity(values))

    def __contains__(self, values: Values) -> bool:
        return self._identity(values) in self._identities

    def fresh(self, rng: np.random.Generator) -> Values | None:
        """A random configuration that was not tried before; None when a finite space is exhausted.

        In an infinite space that gives the same values again and again (a normal distribution in large steps, say),
        a repeated one after 100 draws.
        """
        for _ in range(_REDRAWS):
            values = draw(self._dimensions, rng)
            if values not in self:
                return values
        sizes = [dimension.size for dimension in self._dimensions]
        if any(size is None for size in sizes):
            return values
        return self._next_in_grid([size for size in sizes if size is not None], rng)

    def _next_in_grid(self, sizes: list[int], rng: np.random.Generator) -> Values | None:
        """The first untried point of the grid from a random one on: at most one step for each earlier trial."""
        total = prod(sizes)
        start = int(rng.random() * total)
        for step in range(min(total, len(self._identities) + 1)):
            index, values = (start + step) % total, {}
            for dimension, size in zip(self._dimensions, sizes, strict=True):
                index, place = divmod(index, size)
                values[dimension.path] = dimension.value_at(place)
            if values not in self:
                return values
        return None

    def _identity(self, values: Values) -> Hashable:
        return tuple(dimension.identity(values[dimension.path]) for dimension in self._dimensions)


def _undrawable(dimension: Dimension, searcher: str) -> str | None:
    where = f"space.{dimension.name}: {searcher} cannot"
    if dimension.kind == "grid":
        values = ", ".join(repr(value) for value in dimension.categories[:10])
        more = ", ..." if len(dimension.categories) > 10 else ""
        return f"{where} run grid_search; it draws from ranges and choices. Use tune.choice([{values}{more}])."
    if dimension.kind == "function":
        return (
            f"{where} learn from sample_from, whose values it does not see coming. Use tune.uniform, tune.randint or "
            "tune.choice, or compute the value inside the trainable."
        )
    return None
