"""What every searcher needs: its random numbers, and a configuration that is allowed and was not tried before."""

from __future__ import annotations

from functools import cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from experiments._sweep.policy import Observation
    from search_spaces import Dimension, SearchSpace, Values

_STREAM = 1  # keeps proposals independent of the seeds that trials derive from the same two numbers
_REDRAWS = 200
_MISSES = 20_000  # draws running that `require` does not allow, where there are too many to list; up to a second
_FARTHEST = 100_000  # configurations of a finite space that are looked at, one after the other, for an untried one


def generator(seed: int, trial: int) -> np.random.Generator:
    """The random numbers of one proposal: a function of the sweep's seed and the trial's number."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAM, trial)))


def undrawable(space: SearchSpace, searcher: str) -> list[str]:
    """Ranges of which `searcher` cannot draw, one fault each."""
    return [fault for dimension in space.dimensions if (fault := _undrawable(dimension, searcher))]


class Tried:
    """The configurations of earlier trials, to tell whether one was tried before."""

    def __init__(self, space: SearchSpace, observations: Sequence[Observation]) -> None:
        self._space = space
        self._observations = observations
        self._configs = {id(each.config): each.config for each in observations}

    @cached_property
    def _values(self) -> dict[int, Values]:
        """Trial to its configuration, of those that the space has."""
        known = ((each.trial, self._space.known(each.config)) for each in self._observations)
        return {trial: found[0] for trial, found in known if found is not None}

    def __contains__(self, values: Values) -> bool:
        return self._space.among(values, self._configs)

    def with_losses(self, losses: Mapping[int, float]) -> list[tuple[Values, float | None]]:
        """The configurations that the space has, each with its trial's loss; None where `losses` has none."""
        return [(values, losses.get(trial)) for trial, values in self._values.items()]

    def fresh(self, rng: np.random.Generator) -> Values | None:
        """A random configuration that is allowed and was not tried before; None when a finite space is exhausted.

        In an infinite space that gives the same values again and again (a normal distribution in large steps, say),
        an allowed but repeated one after 200 of them. None also when `require` allowed none of 20,000 draws, and
        none of those that keep some values of an earlier trial.
        """
        size = self._space.size
        can_be_listed = size is not None and size <= _FARTHEST
        draws = self._space.allowed_draws(rng, misses=_REDRAWS if can_be_listed else _MISSES)
        repeated = None
        for repeated in islice(chain(draws, self._variations(rng)), _REDRAWS):
            if repeated not in self:
                return repeated
        return repeated if size is None else next(self.untried(int(rng.random() * size)), None)

    def untried(self, start: int = 0) -> Iterator[Values]:
        """The allowed configurations of a finite space that were not tried, in the space's order, from `start` on.

        Raises:
            ValueError: The space cannot be counted.
        """
        size = self._space.size
        if size is None:
            raise ValueError("the space has continuous ranges: its configurations cannot be listed")
        for step in range(min(size, _FARTHEST + len(self._configs))):
            values = self._space.at((start + step) % size)
            if values not in self and self._space.allows(values):
                yield values

    def _variations(self, rng: np.random.Generator) -> Iterator[Values]:
        """Allowed draws that keep some values of an earlier trial: where `require` leaves a sliver, it lies there."""
        allowed = [values for values in self._values.values() if self._space.allows(values)]
        if allowed:
            chosen = [allowed[i] for i in rng.integers(len(allowed), size=_REDRAWS)]
            parts = [{path: value for path, value in each.items() if rng.random() < 0.5} for each in chosen]
            yield from self._space.allowed_draws(rng, parts, misses=_REDRAWS)


def _undrawable(dimension: Dimension, searcher: str) -> str | None:
    where = f"space.{dimension.name}: {searcher} cannot"
    if dimension.kind == "grid":
        values = ", ".join(repr(value) for value in dimension.categories[:10])
        more = ", ..." if len(dimension.categories) > 10 else ""
        return (
            f"{where} run grid_search; it draws from ranges and choices. Use tune.choice([{values}{more}]), or Grid()."
        )
    if dimension.kind == "function":
        return (
            f"{where} learn from sample_from, whose values it does not see coming. Use tune.uniform, tune.randint or "
            "tune.choice, or compute the value inside the trainable."
        )
    return None
