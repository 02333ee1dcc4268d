"""How far a confirmation can be believed: its intervals, its selection gap and its ties, against known truths.

`scripts/bench confirm [--sweeps N] [--seeds 3,5,10]`. Beside it stands what is usual: the interval of Student's t, and
the value that the search found, as it is.
"""

from __future__ import annotations

import math
import statistics
import sys
from typing import TYPE_CHECKING

from scripts.benchmarks.confirm import alternatives, digits, simulated
from scripts.benchmarks.confirm.noise import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scripts.benchmarks.confirm.simulated import Confirmed

DEFAULT_SEEDS = 5
"""The seeds of `sweep confirm` unless others are asked for: with them the aims are to be reached."""
PROMISED = KINDS[:7]
"""Of these kinds of noise the aims are promised; the others show where they end."""
COVERAGE = 0.93, 0.97
ERROR = 0.05
"""Most confirmations that call something worse than the best that is not."""


def compare(*, seeds: Sequence[int], sweeps: int) -> int:
    """Print all tables; return 0 when every aim is reached, else 1."""
    reached = _simulations(seeds, sweeps)
    alternatives.compare_families(sweeps)
    alternatives.compare_intervals(sweeps)
    return 0 if _on_digits(seeds, sweeps) and reached else 1


def _simulations(seeds: Sequence[int], sweeps: int) -> bool:
    """Print what is found in simulated sweeps, and whether the aims are reached."""
    print(
        f"simulated sweeps: the best of {simulated.TRIALS}, top {simulated.TOP} and the defaults confirmed; "
        "in standard deviations of the noise"
    )
    print(
        f"  {'noise':<28}{'seeds':>6}{'covered':>9}{'winner':>8}{'plain t':>9}{'width':>7}{'gap off by':>18}"
        f"{'promise off':>13}{'wrong if equal':>16}{'wrong':>7}{'best covered':>14}"
    )
    reached = True
    for noise in KINDS:
        for count in seeds:
            print(f"{noise.name}, {count} seeds", file=sys.stderr, flush=True)
            of = list(simulated.confirmations(noise, seeds=count, sweeps=sweeps, equal=False))
            equal = list(simulated.confirmations(noise, seeds=count, sweeps=sweeps, equal=True))
            missed = _missed(of, equal)
            best = statistics.fmean(each.best_covered for each in equal)
            verdict = ""
            if noise in PROMISED and count == DEFAULT_SEEDS:
                reached = reached and not missed
                verdict = f"MISSED: {', '.join(missed)}" if missed else "reached"
            elif missed:
                verdict = f"({', '.join(missed)})"
            print(
                f"  {noise.name:<28}{count:>6}{_numbers(of)}{_share(equal):>16.1%}{_share(of):>7.1%}{best:>14.1%}  "
                f"{verdict}",
                flush=True,
            )
    return reached


def _gap(of: Sequence[Confirmed]) -> tuple[float, float, float]:
    """Return by how much the gap that was found is off, its standard error, and by how much the promise is off."""
    errors = [each.gap_error for each in of]
    bias, error = statistics.fmean(errors), statistics.stdev(errors) / math.sqrt(len(errors))
    return bias, error, statistics.fmean(each.promised - each.truths[each.winner] for each in of)


def _numbers(of: Sequence[Confirmed]) -> str:
    """Put together the columns about intervals and gaps."""
    bias, error, promise = _gap(of)
    winner = statistics.fmean(each.winner_covered for each in of)
    return (
        f"{_coverage(of):>9.1%}{winner:>8.1%}{_mean(each.covered_plainly for each in of):>9.1%}{_width(of):>7.2f}"
        f"{f'{bias:+.3f} +- {2 * error:.3f}':>18}{promise:>+13.2f}"
    )


