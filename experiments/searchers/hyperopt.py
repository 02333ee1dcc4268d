"""TPE, the tree-structured Parzen estimator, by the hyperopt library."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from experiments._sweep.policy import Proposal
from experiments.searchers._drawing import Tried, generator, undrawable
from experiments.searchers._fidelity import comparable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments._sweep.policy import Observation
    from search_spaces import SearchSpace

__all__ = ["HyperOpt"]

_MOST_GOOD = 25  # hyperopt's own limit on the number of good trials
_ROUNDS = 4  # of draws, where all of one round were tried before or are not allowed


@dataclass(frozen=True, kw_only=True)
class HyperOpt:
    """Models good and bad trials apart and proposes what is likely among the good ones and unlikely among the bad.

    Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011. Of N trials the best ceil(gamma N)
    give the density l(x), the better the more weight (Watanabe, "Tree-Structured Parzen Estimator", arXiv 2304.11127,
    2023), and the others give g(x); of `n_ei_candidates` draws from l the one with the largest l(x)/g(x), which grows
    with the expected improvement, is proposed. The densities are made of hyperopt's kernels, mostly
    over all dimensions jointly, sometimes over each on its own (`experiments.searchers._tpe`); what stands in one
    branch of a choice is learned from trials there.

    Losses of trials that were stopped early are linked to one scale by `experiments.searchers._fidelity`. Running
    trials that say nothing yet are bad ones, which keeps proposals made at the same time apart. So are failed trials,
    with twice the weight; and the ratio is multiplied by the estimated probability that a trial does not fail (as in
    Watanabe and Hutter, "c-TPE", IJCAI 2023).

    The first trials are random, until `n_initial_points` earlier trials have reported a loss or failed (a trial that
    only runs says nothing) and one has a loss.

    Use it by default: any space, branches, hundreds of trials, many at a time.

    Paper: Bergstra et al., NeurIPS 2011.
    """

    learns: ClassVar = True
    """From what became of earlier trials, those of other sweeps too."""
    n_initial_points: int = 10
    """Trials with a result before the model takes over; at least 1."""
    gamma: float = 0.15
    """Share of the trials that are good ones, at most 25 of them; above 0, at most 1."""
    n_ei_candidates: int = 48
    """Draws from l(x) of which the best is proposed; more exploit, fewer explore; at least 1."""
    prior_weight: float = 1.0
    """Weight of the space's own distribution in l(x) and g(x), in trials; from 1e-6 to 1e6."""

    def faults(self, space: SearchSpace) -> list[str]:
        """What is wrong with the parameters, and what it cannot draw from: `grid_search` and `sample_from`."""
        return [*self._parameter_faults(), *undrawable(space, "HyperOpt")]

    def in_words(self, space: SearchSpace) -> list[str]:
        """When TPE takes over, and what it then does."""
        noun = "result" if self.n_initial_points == 1 else "results"
        share = f"{self.gamma * 100:g} %"
        return [
            f"Configurations are random until {self.n_initial_points} {noun} are there.",
            f"Then TPE proposes what is likely among the best {share} of the trials and unlikely among the others.",
        ]

    def propose(
        self, space: SearchSpace, observations: Sequence[Observation], *, trial: int, seed: int
    ) -> Proposal | None:
        """A configuration that no earlier trial had, or None when a finite space is exhausted; a pure function."""
        tried, rng = Tried(space, observations), generator(seed, trial)
        trials = tried.with_losses(comparable(observations))
        losses = [loss for _, loss in trials if loss is not None]
        finite = sum(map(math.isfinite, losses))
        if finite and len(losses) >= self.n_initial_points:
            from experiments.searchers._tpe import suggestions  # hyperopt takes half a second to import

            good = min(math.ceil(self.gamma * len(losses)), _MOST_GOOD, finite)
            for _ in range(_ROUNDS):
                found = suggestions(
                    space,
                    trials,
                    good=good,
                    rng=rng,
                    n_ei_candidates=self.n_ei_candidates,
                    prior_weight=self.prior_weight,
                )
                for each in found:
                    if each.values not in tried and space.allows(each.values):
                        details = {"good": good, "of": len(losses), "log_ratio": round(each.log_ratio, 4)}
                        if each.works is not None:
                            details["works"] = round(each.works, 4)
                        return Proposal(config=space.configuration(each.values), origin="tpe", details=details)
        fresh = tried.fresh(rng)
        return None if fresh is None else Proposal(config=space.configuration(fresh), origin="random")

    def _parameter_faults(self) -> list[str]:
        """Parameters outside their ranges, one fault each."""
        faults = []
        for name in ("n_initial_points", "n_ei_candidates"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                faults.append(f"search.{name}: {value!r} is given where a whole number of at least 1 is needed.")
        for name, least, most, allowed in (
            ("gamma", sys.float_info.min, 1.0, "above 0 and at most 1"),
            ("prior_weight", 1e-6, 1e6, "from 1e-6 to 1e6"),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
                faults.append(f"search.{name}: {value!r} is given where a finite number {allowed} is needed.")
        return faults
