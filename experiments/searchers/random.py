"""Random search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments._sweep.policy import Proposal
from experiments.searchers._drawing import Tried, generator, undrawable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments._sweep.policy import Observation
    from search_spaces import SearchSpace

__all__ = ["Random"]


@dataclass(frozen=True, kw_only=True)
class Random:
    """Draws each configuration from the space's own distributions, whatever came before.

    Bergstra and Bengio, "Random Search for Hyper-Parameter Optimization", JMLR 2012: the baseline for every other
    searcher, and better than a grid where only some dimensions matter.

    Use it as the baseline, with very many trials at a time, or where nothing is known yet.

    Paper: Bergstra and Bengio, JMLR 2012.
    """

    def faults(self, space: SearchSpace) -> list[str]:
        """What it cannot draw from: `grid_search` and `sample_from`."""
        return undrawable(space, "Random")

    def in_words(self, space: SearchSpace) -> list[str]:
        """What it will do, in one sentence."""
        return ["Every configuration is drawn from the space, whatever came before; none is tried twice."]

    def propose(
        self, space: SearchSpace, observations: Sequence[Observation], *, trial: int, seed: int
    ) -> Proposal | None:
        """A draw that no earlier trial had, a function of the arguments; None when a finite space is exhausted."""
        values = Tried(space, observations).fresh(generator(seed, trial))
        return None if values is None else Proposal(config=space.configuration(values), origin="random")
