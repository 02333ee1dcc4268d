"""Bayesian optimization by a Gaussian process, with the acquisition functions of the bayesian-optimization package."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from experiments._sweep.policy import Proposal
from experiments.searchers._drawing import Tried, generator, undrawable
from experiments.searchers._fidelity import comparable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments._sweep.policy import Observation
    from search_spaces import SearchSpace, Values

__all__ = ["BayesOpt"]

_FUNCTIONS = ("expected_improvement", "probability_of_improvement", "upper_confidence_bound")
_NOT_OURS = {
    "constantliar": "running trials are taken into account already, at the mean that the process expects of them",
    "gphedge": "its gains are a memory of earlier suggestions, which no ledger can give back",
}
_MOST = 1e6  # of xi and kappa: the acquisition functions square what grows with them
_LEAST = 2  # losses: the process needs a scale


@dataclass(frozen=True, kw_only=True)
class BayesOpt:
    """Models the loss by a Gaussian process and proposes where an improvement is most to be expected.

    Jones et al., "Efficient Global Optimization of Expensive Black-Box Functions", Journal of Global Optimization 1998,
    made it known; Snoek et al., "Practical Bayesian Optimization of Machine Learning Algorithms", NeurIPS 2012, brought
    it to hyperparameters: a Matérn 5/2 kernel with a length scale for each dimension, and running trials taken into
    account. The process itself is that of Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006. Its
    scales and its noise are those of the highest posterior density, from at most 1,000 trials; all trials are
    conditioned on. Losses are bent into the shape of a normal distribution first, as in HEBO (Cowen-Rivers et al., JAIR
    2022).

    Dimensions lie on the unit cube, a logarithmic one by its logarithm. Integers, quantised values and choices are
    looked at on their grid only (Garrido-Merchán and Hernández-Lobato, "Dealing with categorical and integer-valued
    variables in Bayesian Optimization with Gaussian processes", Neurocomputing 2020). A choice between three or more
    numbers is ordered by them; the columns of any other choice share a length scale. A dimension that a configuration
    does not have stands at a constant, and the choice between the branches tells them apart.

    The first trials are random, until `n_initial_points` earlier ones have reported a loss or failed and two have a
    loss. Failed trials count as worse than the worst loss. Running ones without one count as what the process expects
    of them (Ginsbourger et al., "Kriging Is Well-Suited to Parallelize Optimization", 2010), and their neighbourhood
    comes last, which keeps proposals made at the same time apart. How trials that were stopped early are compared says
    `experiments.searchers._fidelity`.

    Use it where a trial is expensive: up to some ten dimensions, mostly numbers, up to a thousand trials.

    Paper: Jones et al. 1998; Snoek et al., NeurIPS 2012.
    """

    learns: ClassVar = True
    """From what became of earlier trials, those of other sweeps too."""
    n_initial_points: int = 10
    """Trials with a result before the model takes over; at least 1."""
    acquisition: str = "expected_improvement"
    """What is maximized: `expected_improvement`, `probability_of_improvement` or `upper_confidence_bound`."""
    xi: float = 0.0
    """Improvement that does not count yet, in standard deviations of the losses; more explore; from 0 to 1e6."""
    kappa: float = 2.576
    """Standard deviations that the upper confidence bound lies above the mean; more explore; from 0 to 1e6."""

    def faults(self, space: SearchSpace) -> list[str]:
        """What is wrong with the parameters, and what it cannot draw from: `grid_search` and `sample_from`."""
        return [*self._parameter_faults(), *undrawable(space, "BayesOpt")]

    def in_words(self, space: SearchSpace) -> list[str]:
        """How it starts, what it then looks for, and what failed and running trials count as."""
        searched = len(space.dimensions)
        known = f"a model of {searched} dimension{'s' if searched != 1 else ''}, each with a length scale of its own"
        wanted = {
            "expected_improvement": "the largest expected improvement",
            "probability_of_improvement": "the largest probability of an improvement",
            "upper_confidence_bound": f"the best outlook, {self.kappa:g} standard deviations better than the mean",
        }[self.acquisition]
        return [
            f"Configurations are drawn from the space until {self.n_initial_points} trials have a result.",
            f"Then a Gaussian process, {known}, proposes the one with {wanted}; none is tried twice.",
            "A failed trial counts as worse than the worst loss, a running one as the loss that is expected of it.",
        ]

    def propose(
        self, space: SearchSpace, observations: Sequence[Observation], *, trial: int, seed: int
    ) -> Proposal | None:
        """A configuration that no earlier trial had, or None when a finite space is exhausted; a pure function."""
        tried, rng = Tried(space, observations), generator(seed, trial)
        trials = tried.with_losses(comparable(observations))
        if self._has_enough([loss for _, loss in trials]):
            # scipy and bayes_opt take half a second to import
            from experiments.searchers._gp.acquisition import Acquisition
            from experiments.searchers._gp.suggestion import suggest

            def accepts(values: Values) -> bool:
                return values not in tried and space.allows(values)

            wanted = partial(Acquisition, self.acquisition, xi=self.xi, kappa=self.kappa)
            found = suggest(space, trials, wanted, accepts, rng)
            if found is not None:
                values, numbers = found
                details = {"acquisition": self.acquisition.replace("_", " "), **numbers}
                return Proposal(config=space.configuration(values), origin="gp", details=details)
        fresh = tried.fresh(rng)
        return None if fresh is None else Proposal(config=space.configuration(fresh), origin="random")

    def _has_enough(self, losses: Sequence[float | None]) -> bool:
        """Whether the model can take over from random search."""
        results = [loss for loss in losses if loss is not None]
        return len(results) >= self.n_initial_points and sum(map(math.isfinite, results)) >= _LEAST

    def _parameter_faults(self) -> list[str]:
        """Parameters that are not what is needed, one fault each."""
        faults = []
        points = self.n_initial_points
        if isinstance(points, bool) or not isinstance(points, int) or points < 1:
            faults.append(
                f"search.n_initial_points: {points!r} is given where a whole number of at least 1 is needed. "
                "Leave it out for 10."
            )
        if self.acquisition not in _FUNCTIONS:
            faults.append(_unknown(self.acquisition))
        for name, usual in (("xi", "0"), ("kappa", "2.576")):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST:
                faults.append(
                    f"search.{name}: {value!r} is given where a finite number from 0 to 1e6 is needed. "
                    f"Leave it out for {usual}."
                )
        return faults


def _unknown(acquisition: object) -> str:
    """What is wrong with the name of an acquisition function."""
    allowed = f"Give one of {', '.join(_FUNCTIONS)}."
    reason = _NOT_OURS.get(str(acquisition).replace("_", "").replace(" ", "").lower())
    if reason is not None:
        return f"search.acquisition: {acquisition!r} is not used: {reason}. {allowed}"
    return f"search.acquisition: there is no {acquisition!r}. {allowed}"
