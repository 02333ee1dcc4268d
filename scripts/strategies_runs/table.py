"""The comparison in numbers: quartiles after so many trials, who was best, and paired differences."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from scripts.strategies_runs.curves import best_so_far, quartiles, quartiles_in_any_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from scripts.strategies_runs.sweeps import Results

AFTER = (1, 3, 9, 18, 27)
"""Trials after which the table looks."""


def lines(found: Mapping[str, Results]) -> Iterator[str]:
    """What the sweeps found, in Markdown."""
    curves = {strategy: best_so_far(each.values) for strategy, each in found.items()}
    seeds, trials = next(iter(curves.values())).shape
    after = [n for n in AFTER if n <= trials]
    yield f"\nBest val_loss after so many trials: median (quartiles) over {seeds} seeds\n"
    yield f"| trials | {' | '.join(map(str, after))} |"
    yield f"| --- |{' --- |' * len(after)}"
    for strategy, each in found.items():
        yield _row(strategy, quartiles(curves[strategy]), after)
        if "grid" in strategy:
            yield _row(f"{strategy}, in any order", quartiles_in_any_order(each.values), after)
    last = {strategy: curve[:, -1] for strategy, curve in curves.items()}
    yield ""
    yield f"Lowest after {trials} trials: {_wins(last)}."
    yield ""
    yield from _differences(f"Differences after {trials} trials, seed by seed", last)


def winners_lines(means: Mapping[str, NDArray[np.float64]], repetitions: int) -> Iterator[str]:
    """What is left of the winners' values, in Markdown."""
    yield f"\nThe winners' val_loss on {repetitions} fresh seeds and splits: median (quartiles) over the sweeps\n"
    for strategy, each in means.items():
        low, mid, high = quartiles(each[:, None])[:, 0]
        yield f"- {strategy}: {mid:.4f} ({low:.4f} to {high:.4f}), mean {each.mean():.4f}"
    yield ""
    yield from _differences("Differences of these, sweep by sweep", means)


def _differences(heading: str, of_them: Mapping[str, NDArray[np.float64]]) -> Iterator[str]:
    pairs = list(combinations(of_them, 2))
    yield f"{heading}: mean (interval; the {len(pairs)} hold together at 95 %)"
    yield ""
    yield from (f"- {one} - {other}: {_difference(of_them[one] - of_them[other], len(pairs))}" for one, other in pairs)


def _row(label: str, of_it: NDArray[np.float64], after: list[int]) -> str:
    cells = [f"{mid:.4f} ({low:.4f} to {high:.4f})" for low, mid, high in of_it[:, [n - 1 for n in after]].T]
    return f"| {label} | {' | '.join(cells)} |"


def _wins(last: Mapping[str, NDArray[np.float64]]) -> str:
    """How often each was lowest; seeds at which two were are counted for both."""
    lowest = np.min(list(last.values()), axis=0)
    counts = {strategy: int((values == lowest).sum()) for strategy, values in last.items()}
    shared = sum(counts.values()) - len(lowest)
    told = ", ".join(f"{strategy} with {count} of {len(lowest)} seeds" for strategy, count in counts.items())
    return told + (f" ({shared} shared)" if shared else "")


def _difference(differences: NDArray[np.float64], comparisons: int) -> str:
    """Student's t over the seeds, with Bonferroni's correction for so many comparisons."""
    if not np.isfinite(differences).all():
        return "a sweep without a value"
    if np.ptp(differences) == 0:
        return f"{differences[0]:+.4f} with every seed"
    interval = stats.ttest_1samp(differences, 0).confidence_interval(1 - 0.05 / comparisons)
    return f"{differences.mean():+.4f} ({interval.low:+.4f} to {interval.high:+.4f})"
