"""Losses as the process is told them: bent into the shape of a normal distribution, standardised, higher is better."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_POWERS = np.linspace(-1.0, 2.0, 31)
_FIRST = 10  # trials, mostly random: among later ones, most of them good, an ordinary loss would look like an explosion
_FAR = 100.0  # how far above the best quarter a loss still says something, in lengths of that quarter


class Warp:
    """From losses to targets and back.

    A power transformation (Yeo and Johnson, "A new family of power transformations to improve normality or symmetry",
    Biometrika 2000), of the greatest likelihood as in HEBO (Cowen-Rivers et al., "HEBO: Pushing the Limits of
    Sample-Efficient Hyperparameter Optimisation", JAIR 2022): the losses of a learning rate ten times too high are
    so bad that without it the process would see no difference between the good ones.
    """

    def __init__(self, losses: Floats) -> None:
        self._centre, self._unit = _standard(losses)
        scaled = (losses - self._centre) / self._unit
        self._power = max(_POWERS, key=lambda power: _log_likelihood(scaled, power))
        self._mean, self._sd = _standard(_bend(scaled, self._power))

    def targets(self, losses: Floats) -> Floats:
        """Targets of losses."""
        bent = _bend((losses - self._centre) / self._unit, self._power)
        return (self._mean - bent) / self._sd

    def losses(self, targets: Floats) -> Floats:
        """Losses of targets; of targets beyond all losses a very large one."""
        scaled = _straighten(self._mean - targets * self._sd, self._power)
        return scaled * self._unit + self._centre


def without_explosions(losses: Floats) -> Floats:
    """Losses, in the order of their trials, with those far above all others cut down to what is merely very bad.

    A loss of 1e6 beside losses around 1 leaves, once standardised, nothing of the differences between these, whatever
    the power: a bowl of which a fifth explodes so was not learned at all.
    """
    far = max(_far(losses[:_FIRST]), _far(losses))
    return losses if far <= losses.min() else np.minimum(losses, far)


def _far(losses: Floats) -> float:
    """A loss far above the best quarter of some."""
    best, quarter = np.quantile(losses, [0.0, 0.25])
    return float(quarter + _FAR * (quarter - best))


def _standard(values: Floats) -> tuple[float, float]:
    """Mean and standard deviation; in place of one that is only rounding, the size of the values."""
    sd, size = float(values.std()), float(np.abs(values).max())
    return float(values.mean()), sd if sd > 1e-12 * size else size or 1.0


def _bend(values: Floats, power: float) -> Floats:
    """Yeo and Johnson's transformation."""
    size = np.log1p(np.abs(values))
    return np.where(values >= 0, _power(size, power), -_power(size, 2 - power))


def _power(size: Floats, power: float) -> Floats:
    return size if abs(power) < 1e-9 else np.expm1(power * size) / power


def _straighten(bent: Floats, power: float) -> Floats:
    """The inverse of `_bend`."""
    exponents = np.where(bent >= 0, power, 2 - power)
    inside = np.maximum(exponents * np.abs(bent), -1 + 1e-6)  # -1 is reached at infinity only
    exact = np.abs(exponents) > 1e-9
    size = np.where(exact, np.log1p(inside) / np.where(exact, exponents, 1.0), np.abs(bent))
    return np.sign(bent) * np.expm1(size)


def _log_likelihood(values: Floats, power: float) -> float:
    """Of a normal distribution after the transformation with this power."""
    variance = float(_bend(values, power).var())
    if variance <= 1e-12:
        return -math.inf
    jacobian = float((np.sign(values) * np.log1p(np.abs(values))).sum())
    return (power - 1) * jacobian - len(values) / 2 * float(np.log(variance))
