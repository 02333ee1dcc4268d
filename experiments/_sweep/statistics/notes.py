"""What is doubtful in a judgement, in sentences: few seeds, failed ones, no noise, skewed noise, a seed far off."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from experiments._sweep.statistics.comparisons import seeds_of_a_sign_test
from experiments._sweep.statistics.intervals import is_outlying, present

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from experiments._sweep.statistics.results import Difference, Score

FEW = 10
"""Seeds below which they are called few: from about here on an interval is little wider than of many."""


def doubts(
    scores: Mapping[str, Score],
    *,
    best: str | None,
    differences: Mapping[str, Difference],
    skewness: float,
    mode: str,
    level: float,
) -> tuple[str, ...]:
    """Return the notes, the weightiest first."""
    if best is None:
        return ("no configuration succeeded with any seed",)
    pairs = len(differences) * (len(differences) + 1) // 2
    needed = seeds_of_a_sign_test((1 - level) / max(1, pairs))
    return (
        *_failed(scores, best, mode=mode, needed=needed),
        *_few(scores, differences),
        *_odd(scores),
        *_skewed(skewness),
        *_lucky(best, differences),
    )


def _failed(scores: Mapping[str, Score], best: str, *, mode: str, needed: int) -> Iterator[str]:
    """Say whose seeds failed."""
    champion, seeds = scores[best], len(scores[best].values)
    for label, score in scores.items():
        if not score.failed:
            continue
        if score.mean is None:
            yield f"{label}: all {seeds} seeds failed"
            continue
        said = f"{label}: {score.failed} of {seeds} seeds failed; its mean is of the others, which flatters it"
        if (
            champion.mean is not None
            and (score.mean < champion.mean) == (mode == "min")
            and score.mean != champion.mean
        ):
            said += f", and it is not called the best although its mean is better than that of {best}"
        if seeds < needed and len(scores) > 1:
            said += f"; a sign test, which would count failed seeds, takes at least {needed} seeds here"
        yield said


def _few(scores: Mapping[str, Score], differences: Mapping[str, Difference]) -> Iterator[str]:
    """Say that there are few seeds, and what they cannot show."""
    seeds = max(len(score.values) for score in scores.values())
    if seeds == 1:
        yield "1 seed says nothing of the noise: there is no interval, and nothing can be told apart"
    elif seeds < FEW:
        said = f"{seeds} seeds are few"
        ends = [(of.low, of.high) for of in differences.values()]
        widths = [high / 2 - low / 2 for low, high in ends if low is not None and high is not None]
        if widths and max(widths) > 0:
            said += f": a difference below about {statistics.median(widths):.2g} cannot be told from none"
        if seeds < 5:
            said += "; where noise is skewed, intervals from fewer than 5 are rather too narrow"
        yield said


def _odd(scores: Mapping[str, Score]) -> Iterator[str]:
    """Say where the seeds made no difference, or one of them nearly all of it."""
    for label, score in scores.items():
        there = present(score.values)
        if len(there) > 1 and not score.sd:
            yield f"{label}: the seeds made no difference; does the trainable use its seed?"
        if is_outlying(there):
            middle = statistics.median(there)
            far = max(there, key=lambda value: abs(value - middle))
            seed = score.values.index(far) + 1
            yield f"{label}: seed {seed} gave {far:.4g}, far from its other seeds; its mean and interval say little"


def _skewed(skewness: float) -> Iterator[str]:
    if skewness:
        tail = "high" if skewness > 0 else "low"
        yield f"the noise is skewed, with more far {tail} values: the intervals allow for it and are not symmetric"


def _lucky(best: str, differences: Mapping[str, Difference]) -> Iterator[str]:
    tied = sum(of.tied for of in differences.values())
    if tied:
        yield f"{best} is the best of {tied + 1} that are tied, so its own mean is rather too good"
