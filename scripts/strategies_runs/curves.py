"""The best value after so many trials: of sweeps as they ran, and of a grid in whatever order."""

from __future__ import annotations

from math import ceil, comb, floor
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

QUARTILES = (0.25, 0.5, 0.75)


def best_so_far(values: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """The lowest of the first n values, of each seed: (seeds, trials); n counts from 1."""
    return np.minimum.accumulate(np.asarray(values, dtype=float), axis=1)


def quartiles(curves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lower quartile, median and upper quartile over the seeds, interpolated: (3, trials).

    As numpy's, but that it takes infinities: a seed whose first trials have no value.
    """
    ordered, last = np.sort(curves, axis=0), len(curves) - 1
    places = [(floor(quartile * last), ceil(quartile * last), quartile * last % 1) for quartile in QUARTILES]
    return np.array([ordered[a] if a == b else ordered[a] * (1 - part) + ordered[b] * part for a, b, part in places])


def quartiles_in_any_order(values: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Quartiles of the lowest of n values, over the seeds and all orders of each seed's N trials: (3, trials).

    Exact: of the N-choose-n sets of a seed's first n trials, those whose lowest value is above x have all their
    members among the k that are above x, so P(lowest <= x) = 1 - (k choose n) / (N choose n). The quartile is the
    lowest x that reaches it, on average over the seeds.
    """
    size = len(values[0])
    seen = np.unique(np.concatenate([np.asarray(each, dtype=float) for each in values]))
    above = np.array([[sum(value > x for value in each) for x in seen] for each in values])
    found = np.empty((len(QUARTILES), size))
    for n in range(1, size + 1):
        none_of = np.array([comb(k, n) / comb(size, n) for k in range(size + 1)])
        reached = 1 - none_of[above].mean(axis=0)
        found[:, n - 1] = [seen[np.argmax(reached >= quartile - 1e-12)] for quartile in QUARTILES]
    return found
