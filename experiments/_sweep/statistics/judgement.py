"""Scores of configurations over the same seeds, judged: their means, the best, who is tied with it, what is doubtful.

Which configuration is the best is seen in the same values that the others are then compared with it in. To correct for
its k - 1 comparisons only would let some difference between equal configurations pass for a real one in 7 % of all
judgements with k = 4, in 12 % with k = 11, instead of 5 %. So the correction is for all k (k - 1) / 2 pairs, among
which those with the best are, whichever it is: 4 % with k = 4 (docs/confirm.md).
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Literal

from experiments._sweep.statistics.comparisons import Comparison, compare, holm
from experiments._sweep.statistics.intervals import Sample, interval, pooled_skewness, sample
from experiments._sweep.statistics.notes import doubts
from experiments._sweep.statistics.results import Difference, Judgement, Score

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Table = dict[str, Sample]

_LARGEST = 1e300
"""Values beyond it count as failed: nothing that is computed from the others overflows."""


def judged(
    values: Mapping[str, Sequence[float | None]], *, mode: Literal["min", "max"], level: float = 0.95
) -> Judgement:
    """Judge configurations that were scored on the same seeds.

    Args:
        values: Score per seed, by label, in the same order of seeds for all; None, NaN or infinite where
            it failed.
        mode: Whether lower or higher scores are better.
        level: Of the intervals, from 0.5 to 0.999; the tests err at most in the rest.

    Raises:
        ValueError: The level is out of range, there is no label, or the labels differ in their number of seeds.
    """
    table = _checked(values, level)
    skewness = pooled_skewness(table.values())
    scores = {label: _score(of, skewness=skewness, level=level) for label, of in table.items()}
    best = _best(scores, mode)
    differences = {} if best is None else _to_the_best(table, best, skewness=skewness, mode=mode, level=level)
    notes = doubts(scores, best=best, differences=differences, skewness=skewness, mode=mode, level=level)
    return Judgement(scores=scores, best=best, differences=differences, notes=notes)


def paired(a: Sequence[float | None], b: Sequence[float | None], *, level: float = 0.95) -> Difference:
    """Compare one configuration with another that was chosen beforehand, such as the winner with the defaults.

    Nothing is corrected for. Seeds of which either failed are left out, which flatters the one that failed.

    Raises:
        ValueError: The level is out of range, or the two differ in their number of seeds.
    """
    table = _checked({"a": a, "b": b}, level)
    skewness = pooled_skewness(table.values())
    comparison = compare(table["a"], table["b"], skewness=skewness, worst=None, alpha=1 - level)
    return _told(comparison, comparison.p, 1 - level)


def _to_the_best(table: Table, best: str, *, skewness: float, mode: str, level: float) -> dict[str, Difference]:
    """Return each other label minus the best, corrected for all pairs of labels."""
    worst = math.inf if mode == "min" else -math.inf
    labels = [label for label, of in table.items() if of.of and label != best]
    pairs = list(combinations([*labels, best], 2))
    first = (1 - level) / max(1, len(pairs))
    compared = [compare(table[a], table[b], skewness=skewness, worst=worst, alpha=first) for a, b in pairs]
    corrected = holm([each.p for each in compared], 1 - level)
    told = {
        pair[0]: _never_ahead(_told(each, *found), mode)
        for pair, each, found in zip(pairs, compared, corrected, strict=True)
        if pair[1] == best
    }
    return {label: told.get(label, _NOTHING) for label in table if label != best}


_NOTHING = Difference(
    mean=None, low=None, high=None, p=None, p_corrected=None, tied=False, method="nothing to compare: every seed failed"
)


def _never_ahead(of: Difference, mode: str) -> Difference:
    """Call a tie what would be ahead of the best: on the seeds that succeeded, or on most, but not called the best."""
    ahead = of.high is not None and of.high < 0 if mode == "min" else of.low is not None and of.low > 0
    if not ahead:
        return of
    low = None if of.low is None else min(0.0, of.low)
    high = None if of.high is None else max(0.0, of.high)
    return replace(of, low=low, high=high, p_corrected=1.0, tied=True)


def _told(comparison: Comparison, corrected: float | None, alpha: float) -> Difference:
    """Tell a comparison that was tested at a level."""
    low, high = comparison.interval(alpha)
    return Difference(
        mean=comparison.of.mean if comparison.of else None,
        low=low,
        high=high,
        p=comparison.p,
        p_corrected=None if comparison.p is None else corrected,
        tied=(low is None or low <= 0) and (high is None or high >= 0),
        method=comparison.method,
    )


def _score(sampled: Sample, *, skewness: float, level: float) -> Score:
    """Tell the score of one configuration."""
    values, of = sampled.values, sampled.of
    failed = values.count(None)
    if of is None:
        return Score(values=values, mean=None, low=None, high=None, sd=None, failed=failed, method="every seed failed")
    ends = interval(of, skewness=skewness, alpha=1 - level)
    if ends is None:
        method = "one seed: no interval"
    elif not of.sd:
        method = "no noise"
    else:
        method = "bootstrap t (skewed noise)" if skewness else "t"
    return Score(
        values=values,
        mean=of.mean,
        low=ends[0] if ends else None,
        high=ends[1] if ends else None,
        sd=of.sd if of.n > 1 else None,
        failed=failed,
        method=method,
    )


def _best(scores: Mapping[str, Score], mode: str) -> str | None:
    """Return the label with the best mean among those with the fewest failed seeds; the first of equal ones."""
    there = {label: score.mean for label, score in scores.items() if score.mean is not None}
    if not there:
        return None
    sign = 1 if mode == "min" else -1
    return min(there, key=lambda label: (scores[label].failed, sign * there[label]))


def _checked(values: Mapping[str, Sequence[float | None]], level: float) -> Table:
    """Return the values with None for all that are no finite numbers."""
    if not 0.5 <= level <= 0.999:
        raise ValueError(f"level is {level}; it takes a number from 0.5 to 0.999, for example 0.95")
    table = {label: sample([_value(value) for value in of]) for label, of in values.items()}
    if not table:
        raise ValueError("there is nothing to judge: values is empty; give the scores of at least one configuration")
    counts = {label: len(of.values) for label, of in table.items()}
    if len(set(counts.values())) > 1:
        raise ValueError(
            f"the configurations have different numbers of seeds, {counts}; they take the same seeds in the same "
            "order, with None where a run failed"
        )
    return table


def _value(given: float | None) -> float | None:
    if given is None or not abs(given) <= _LARGEST:  # a NaN is in no range
        return None
    return float(given)
