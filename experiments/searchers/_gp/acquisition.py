"""The acquisition functions of the bayesian-optimization package, by name, and how to climb them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from bayes_opt import acquisition as package
from scipy.special import erfcx, log_ndtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_TAIL = -4.0  # standard deviations below the best, from where on the package's difference of products loses digits
_STEP = 1e-5


class Acquisition:
    """A function of the predicted mean and standard deviation, given the best target so far; higher is better.

    The improvement is climbed by its logarithm: in most of the cube it is so small that it underflows or is a rounding
    error, and has no slope (Ament et al., "Unexpected Improvements to Expected Improvement for Bayesian Optimization",
    NeurIPS 2023, whose formula serves in the tail).
    """

    def __init__(self, name: str, *, xi: float, kappa: float, best: float, unit: float = 1.0) -> None:
        self._name, self._threshold = name, best + xi * unit
        if name == "upper_confidence_bound":
            self._function: Any = package.UpperConfidenceBound(kappa=kappa)
            return
        kinds = {
            "expected_improvement": package.ExpectedImprovement,
            "probability_of_improvement": package.ProbabilityOfImprovement,
        }
        self._function = kinds[name](xi=xi * unit)
        self._function.y_max = best

    def value(self, mean: Floats, sd: Floats) -> Floats:
        """The package's value."""
        return np.asarray(self._function.base_acq(mean, sd), dtype=np.float64)

    def score(self, mean: Floats, sd: Floats) -> Floats:
        """Puts candidates into the order of the value, and still does where the value is lost."""
        if self._name == "upper_confidence_bound":
            return self.value(mean, sd)
        distance = (mean - self._threshold) / sd
        if self._name == "probability_of_improvement":
            return np.asarray(log_ndtr(distance), dtype=np.float64)
        far = distance < _TAIL
        score = np.empty_like(distance)
        score[~far] = np.log(self.value(mean[~far], sd[~far]))
        score[far] = np.log(sd[far]) + _log_tail(distance[far])
        return score

    def slopes(self, mean: Floats, sd: Floats) -> tuple[Floats, Floats, Floats]:
        """The score and its derivatives by the mean and by the standard deviation, from differences."""
        step = _STEP * sd
        means = np.stack([mean, mean + step, mean - step, mean, mean])
        sds = np.stack([sd, sd, sd, sd + step, sd - step])
        score, higher, lower, wider, narrower = self.score(means.ravel(), sds.ravel()).reshape(5, -1)
        return score, (higher - lower) / (2 * step), (wider - narrower) / (2 * step)


def _log_tail(distance: Floats) -> Floats:
    """Logarithm of the expected improvement over a threshold far above the mean, in standard deviations."""
    ratio = 1 + np.sqrt(np.pi / 2) * distance * erfcx(-distance / np.sqrt(2))
    # which is 1 / distance**2 in the limit, and rounding error beyond
    ratio = np.where(distance < -1e3, distance**-2, ratio)
    return np.asarray(-(distance**2) / 2 - np.log(2 * np.pi) / 2 + np.log(ratio), dtype=np.float64)
