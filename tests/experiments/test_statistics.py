"""What `judged` and `paired` say of given scores: against scipy and published values, and where the scores are odd."""

import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from experiments._sweep.statistics import Judgement, judged, paired
from experiments._sweep.statistics.comparisons import holm
from experiments._sweep.statistics.intervals import moments, pooled_skewness, sample
from experiments._sweep.statistics.skewed_t import quantile, two_sided_p

EVEN = [0.1, 0.2, 0.3, 0.4, 0.5]  # not skewed at all, so that Student's t is used

scores = st.lists(
    st.lists(st.integers(-1000, 1000).map(lambda number: number / 64), min_size=5, max_size=5), min_size=2, max_size=5
)


def labelled(values: Any) -> dict[str, Any]:
    """Name configurations a, b, c ..."""
    return {"abcdefgh"[place]: list(of) for place, of in enumerate(values)}


def test_without_skewness_the_interval_is_students() -> None:
    """The interval of a mean is the one that scipy gives."""
    score = judged({"a": EVEN}, mode="min").scores["a"]
    low, high = stats.t.interval(0.95, 4, loc=np.mean(EVEN), scale=stats.sem(EVEN))
    assert (score.low, score.high) == (pytest.approx(low), pytest.approx(high))
    assert score.method == "t" and score.sd == pytest.approx(np.std(EVEN, ddof=1))


def test_without_skewness_the_comparison_is_the_paired_t_test() -> None:
    """The p and the interval of a difference are those of scipy's ttest_rel."""
    other = [0.35, 0.25, 0.45, 0.65, 0.55]
    assert pooled_skewness([sample(EVEN), sample(other)]) == 0
    expected = stats.ttest_rel(other, EVEN)
    found = paired(other, EVEN)
    assert found.p == found.p_corrected == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()))
    assert found.method == "paired t" and found.tied == (expected.pvalue > 0.05)


def test_a_difference_of_skewed_noise_is_never_judged_more_boldly() -> None:
    """Where skewness widens the interval of a difference, the plain one lies inside it, and p is no smaller."""
    a, b = [0.1, 0.11, 0.12, 0.1, 0.5], [0.2, 0.21, 0.2, 0.22, 0.27]
    found, plain = paired(a, b), stats.ttest_rel(a, b)
    low, high = plain.confidence_interval()
    assert "widened" in found.method and found.p is not None and found.low is not None and found.high is not None
    assert found.p >= plain.pvalue * 0.999 and found.low <= low + 1e-9 and found.high >= high - 1e-9


def test_holm_as_published() -> None:
    """Holm's step-down procedure on an example worked by hand: nothing after the first that is not rejected."""
    # As R's p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm").
    found = holm([0.01, 0.04, 0.03, 0.005], 0.05)
    assert [corrected for corrected, _ in found] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert [alpha for _, alpha in found] == pytest.approx([0.05 / 3, 0.05 / 2, 0.05 / 2, 0.05 / 4])
    assert holm([None, 0.001], 0.05) == [(1.0, 0.05), (pytest.approx(0.002), 0.025)]


def test_all_pairs_are_corrected_for() -> None:
    """The smallest of the three p of three configurations counts three times, although two are shown."""
    values = {"a": EVEN, "b": [0.35, 0.25, 0.45, 0.65, 0.55], "c": [0.9, 1.0, 1.3, 1.2, 1.2]}
    found = judged(values, mode="min")
    ps = [stats.ttest_rel(values[x], values[y]).pvalue for x, y in ("ab", "ac", "bc")]
    assert all(of.method == "paired t" for of in found.differences.values())
    assert found.differences["c"].p_corrected == pytest.approx(3 * min(ps))


def test_the_skewed_t_is_that_of_drawn_gamma_noise() -> None:
    """Quantiles of t under exponential noise, beside scipy's own draws; without skewness they are Student's."""
    drawn = stats.expon.rvs(size=(100_000, 5), random_state=1) - 1
    t = math.sqrt(5) * drawn.mean(axis=1) / drawn.std(axis=1, ddof=1)
    for probability in (0.005, 0.025, 0.5, 0.975):
        expected = float(np.quantile(t, probability))
        assert quantile(probability, 5, 2.0) == pytest.approx(expected, rel=0.06)
        assert quantile(1 - probability, 5, -2.0) == pytest.approx(-quantile(probability, 5, 2.0))
    assert quantile(0.975, 5, 1e-9) == pytest.approx(quantile(0.975, 5, 0.0), rel=1e-3)
    assert two_sided_p(quantile(0.025, 5, 1.3), 5, 1.3) == pytest.approx(0.05, rel=1e-3)


