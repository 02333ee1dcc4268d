"""TPE, the tree-structured Parzen estimator, by the hyperopt library."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments._sweep.policy import Proposal
from experiments.searchers._drawing import Tried, drawable, generator, undrawable
from experiments.searchers._ranking import best_first, failed
from search_spaces import nested

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from experiments._sweep.policy import Observation

__all__ = ["HyperOpt"]

_MOST_GOOD = 25  # hyperopt's own limit on the number of good trials
_REDRAWS = 5  # each costs as much as a proposal


@dataclass(frozen=True, kw_only=True)
class HyperOpt:
    """Models good and bad trials apart and proposes what is likely among the good ones and unlikely among the bad.

    Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011. Of N trials the best
    ceil(gamma sqrt(N)) give the density l(x), the others g(x); of `n_ei_candidates` draws from l the one with the
    largest l(x)/g(x), which grows with the expected improvement, is proposed, for each dimension on its own. Which
    trials are the best ones when some were stopped early says `experiments.searchers._ranking`; failed trials, and
    running ones that have not got as far as those compared, are bad ones.

    The first trials are random. They last until `n_initial_points` earlier trials have reported a loss or failed (a
    trial that only runs says nothing: with as many trials at once as initial points, the model would start from
    nothing), and until as many have a loss as l(x) needs.
    """

    n_initial_points: int = 20
    """Trials with a result before the model takes over; at least 1."""
    gamma: float = 0.25
    """Sets the number of good trials, ceil(gamma sqrt(N)) and at most 25; above 0, at most 1."""
    n_ei_candidates: int = 24
    """Draws from l(x) of which the best is proposed; more exploit, fewer explore; at least 1."""
    prior_weight: float = 1.0
    """Weight of the space's own distribution in l(x) and g(x), in trials; above 0."""

    def faults(self, space: Mapping[str, Any]) -> list[str]:
        """What is wrong with the parameters, and what it cannot draw from: `grid_search` and `sample_from`."""
        return [*self._parameter_faults(), *undrawable(space, "HyperOpt")]

    def propose(
        self, space: Mapping[str, Any], observations: Sequence[Observation], *, trial: int, seed: int
    ) -> Proposal | None:
        """A configuration that no earlier trial had, or None when a finite space is exhausted; a pure function.

        Raises:
            ValueError: The space has faults.
        """
        from experiments.searchers._tpe import suggest  # hyperopt takes half a second to import

        found = drawable(space, "HyperOpt")
        tried, rng = Tried(found, observations), generator(seed, trial)
        if self._has_enough(observations):
            good = self._good(len(observations))
            ranked = best_first(observations, good)
            for _ in range(_REDRAWS):
                values = suggest(
                    found,
                    ranked,
                    good=good,
                    seed=int(rng.integers(2**32)),
                    n_ei_candidates=self.n_ei_candidates,
                    prior_weight=self.prior_weight,
                )
                if values not in tried:
                    return Proposal(values=nested(values), origin="tpe")
        fresh = tried.fresh(rng)
        return None if fresh is None else Proposal(values=nested(fresh), origin="random")

    def _has_enough(self, observations: Sequence[Observation]) -> bool:
        """Whether the model can take over from random search."""
        failures = sum(failed(observation) for observation in observations)
        losses = sum(bool(observation.losses) and not failed(observation) for observation in observations)
        return losses + failures >= self.n_initial_points and losses >= self._good(len(observations))

    def _good(self, trials: int) -> int:
        """How many of so many trials are good ones, as in `hyperopt.tpe.ap_split_trials`."""
        return min(math.ceil(self.gamma * math.sqrt(trials)), _MOST_GOOD)

    def _parameter_faults(self) -> list[str]:
        """Parameters outside their ranges, one fault each."""
        faults = []
        for name in ("n_initial_points", "n_ei_candidates"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                faults.append(f"search.{name}: {value!r} is given where a whole number of at least 1 is needed.")
        for name, largest in (("gamma", 1.0), ("prior_weight", sys.float_info.max)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= largest:
                allowed = "above 0 and at most 1" if name == "gamma" else "above 0"
                faults.append(f"search.{name}: {value!r} is given where a finite number {allowed} is needed.")
        return faults
