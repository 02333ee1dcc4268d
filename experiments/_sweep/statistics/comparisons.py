"""Two configurations on the same seeds: paired t, or the sign test where a mean of differences says nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments._sweep.statistics.intervals import (
    Moments,
    Sample,
    interval,
    is_outlying,
    moments,
    p_value,
    skewness_of_difference,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    Values = Sequence[float | None]
    Ends = tuple[float | None, float | None]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two configurations compared, before anything is corrected for how many are."""

    differences: tuple[float, ...]
    """Over the seeds that both have, or where the sign test is used over all, a failed seed infinitely worse."""

    of: Moments | None = None
    """Of the differences over the seeds that both have."""

    skewness: float = 0.0
    p: float | None
    method: str
    is_sign_test: bool = False

    def interval(self, alpha: float) -> Ends:
        """Return the interval that holds 0 exactly where p is above alpha; None for an end that it lacks."""
        if self.p is None or self.of is None:
            return None, None
        if self.is_sign_test:
            return _sign_interval(self.differences, alpha)
        ends = [interval(self.of, skewness=skewness, alpha=alpha) for skewness in {0.0, self.skewness}]
        there = [each for each in ends if each is not None]
        if len(there) < len(ends):
            return None, None
        return min(low for low, _ in there), max(high for _, high in there)


def compare(a: Sample, b: Sample, *, skewness: float, worst: float | None, alpha: float) -> Comparison:
    """Compare two configurations.

    The means are compared by the paired t test. Where the noise is skewed and the two differ in spread, so are the
    differences: then the larger p of the plain and of the skewed t counts, and the wider interval. A mean says nothing
    where a seed failed, where one difference is far from all others, or where all differences are equal by chance, as
    rounded accuracies are: there the sign test is used, if there are seeds enough for it to find anything.

    Args:
        a: One of them, over the same seeds as the other.
        b: What is taken from it.
        skewness: Of the noise, pooled; 0 where none is evident.
        worst: Infinity with the sign of what is worse; None leaves failed seeds out.
        alpha: Error that the test may make; the sign test is used only where it can reject at it.
    """
    both = [(x, y) for x, y in zip(a.values, b.values, strict=True) if x is not None and y is not None]
    differences = tuple(x - y for x, y in both)
    if a.of is None or b.of is None or not both:
        return Comparison(differences=(), p=None, method="nothing to compare: no seed gave both a value")
    of = moments(differences, largest=max(max(abs(x), abs(y)) for x, y in both))
    failed = worst is not None and len(both) < len(a.values)
    reason = _hopeless(differences, of, failed=failed, noisy=a.of.sd > 0 or b.of.sd > 0)
    signs = _with_failed(a.values, b.values, worst) if worst is not None else differences
    if reason and (2 * 0.5 ** len(signs) <= alpha or of.sd == 0):
        p = _sign_p(signs)
        return Comparison(differences=signs, of=of, p=p, method=f"sign test ({reason})", is_sign_test=True)
    if of.n < 2:
        return Comparison(differences=differences, of=of, p=None, method="one seed: no interval")
    if of.sd == 0:
        return Comparison(differences=differences, of=of, p=p_value(of, skewness=0.0), method="no noise")
    skewness = skewness_of_difference(skewness, a.of.sd, b.of.sd)
    p = max(p_value(of, skewness=each) for each in (0.0, skewness))
    method = "paired t, widened for skewed noise" if skewness else "paired t"
    if len(both) < len(a.values):
        method += f" over the {len(both)} seeds that both have"
    return Comparison(differences=differences, of=of, skewness=skewness, p=p, method=method)


def holm(ps: Sequence[float | None], alpha: float) -> list[tuple[float, float]]:
    """Return for each p the corrected one and the level at which it was tested.

    Holm's step-down procedure ("A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of
    Statistics 6, 1979): the smallest of m values of p is tested at alpha / m, the next at alpha / (m - 1), and so on
    until one is not rejected; that one's level holds for all larger ones. None counts as 1.
    """
    order = sorted(range(len(ps)), key=lambda at: 1.0 if ps[at] is None else ps[at])  # type: ignore[arg-type,return-value]
    found = [(1.0, alpha)] * len(ps)
    corrected, level, rejecting = 0.0, alpha, True
    for rank, at in enumerate(order):
        left, p = len(ps) - rank, ps[at]
        corrected = max(corrected, min(1.0, left * (1.0 if p is None else p)))
        if rejecting:
            level = alpha / left
            rejecting = corrected <= alpha
        found[at] = corrected, level
    return found


def seeds_of_a_sign_test(alpha: float) -> int:
    """Return the fewest seeds with which a sign test can reject at alpha."""
    return 1 + math.ceil(-math.log2(alpha) - 1e-12)


def _hopeless(differences: Sequence[float], of: Moments, *, failed: bool, noisy: bool) -> str | None:
    """Return why a mean of the differences says nothing, if it does not."""
    if failed:
        return "a seed failed"
    if is_outlying(differences):
        return "one seed is far off"
    if of.n > 1 and of.sd == 0 and of.mean and noisy:
        return "all differences are equal"
    return None


def _with_failed(a: Values, b: Values, worst: float) -> tuple[float, ...]:
    """Return a - b for every seed, infinite where one of them failed, 0 where both did."""
    return tuple(
        (0.0 if y is None else worst) if x is None else -worst if y is None else x - y
        for x, y in zip(a, b, strict=True)
    )


def _sign_p(differences: Sequence[float]) -> float:
    """Return the two-sided p of the sign test; a difference of 0 counts against it, on both sides."""
    below, above = (sum(1 for each in differences if sign * each >= 0) for sign in (-1, 1))
    return min(1.0, 2 * _binomial(min(below, above), len(differences)))


def _sign_interval(differences: Sequence[float], alpha: float) -> Ends:
    """Return the interval of the median at level 1 - alpha at least, which holds 0 exactly where p is above alpha."""
    n, ordered = len(differences), sorted(differences)
    outside = -1
    while outside < n and 2 * _binomial(outside + 1, n) <= alpha:
        outside += 1
    if outside < 0:
        return None, None
    low, high = ordered[outside], ordered[n - 1 - outside]
    return (low if math.isfinite(low) else None), (high if math.isfinite(high) else None)


def _binomial(most: int, n: int) -> float:
    """Return the probability of at most so many heads in n throws of a coin."""
    return float(sum(math.comb(n, heads) for heads in range(most + 1)) / 2**n)