@settings(max_examples=60, deadline=None)
@given(scores, st.sampled_from(["min", "max"]), st.floats(0.5, 0.99))
def test_what_is_tied_is_what_the_interval_and_p_say(values: Any, mode: Any, level: float) -> None:
    """Tied, an interval that holds 0 and a corrected p above the error say the same; means lie in their intervals."""
    found = judged(labelled(values), mode=mode, level=level)
    ranked = sorted(found.differences.values(), key=lambda of: of.p if of.p is not None else 1.0)
    assert [of.tied for of in ranked] == sorted(of.tied for of in ranked)
    for of in ranked:
        assert of.p_corrected is not None and of.p is not None and of.p <= of.p_corrected
        if abs(of.p_corrected - (1 - level)) > 1e-6:
            assert of.tied == (of.p_corrected > 1 - level)
        assert of.tied == ((of.low is None or of.low <= 0) and (of.high is None or of.high >= 0))
        if of.p_corrected < 1 - level:
            assert of.mean is not None and (of.mean > 0) == (mode == "min")
    for score in found.scores.values():
        assert score.mean is not None and score.low is not None and score.high is not None
        assert score.low - 1e-9 <= score.mean <= score.high + 1e-9


@settings(max_examples=40, deadline=None)
@given(scores, st.permutations(range(5)), st.permutations(range(5)))
def test_neither_the_order_of_configurations_nor_that_of_seeds_matters(
    values: Any, order: list[int], seeds: list[int]
) -> None:
    """Labels and seeds in another order give the same judgement, equal means aside."""
    means = [math.fsum(of) for of in values]
    assume(len(set(means)) == len(means))
    given_as = labelled(values)
    labels = list(given_as)
    moved = {labels[at]: [given_as[labels[at]][seed] for seed in seeds] for at in order if at < len(labels)}
    one, other = judged(given_as, mode="min"), judged(moved, mode="min")
    assert one.best == other.best
    assert_alike(one, other, scale=1.0, shift=0.0)


@settings(max_examples=40, deadline=None)
@given(scores, st.sampled_from([2.0**-90, 0.5, 8.0, 2.0**90]))
def test_a_unit_and_a_direction_are_only_words(values: Any, scale: float) -> None:
    """In another unit all numbers are in that unit; with the sign turned, higher is better and all else is mirrored."""
    given_as = labelled(values)
    one = judged(given_as, mode="min")
    scaled = {label: [value * scale for value in of] for label, of in given_as.items()}
    assert_alike(one, judged(scaled, mode="min"), scale=scale, shift=0.0)
    mirrored = {label: [-value for value in of] for label, of in given_as.items()}
    assert_alike(one, judged(mirrored, mode="max"), scale=-1.0, shift=0.0)


@settings(max_examples=20, deadline=None)
@given(scores, st.sampled_from([-256.0, 64.0]))
def test_where_zero_is_does_not_matter(values: Any, shift: float) -> None:
    """Scores that are all higher by the same have the same differences."""
    given_as = labelled(values)
    moved = {label: [value + shift for value in of] for label, of in given_as.items()}
    assert_alike(judged(given_as, mode="min"), judged(moved, mode="min"), scale=1.0, shift=shift)


def assert_alike(one: Judgement, other: Judgement, *, scale: float, shift: float) -> None:
    """Compare two judgements, the second in another unit."""
    assert one.best == other.best and one.differences.keys() == other.differences.keys()
    for label, score in one.scores.items():
        ends = [score.low, score.mean, score.high][:: 1 if scale > 0 else -1]
        there = other.scores[label]
        expected = [None if end is None else end * scale + shift for end in ends]
        assert [there.low, there.mean, there.high] == [about(end, abs(scale)) for end in expected]
    for label, of in one.differences.items():
        ends = [of.low, of.mean, of.high][:: 1 if scale > 0 else -1]
        there_of = other.differences[label]
        expected = [None if end is None else end * scale for end in ends]
        assert [there_of.low, there_of.mean, there_of.high] == [about(end, abs(scale)) for end in expected]
        assert there_of.tied == of.tied
        assert there_of.p_corrected == about(of.p_corrected, 1.0)


def about(expected: float | None, unit: float) -> Any:
    """Allow for rounding."""
    return None if expected is None else pytest.approx(expected, rel=1e-6, abs=1e-9 * unit)


def test_a_failed_seed_is_counted_and_does_not_win() -> None:
    """The mean is of the seeds that succeeded; who failed is not the best, even with the best mean, and it is said."""
    found = judged({"a": EVEN, "b": [0.05, None, 0.2, 0.35, math.nan]}, mode="min")
    assert found.best == "a" and found.scores["b"].failed == 2 and found.scores["b"].mean == pytest.approx(0.2)
    assert found.scores["b"].values == (0.05, None, 0.2, 0.35, None)
    assert found.differences["b"].tied and found.differences["b"].method.endswith("over the 3 seeds that both have")
    assert found.notes[0] == (
        "b: 2 of 5 seeds failed; its mean is of the others, which flatters it, and it is not called the best although "
        "its mean is better than that of a; a sign test, which would count failed seeds, takes at least 6 seeds here"
    )


def test_with_seeds_enough_a_failed_one_counts_against_its_configuration() -> None:
    """The sign test takes the place of the t test: a failed seed is a lost one."""
    rng = np.random.default_rng(0)
    best = rng.normal(size=10).tolist()
    worse = [None, *(value + 0.01 for value in best[1:])]
    found = judged({"best": best, "worse": worse}, mode="min").differences["worse"]
    assert found.method == "sign test (a seed failed)" and not found.tied
    assert found.p == pytest.approx(stats.binomtest(10, 10).pvalue)
    # Better wherever it succeeded, but not called the best: neither is ahead.
    mirrored = judged({"steady": best, "b": [None, *(value - 0.01 for value in best[1:])]}, mode="min")
    assert mirrored.best == "steady" and mirrored.differences["b"].tied