def _missed(of: Sequence[Confirmed], equal: Sequence[Confirmed]) -> list[str]:
    """Name the aims that are not reached, chance of the simulation aside."""
    errors = [each.gap_error for each in of]
    slack = 2 * math.sqrt(ERROR * (1 - ERROR) / len(of))
    missed = []
    if not COVERAGE[0] <= _coverage(of) <= COVERAGE[1]:
        missed.append("coverage")
    if abs(statistics.fmean(errors)) > 3 * statistics.stdev(errors) / math.sqrt(len(errors)):
        missed.append("gap")
    if max(_share(of), _share(equal)) > ERROR + slack:
        missed.append("ties")
    return missed


def _on_digits(seeds: Sequence[int], draws: int) -> bool:
    """Print what is found among real runs, and whether the aims are reached."""
    reached = True
    print("\n200 reseeded runs of six MLPs on digits (scripts/record_reseeded.py)")
    print(f"  {'metric':<14}{'configuration':<15}{'mean':>9}{'sd':>9}{'skewness':>9}{'correlation with the best':>27}")
    for metric in digits.METRICS:
        for label, mean, sd, skewness, correlation in digits.described(metric):
            print(f"  {metric:<14}{label:<15}{mean:>9.4f}{sd:>9.4f}{skewness:>9.2f}{correlation:>27.2f}")
    print("\nconfirmations drawn from them; regret is how much worse the choice truly is than the best of the six")
    print(
        f"  {'metric':<14}{'seeds':>6}{'covered':>9}{'plain t':>9}{'gap off by':>22}{'promise off':>13}{'wrong':>7}"
        f"{'tied with best':>16}{'best found':>12}{'by search':>11}{'regret':>9}{'of search':>11}"
    )
    for metric in digits.METRICS:
        for count in seeds:
            of = list(digits.confirmations(metric, seeds=count, count=draws))
            missed = _missed(of, of)
            reached = reached and not (missed and count == DEFAULT_SEEDS)
            print(
                f"  {metric:<14}{count:>6}{_real(of)}  {'MISSED: ' + ', '.join(missed) if missed else 'reached'}",
                flush=True,
            )
    return reached


def _real(of: Sequence[Confirmed]) -> str:
    """Put together the columns of one metric and number of seeds."""
    bias, error, promise = _gap(of)
    tied = statistics.fmean(sum(other.tied for other in each.judgement.differences.values()) for each in of)
    regrets = [
        [each.truths[label] - min(each.truths.values()) for each, label in zip(of, chosen, strict=True)]
        for chosen in ([str(each.judgement.best) for each in of], [each.winner for each in of])
    ]
    found, regret = zip(
        *((_mean([[not one for one in each]]), statistics.fmean(each)) for each in regrets), strict=True
    )
    return (
        f"{_coverage(of):>9.1%}{_mean(each.covered_plainly for each in of):>9.1%}"
        f"{f'{bias:+.5f} +- {2 * error:.5f}':>22}{promise:>+13.4f}{_share(of):>7.1%}{tied:>16.2f}"
        f"{found[0]:>12.1%}{found[1]:>11.1%}{regret[0]:>9.5f}{regret[1]:>11.5f}"
    )


def _coverage(of: Sequence[Confirmed]) -> float:
    """Return the share of intervals that hold the truth, of all configurations."""
    return _mean(each.covered for each in of)


def _width(of: Sequence[Confirmed]) -> float:
    """Return how wide the intervals are beside those of Student's t, all together."""
    ours = sum((score.high or 0.0) - (score.low or 0.0) for each in of for score in each.judgement.scores.values())
    return ours / sum(high - low for each in of for low, high in each.plain.values())


def _share(of: Sequence[Confirmed]) -> float:
    """Return the share of confirmations that call something worse than the best that is not."""
    return statistics.fmean(each.is_wrong for each in of)


def _mean(lists: Iterable[Sequence[bool]]) -> float:
    """Return the share of all that are true."""
    return statistics.fmean(one for several in lists for one in several)
