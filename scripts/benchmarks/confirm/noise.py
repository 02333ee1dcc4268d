"""Made-up noise whose mean, spread and skewness are known: what a seed adds to the true score of a configuration."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special, stats

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

_GRID = np.linspace(-8, 8, 16_001)


@dataclass(frozen=True, kw_only=True)
class Noise:
    """One kind of noise, with mean 0."""

    name: str
    shape: str = "normal"
    """normal, gamma or lognormal."""
    skewness: float = 0.0
    unequal: float = 1.0
    """Largest standard deviation of a configuration over the smallest; they lie evenly on a log scale around 1."""
    shared: float = 0.5
    """Correlation between configurations, of the normal numbers beneath the noise: the luck of the split."""

    def generator(self, *also: int) -> np.random.Generator:
        """Return a generator of this kind's own."""
        return np.random.default_rng([zlib.crc32(self.name.encode()), *also])

    def spreads(self, rng: np.random.Generator, count: int) -> Array:
        """Draw the standard deviations of so many configurations."""
        half = math.log(self.unequal) / 2
        return np.exp(rng.uniform(-half, half, count))

    def draw(self, rng: np.random.Generator, spreads: Array, seeds: int) -> Array:
        """Draw (configurations, seeds): paired, because each seed has luck of its own."""
        normal = math.sqrt(self.shared) * rng.standard_normal((1, seeds))
        normal = normal + math.sqrt(1 - self.shared) * rng.standard_normal((len(spreads), seeds))
        return spreads[:, None] * np.interp(normal, _GRID, _standardized(self.shape, self.skewness))


KINDS = (
    Noise(name="normal"),
    Noise(name="gamma, skewness 1", shape="gamma", skewness=1.0),
    Noise(name="exponential, 2", shape="gamma", skewness=2.0),
    Noise(name="left-skewed, -1.5", shape="gamma", skewness=-1.5),
    Noise(name="lognormal, 2", shape="lognormal", skewness=2.0),
    Noise(name="normal, unequal 4:1", unequal=4.0),
    Noise(name="gamma 1, unequal 4:1", shape="gamma", skewness=1.0, unequal=4.0),
    Noise(name="exponential 2, unequal 4:1", shape="gamma", skewness=2.0, unequal=4.0),
    Noise(name="normal, shared 0.9", shared=0.9),
    Noise(name="exponential 2, shared 0.9", shape="gamma", skewness=2.0, shared=0.9),
    Noise(name="lognormal, 6", shape="lognormal", skewness=6.0),
)


@cache
def _standardized(shape: str, skewness: float) -> Array:
    """Return the noise of variance 1 at each of the normal numbers of the grid."""
    size = abs(skewness)
    if shape == "normal":
        values = _GRID
    elif shape == "gamma":
        a = 4 / size**2
        values = (stats.gamma.isf(special.ndtr(-_GRID), a) - a) / math.sqrt(a)
    else:
        sigma = _lognormal_sigma(size)
        values = (np.exp(sigma * _GRID) - math.exp(sigma**2 / 2)) / math.exp(sigma**2 / 2)
        values = values / math.sqrt(math.expm1(sigma**2))
    return values if skewness >= 0 else -values[::-1]


def _lognormal_sigma(skewness: float) -> float:
    """Return the standard deviation of the logarithm with which a lognormal variable has a skewness."""
    from scipy.optimize import brentq

    def over(sigma: float) -> float:
        w = math.exp(sigma**2)
        return (w + 2) * math.sqrt(w - 1) - skewness

    return float(brentq(over, 1e-3, 3.0))