def test_a_seed_far_off_is_named_and_the_signs_decide() -> None:
    """One collapsed run makes a mean say little: with ten seeds the sign test still tells the two apart."""
    rng = np.random.default_rng(1)
    best = rng.normal(0, 0.1, size=10).tolist()
    worse = [value + 0.2 for value in best]
    worse[3] += 40
    found = judged(
        {"best": best, "worse": [v + e for v, e in zip(worse, rng.normal(0, 0.05, 10), strict=True)]}, mode="min"
    )
    assert (
        found.differences["worse"].method == "sign test (one seed is far off)" and not found.differences["worse"].tied
    )
    assert any(note.startswith("worse: seed 4 gave 4") and "far from its other seeds" in note for note in found.notes)


def test_equal_rounded_differences_are_no_proof() -> None:
    """Three accuracies that all differ by one image are tied: t would be infinite, the sign test knows better."""
    found = judged({"a": [0.97, 0.95, 0.96], "b": [0.96, 0.94, 0.95]}, mode="max")
    assert found.differences["b"].tied and found.differences["b"].p == pytest.approx(0.25)
    assert found.differences["b"].method == "sign test (all differences are equal)"


def test_seeds_that_make_no_difference_are_said() -> None:
    """Equal values give an interval without width, a comparison without noise, and a question."""
    found = judged({"a": [0.5] * 5, "b": [0.7] * 5, "c": [0.5] * 5}, mode="min")
    assert (found.scores["a"].low, found.scores["a"].high, found.scores["a"].sd) == (0.5, 0.5, 0.0)
    assert not found.differences["b"].tied and found.differences["b"].method == "no noise"
    assert found.best == "a" and found.differences["c"].tied
    assert "a: the seeds made no difference; does the trainable use its seed?" in found.notes


def test_nothing_succeeded() -> None:
    """Without any value there is no best; a configuration without any is never called tied."""
    found = judged({"a": [None, None], "b": [None, math.inf]}, mode="max")
    assert found.best is None and not found.differences and found.notes == ("no configuration succeeded with any seed",)
    found = judged({"a": [None, None], "b": [1.0, 2.0]}, mode="max")
    assert found.best == "b" and found.scores["a"].mean is None and not found.differences["a"].tied
    assert found.notes[0] == "a: all 2 seeds failed"


@pytest.mark.parametrize("seeds", [1, 2, 3, 9, 10])
@pytest.mark.parametrize("unit", [1e-300, 1.0, 1e299])
def test_every_number_of_seeds_and_size_of_scores_gives_json(seeds: int, unit: float) -> None:
    """No overflow, no NaN and no infinity, whatever is given; few seeds are said to be few."""
    drawn = np.random.default_rng(seeds).gamma(1.0, size=(4, seeds)) * unit
    values: dict[str, list[Any]] = labelled(drawn.tolist())
    values["b"][0] = None
    found = judged(values, mode="min")
    json.loads(json.dumps(asdict(found), allow_nan=False))
    assert any(note.startswith(f"{seeds} seed") for note in found.notes) == (seeds < 10)
    json.dumps(asdict(paired(values["a"], values["b"])), allow_nan=False)


def test_one_seed_tells_nothing_apart() -> None:
    """One value has no interval, and everything is tied."""
    found = judged({"a": [1.0], "b": [2.0]}, mode="min")
    assert found.scores["a"].low is None and found.scores["a"].sd is None and found.differences["b"].tied
    assert found.differences["b"].p is None and found.differences["b"].mean == 1.0
    assert found.notes[0].startswith("1 seed says nothing of the noise")


def test_equal_means_keep_the_order_given() -> None:
    """Of equally good ones the first is the best, so that the search's winner stays it."""
    assert judged({"b": [1.0, 2.0], "a": [2.0, 1.0]}, mode="max").best == "b"


def test_bad_input_is_refused() -> None:
    """What cannot be judged is said in full."""
    with pytest.raises(ValueError, match=r"level is 1.0; it takes a number from 0.5 to 0.999"):
        judged({"a": EVEN}, mode="min", level=1.0)
    with pytest.raises(ValueError, match=r"different numbers of seeds, \{'a': 5, 'b': 1\}; they take the same seeds"):
        judged({"a": EVEN, "b": [1.0]}, mode="min")
    with pytest.raises(ValueError, match="there is nothing to judge"):
        judged({}, mode="min")


def test_moments_are_those_of_scipy() -> None:
    """Mean, standard deviation and the adjusted skewness."""
    values = np.random.default_rng(2).gamma(2.0, size=7)
    found = moments(values.tolist())
    assert (found.mean, found.sd) == (pytest.approx(values.mean()), pytest.approx(values.std(ddof=1)))
    assert found.skewness == pytest.approx(stats.skew(values, bias=False))
