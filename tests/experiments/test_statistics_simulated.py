"""How often `judged` is right, in simulated sweeps of known truth: the best of 64, confirmed on fresh paired seeds."""

import math
import statistics
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # scripts are run from a checkout, not installed

from experiments._sweep.statistics import judged, paired
from scripts.benchmarks.confirm import digits, noise, simulated
from scripts.benchmarks.confirm.comparison import PROMISED

SWEEPS = 500
kinds = pytest.mark.parametrize("kind", PROMISED, ids=lambda kind: kind.name)


@cache
def confirmed(kind: noise.Noise, *, equal: bool) -> list[simulated.Confirmed]:
    """Simulate sweeps once for all tests, with other random numbers than the benchmark has."""
    return list(simulated.confirmations(kind, seeds=5, sweeps=SWEEPS, equal=equal, seed=7))


@pytest.mark.parametrize("kind", noise.KINDS, ids=lambda kind: kind.name)
def test_noise_is_what_its_name_says(kind: noise.Noise) -> None:
    """The simulations stand on noise of mean 0, variance 1 and the skewness that they name."""
    drawn = kind.draw(np.random.default_rng(0), np.ones(2), 200_000)
    assert drawn.mean() == pytest.approx(0, abs=0.01)
    assert drawn.std() == pytest.approx(1, abs=0.05 if kind.skewness > 3 else 0.01)
    if abs(kind.skewness) <= 2:  # the sample's own is too unsteady for more
        assert ((drawn / drawn.std()) ** 3).mean() == pytest.approx(kind.skewness, abs=0.15)
        assert np.corrcoef(drawn)[0, 1] == pytest.approx(kind.shared, abs=0.12)


@kinds
def test_intervals_hold_the_truth_as_often_as_they_say(kind: noise.Noise) -> None:
    """With 5 seeds the 95 % interval holds the true score in 93 to 97 %, the search's winner included."""
    of = confirmed(kind, equal=False) + confirmed(kind, equal=True)
    covered = statistics.fmean(one for each in of for one in each.covered)
    # 4,000 intervals, four of one confirmation not independent of each other: a standard error of about 0.5 %.
    assert 0.925 <= covered <= 0.97
    assert 0.92 <= statistics.fmean(each.winner_covered for each in of) <= 0.975


@kinds
def test_the_selection_gap_is_found_without_bias(kind: noise.Noise) -> None:
    """What the search promised was too good by about one sd; what was confirmed is right on average."""
    of = confirmed(kind, equal=False)
    errors = [each.gap_error for each in of]
    assert abs(statistics.fmean(errors)) < 3.5 * statistics.stdev(errors) / math.sqrt(SWEEPS)
    assert statistics.fmean(each.promised - each.truths[each.winner] for each in of) < -0.5


@kinds
def test_tied_errs_no_more_often_than_it_says(kind: noise.Noise) -> None:
    """Equal configurations are called different in at most 5 %, and some are: the correction does not overdo it."""
    wrong = statistics.fmean(each.is_wrong for each in confirmed(kind, equal=True))
    assert 0.002 <= wrong <= 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / SWEEPS)
    assert statistics.fmean(each.is_wrong for each in confirmed(kind, equal=False)) <= 0.03


def test_a_real_difference_is_found() -> None:
    """Far from everything is tied: a difference of three standard deviations of a difference is seen in most cases."""
    rng = np.random.default_rng(3)
    seen = 0
    for _ in range(200):
        values = rng.normal(size=(4, 5)) + np.array([[0], [3 * math.sqrt(2)], [3 * math.sqrt(2)], [0]])
        found = judged(dict(zip("abcd", values.tolist(), strict=True)), mode="min")
        seen += not found.differences["b"].tied
    assert seen > 120


def test_a_gain_that_was_asked_for_beforehand_has_an_honest_interval() -> None:
    """`paired` holds the true difference in 93 to 97 %, also of skewed noise of unequal spread."""
    rng = np.random.default_rng(4)
    for skewed in (False, True):
        covered = []
        for _ in range(1000):
            drawn = rng.gamma(4.0, size=(2, 5)) / 2 - 2 if skewed else rng.normal(size=(2, 5))
            found = paired((drawn[0] * 3).tolist(), drawn[1].tolist())
            covered.append(found.low is not None and found.high is not None and found.low <= 0 <= found.high)
        assert 0.92 <= statistics.fmean(covered) <= 0.98


@pytest.mark.parametrize("metric", digits.METRICS)
def test_on_real_learning_runs(metric: str) -> None:
    """Confirmations drawn from 200 reseeded runs on digits: intervals, gap and claims against the mean of the 200."""
    of = list(digits.confirmations(metric, seeds=5, count=200, seed=7))
    covered = statistics.fmean(one for each in of for one in each.covered)
    errors = [each.gap_error for each in of]
    assert 0.90 <= covered <= 0.98
    assert abs(statistics.fmean(errors)) < 3.5 * statistics.stdev(errors) / math.sqrt(len(errors))
    assert statistics.fmean(each.is_wrong for each in of) <= 0.06
