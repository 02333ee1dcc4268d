"""Random search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments._sweep.policy import Proposal
from experiments.searchers._drawing import Tried, drawable, generator, undrawable
from search_spaces import nested

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from experiments._sweep.policy import Observation

__all__ = ["Random"]


@dataclass(frozen=True, kw_only=True)
class Random:
    """Draws each configuration from the space's own distributions, whatever came before.

    Bergstra and Bengio, "Random Search for Hyper-Parameter Optimization", JMLR 2012: the baseline for every other
    searcher, and better than a grid where only some dimensions matter.
    """

    def faults(self, space: Mapping[str, Any]) -> list[str]:
        """What it cannot draw from: `grid_search` and `sample_from`."""
        return undrawable(space, "Random")

    def propose(
        self, space: Mapping[str, Any], observations: Sequence[Observation], *, trial: int, seed: int
    ) -> Proposal | None:
        """A draw that no earlier trial had, a function of the arguments; None when a finite space is exhausted.

        Raises:
            ValueError: The space has faults.
        """
        found = drawable(space, "Random")
        values = Tried(found, observations).fresh(generator(seed, trial))
        return None if values is None else Proposal(values=nested(values), origin="random")
