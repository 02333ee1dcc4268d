"""A Gaussian process with a Matérn 5/2 kernel and one length scale per dimension; its hyperparameters by MAP.

Rasmussen and Williams, "Gaussian Processes for Machine Learning", MIT Press 2006: equations 2.25 and 2.26 for the
predictions, 5.9 for the gradients. scikit-learn's regressor gives every column a length scale of its own, has no prior
over them, and holds gradients of shape (points, points, columns), which takes ten times as long.

Targets are standardised (mean about 0, variance about 1), and higher is better.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.linalg.lapack import dpotri
from scipy.optimize import minimize
from scipy.spatial.distance import pdist, squareform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Owners = NDArray[np.intp]

# Log-normal priors, median and standard deviation of the logarithm. Edges of the cube have the length 1.
_SCALE = (0.5, 1.0)
_SIGNAL = (1.0, 1.0)
_NOISE = (1e-4, 2.0)
_STARTS = ((0.5, 1.0, 1e-4), (1.0, 1.0, 0.1))  # a function without noise, and a smooth one under noise
_BOUNDS = ((5e-3, 1e2), (7e-3, 1.5e2), (1e-6, 2.7))  # the least noise keeps the covariance matrix invertible
_LEARNT = 300  # observations, of more, with which the search for the hyperparameters begins
_REFINED = 1000  # observations, of more, with which it ends
_REFINEMENTS = 8  # evaluations of their likelihood, each some 60 ms for 1,000 observations


@dataclass(frozen=True)
class Hyperparameters:
    """What the kernel is made of."""

    scales: Floats
    """Length scale of each dimension."""
    signal: float
    """Variance of the function."""
    noise: float
    """Variance of the noise on a target."""


def fit(features: Floats, owners: Owners, targets: Floats) -> Hyperparameters:
    """The hyperparameters of the highest posterior density, which often has two peaks: one explains little as noise.

    Of many observations some are looked at until the search converges, and all of them only then and not to the end:
    a smooth function looks smoother the closer the observations lie, so that those of fewer alone predict less well.

    Args:
        features: Points, of shape (points, columns).
        owners: Dimension of each column.
        targets: Values of the points.
    """
    dimensions = int(owners.max()) + 1
    priors = np.array([*[_SCALE] * dimensions, _SIGNAL, _NOISE])
    some = spread(targets, _LEARNT)
    starts = [np.log([*[scale] * dimensions, signal, noise]) for scale, signal, noise in _STARTS]
    _, found = min(
        (_most_probable(features[some], owners, targets[some], priors, start, evaluations=200) for start in starts),
        key=lambda loss_and_place: loss_and_place[0],
    )
    if len(some) < len(targets):
        most = spread(targets, _REFINED)
        _, found = _most_probable(features[most], owners, targets[most], priors, found, evaluations=_REFINEMENTS)
    return Hyperparameters(np.exp(found[:-2]), float(np.exp(found[-2])), float(np.exp(found[-1])))


def spread(targets: Floats, most: int) -> NDArray[np.intp]:
    """At most so many of the observations, evenly by rank: the best one, the worst one, and those between."""
    order = np.argsort(-targets, kind="stable")
    return order if len(order) <= most else order[np.linspace(0, len(order) - 1, most).round().astype(np.intp)]


def _most_probable(
    features: Floats, owners: Owners, targets: Floats, priors: Floats, start: Floats, *, evaluations: int
) -> tuple[float, Floats]:
    """The least loss by L-BFGS-B from a start, and where: logarithms of scales, signal and noise.

    The loss is the negative logarithm of the posterior density; `priors` are of shape (parameters, 2).
    """
    squares = np.stack([pdist(features[:, owners == i], "sqeuclidean") for i in range(len(priors) - 2)])
    centres, widths = np.log(priors[:, 0]), priors[:, 1]
    bounds = np.log([*[_BOUNDS[0]] * len(squares), *_BOUNDS[1:]])

    def loss(parameters: Floats) -> tuple[float, Floats]:
        value, gradient = _likelihood(parameters, squares, targets)
        away = (parameters - centres) / widths
        return float(away @ away) / 2 - value, away / widths - gradient

    options = {"maxfun": evaluations, "gtol": 1e-2, "ftol": 1e-6}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return float(found.fun), np.asarray(found.x, dtype=np.float64)


def _likelihood(parameters: Floats, squares: Floats, targets: Floats) -> tuple[float, Floats]:
    """Log marginal likelihood, without its constant, and its gradient; `squares` of shape (dimensions, pairs)."""
    precisions = np.exp(-2 * parameters[:-2])
    signal, noise = np.exp(parameters[-2:])
    correlation, slope = _matern(precisions @ squares)
    covariance = squareform(signal * correlation, checks=False)
    covariance.flat[:: len(targets) + 1] = signal + noise
    factor = cholesky(covariance, overwrite_a=True, check_finite=False)
    weights = cho_solve((factor, False), targets, check_finite=False)
    value = -float(targets @ weights) / 2 - float(np.log(np.diag(factor)).sum())
    inverse = dpotri(factor)[0]  # its upper half
    pull = squareform(np.outer(weights, weights) - inverse, checks=False)
    trace = float(weights @ weights - np.trace(inverse))
    by_scale = -2 * signal * precisions * (squares @ (pull * slope))
    by_signal = signal * (pull @ correlation + trace / 2)
    return value, np.array([*by_scale, by_signal, noise * trace / 2])


def _matern(squared: Floats) -> tuple[Floats, Floats]:
    """The Matérn 5/2 correlation at squared scaled distances, and its derivative by them."""
    distance = np.sqrt(5 * squared)
    decay = np.exp(-distance)
    return (1 + distance + distance * distance / 3) * decay, -5 / 6 * (1 + distance) * decay


class Posterior:
    """The process given observations."""

    def __init__(self, features: Floats, owners: Owners, targets: Floats, hyperparameters: Hyperparameters) -> None:
        self.hyperparameters = hyperparameters
        self._owners, self._features, self._targets = owners, features, targets
        self._inverse = 1 / hyperparameters.scales[owners]
        self._points = features * self._inverse
        self._norms = np.einsum("ij,ij->i", self._points, self._points)
        covariance = self._correlation(self._points)[0] * hyperparameters.signal
        covariance.flat[:: len(targets) + 1] += hyperparameters.noise
        self._factor = cholesky(covariance, lower=True, check_finite=False)
        self._weights = cho_solve((self._factor, True), targets, check_finite=False)

    def predict(self, features: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the function, without noise, at points of shape (points, columns)."""
        cross = self.hyperparameters.signal * self._correlation(features * self._inverse)[0]
        half = solve_triangular(self._factor, cross.T, lower=True, check_finite=False)
        return cross @ self._weights, self._sd(np.einsum("ij,ij->j", half, half))

    def mean(self, features: Floats) -> Floats:
        """Mean of the function alone, which costs much less."""
        correlation: Floats = self._correlation(features * self._inverse)[0]
        means: Floats = self.hyperparameters.signal * (correlation @ self._weights)
        return means

    def slopes(self, features: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Mean, standard deviation, and the gradients of both by the features."""
        scaled = features * self._inverse
        correlation, slope = self._correlation(scaled)
        signal = self.hyperparameters.signal
        cross = correlation * signal
        solved = cross @ self._inverted
        sd = self._sd(np.einsum("ij,ij->i", solved, cross))
        pulls = 2 * signal * slope
        by_mean = self._pulled(pulls * self._weights, scaled)
        by_sd = -self._pulled(pulls * solved, scaled) / sd[:, None]
        return cross @ self._weights, sd, by_mean, by_sd

    def believing(self, features: Floats) -> Posterior:
        """The process if the points turned out to be as it expects: the kriging believer."""
        if not len(features):
            return self
        return Posterior(
            np.vstack([self._features, features]),
            self._owners,
            np.concatenate([self._targets, self.mean(features)]),
            self.hyperparameters,
        )

    @cached_property
    def _inverted(self) -> Floats:
        """The inverse of the covariance matrix: many gradients are wanted."""
        inverted: Floats = cho_solve((self._factor, True), np.eye(len(self._targets)), check_finite=False)
        return inverted

    def _correlation(self, scaled: Floats) -> tuple[Floats, Floats]:
        squared = np.einsum("ij,ij->i", scaled, scaled)[:, None] + self._norms - 2 * (scaled @ self._points.T)
        return _matern(np.maximum(squared, 0))

    def _pulled(self, pulls: Floats, scaled: Floats) -> Floats:
        """Sums over the observations of a pull times the scaled difference to it, by the unscaled features."""
        sums: Floats = scaled * pulls.sum(axis=1, keepdims=True) - pulls @ self._points
        return sums * self._inverse

    def _sd(self, explained: Floats) -> Floats:
        variance: Floats = np.maximum(self.hyperparameters.signal - explained, 1e-12)
        return np.sqrt(variance)
