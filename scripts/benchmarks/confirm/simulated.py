"""Simulated sweeps whose truth is known: the best of 64 by one noisy score each, confirmed on fresh paired seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from experiments._sweep.statistics import judged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiments._sweep.statistics import Judgement
    from scripts.benchmarks.confirm.noise import Noise

TRIALS = 64
TOP = 3
DEFAULTS = "defaults"
_TRUTHS = 2.0
"""Mean distance of a configuration's true score from the best possible, in standard deviations of the noise."""


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """One simulated sweep after its confirmation; lower is better."""

    judgement: Judgement
    truths: dict[str, float]
    winner: str
    """Of the search."""
    promised: float
    """What the search had found for it."""
    plain: dict[str, tuple[float, float]]
    """Plain intervals of Student's t, by label."""

    @property
    def covered(self) -> list[bool]:
        """Whether the interval of each configuration holds its true score."""
        scores = self.judgement.scores
        return [_holds((score.low, score.high), self.truths[label]) for label, score in scores.items()]

    @property
    def covered_plainly(self) -> list[bool]:
        """The same of the plain intervals."""
        return [_holds(ends, self.truths[label]) for label, ends in self.plain.items()]

    @property
    def winner_covered(self) -> bool:
        """Whether the interval of the search's winner holds its true score."""
        score = self.judgement.scores[self.winner]
        return _holds((score.low, score.high), self.truths[self.winner])

    @property
    def best_covered(self) -> bool:
        """Whether the interval of the confirmed best holds its true score: it was chosen by its own mean."""
        best = self.judgement.best
        assert best is not None
        score = self.judgement.scores[best]
        return _holds((score.low, score.high), self.truths[best])

    @property
    def gap_error(self) -> float:
        """The selection gap found less the true one: how far the confirmed mean is off."""
        mean = self.judgement.scores[self.winner].mean
        assert mean is not None
        return mean - self.truths[self.winner]

    @property
    def is_wrong(self) -> bool:
        """Whether a configuration is called worse than the best that is not."""
        best = self.judgement.best
        assert best is not None
        differences = self.judgement.differences.items()
        return any(not of.tied and self.truths[label] <= self.truths[best] for label, of in differences)


def confirmations(noise: Noise, *, seeds: int, sweeps: int, equal: bool, seed: int = 0) -> Iterator[Confirmed]:
    """Simulate sweeps one after another.

    Args:
        noise: What a seed adds to a true score.
        seeds: Of each confirmation.
        sweeps: How many are simulated.
        equal: Whether all configurations are truly equal, so that whatever is not called tied is wrong.
        seed: Of the simulation.
    """
    rng = noise.generator(seed, seeds, equal)
    for _ in range(sweeps):
        truths = np.zeros(TRIALS) if equal else rng.exponential(_TRUTHS, TRIALS)
        spreads = noise.spreads(rng, TRIALS)
        # As in a sweep, whose trials share one seed and one split, the luck of that seed is the same for all.
        found = truths + noise.draw(rng, spreads, 1)[:, 0]
        leading = np.argsort(found)[:TOP]
        # The defaults are one configuration of the space that nobody selected.
        chosen = [*leading, rng.choice(np.setdiff1d(np.arange(TRIALS), leading))]
        labels = [*(f"trial {trial}" for trial in leading), DEFAULTS]
        values = truths[chosen, None] + noise.draw(rng, spreads[chosen], seeds)
        yield Confirmed(
            judgement=judged(dict(zip(labels, values.tolist(), strict=True)), mode="min"),
            truths=dict(zip(labels, truths[chosen].tolist(), strict=True)),
            winner=labels[0],
            promised=float(found[leading[0]]),
            plain=plain_intervals(labels, values),
        )


def plain_intervals(labels: list[str], values: Any) -> dict[str, tuple[float, float]]:
    """Return the 95 % intervals of Student's t of (configurations, seeds): what is usually reported, if anything."""
    seeds = values.shape[1]
    half = special.stdtrit(seeds - 1, 0.975) * values.std(axis=1, ddof=1) / math.sqrt(seeds)
    means = values.mean(axis=1)
    return {label: (mean - width, mean + width) for label, mean, width in zip(labels, means, half, strict=True)}


def _holds(ends: tuple[float | None, float | None], truth: float) -> bool:
    low, high = ends
    return low is not None and high is not None and low <= truth <= high
