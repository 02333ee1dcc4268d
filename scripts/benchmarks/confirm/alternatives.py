"""What the choices in the statistics of a confirmation are measured against: other families, other intervals."""

from __future__ import annotations

import statistics
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from experiments._sweep.statistics import judged
from scripts.benchmarks.confirm.noise import KINDS

if TYPE_CHECKING:
    from scripts.benchmarks.confirm.noise import Noise

_CONFIGURATIONS = 2, 4, 6, 11
_SEEDS = 5
_SHAPES = KINDS[:3]
_BOOTSTRAPPED = 400
"""Confirmations of which bootstrap intervals are made: a thousand resamples of each take a while."""


def compare_families(draws: int) -> None:
    """Print how often truly equal configurations are not all tied with the best of them, by what is corrected for."""
    print(f"\nequal configurations, {_SEEDS} seeds: how often one is called worse than the best of them")
    print(f"  {'noise':<20}{'k':>4}{'k - 1 with the best':>22}{'all k (k - 1) / 2':>20}")
    for noise in _SHAPES:
        for count in _CONFIGURATIONS:
            few, all_pairs = [], []
            for values in _drawn(noise, count, draws, _SEEDS):
                found = judged({str(place): of for place, of in enumerate(values)}, mode="min").differences.values()
                few.append(any(of.p is not None and of.p * (count - 1) <= 0.05 for of in found))
                all_pairs.append(any(not of.tied for of in found))
            print(
                f"  {noise.name:<20}{count:>4}{statistics.fmean(few):>22.1%}{statistics.fmean(all_pairs):>20.1%}",
                flush=True,
            )


def compare_intervals(draws: int) -> None:
    """Print how often other intervals of the means of four configurations hold the truth."""
    print("\nfour configurations: how often an interval of a mean holds the truth")
    print(f"  {'noise':<20}{'seeds':>6}{'ours':>9}{'plain t':>9}{'percentile':>12}{'BCa':>9}")
    for noise in _SHAPES:
        for seeds in (5, 10):
            ours, plain, percentile, bca = [], [], [], []
            for place, values in enumerate(_drawn(noise, 4, draws, seeds)):
                scores = judged({str(at): of for at, of in enumerate(values)}, mode="min").scores.values()
                ours += [
                    score.low <= 0 <= score.high for score in scores if score.low is not None and score.high is not None
                ]
                plain += [bool(low <= 0 <= high) for low, high in zip(*_student(values), strict=True)]
                if place < _BOOTSTRAPPED:
                    percentile += _bootstrapped(values, "percentile")
                    bca += _bootstrapped(values, "BCa")
            shares = "".join(
                f"{statistics.fmean(of):>{width}.1%}"
                for of, width in ((ours, 9), (plain, 9), (percentile, 12), (bca, 9))
            )
            print(f"  {noise.name:<20}{seeds:>6}{shares}", flush=True)


def _drawn(noise: Noise, count: int, draws: int, seeds: int) -> list[Any]:
    """Draw values of equal configurations: (draws, configurations, seeds)."""
    rng = noise.generator(count, seeds)
    return [noise.draw(rng, np.ones(count), seeds).tolist() for _ in range(draws)]


def _student(values: Any) -> Any:
    return stats.t.interval(0.95, len(values[0]) - 1, loc=np.mean(values, axis=1), scale=stats.sem(values, axis=1))


def _bootstrapped(values: Any, method: Any) -> list[bool]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of resamples that are all alike, which five values have
        found = stats.bootstrap((np.array(values),), np.mean, axis=1, n_resamples=999, method=method, rng=0)
    low, high = found.confidence_interval
    return [bool(a <= 0 <= b) for a, b in zip(low, high, strict=True)]
