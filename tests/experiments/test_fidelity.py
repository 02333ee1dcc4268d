"""Losses of trials that early stopping left at different epochs come to one scale."""

import copy
import math
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments._sweep.policy import Observation
from experiments.searchers._fidelity import comparable

INFINITY = math.inf


def trial(number: int, losses: list[float] | dict[int, float], ending: str | None = "completed") -> Observation:
    """A trial with these losses after its epochs 1, 2, ..."""
    by_epoch = losses if isinstance(losses, dict) else dict(enumerate(losses, start=1))
    return Observation(trial=number, config={}, losses=by_epoch, ending=ending)


LOSSES = st.floats(-1e3, 1e3).map(lambda loss: round(loss, 3))
ENDINGS = st.sampled_from(["completed", "stopped", None, "diverged", "error", "out_of_memory", "timed_out", "lost"])
TRIALS = st.lists(
    st.tuples(st.lists(LOSSES, max_size=6), ENDINGS, st.sampled_from(["best", "last"])), min_size=1, max_size=25
).map(
    lambda parts: [
        replace(trial(number, losses, ending), counts=counts) for number, (losses, ending, counts) in enumerate(parts)
    ]
)
EXAMPLES = settings(max_examples=100, deadline=None, derandomize=True)


@EXAMPLES
@given(told=TRIALS)
def test_every_trial_that_says_something_has_a_score(told: list[Observation]) -> None:
    """Failures are infinite, trials without a loss absent, all others finite; nothing that was given changes."""
    before = copy.deepcopy(told)
    scores = comparable(told)
    assert told == before
    assert comparable(told) == scores
    for observation in told:
        if observation.ending not in ("completed", "stopped", None):
            assert scores[observation.trial] == INFINITY
        elif observation.losses:
            assert math.isfinite(scores[observation.trial])
        else:
            assert observation.trial not in scores


@EXAMPLES
@given(told=TRIALS)
def test_without_early_stopping_a_score_is_the_loss(told: list[Observation]) -> None:
    """To the last digit, also where trials completed after different numbers of epochs."""
    completed = [replace(observation, ending="completed") for observation in told if observation.losses]
    assert comparable(completed) == {observation.trial: observation.loss() for observation in completed}


@EXAMPLES
@given(told=TRIALS, slope=st.sampled_from([0.01, 0.5, 3.0, 1e4]), offset=st.floats(-100, 100))
def test_another_unit_of_the_loss_changes_the_unit_of_the_scores(
    told: list[Observation], slope: float, offset: float
) -> None:
    """Scores of slope * loss + offset are slope * score + offset: percent or shares, the order is the same."""
    changed = [
        replace(each, losses={epoch: slope * loss + offset for epoch, loss in each.losses.items()}) for each in told
    ]
    scores, others = comparable(told), comparable(changed)
    largest = max((abs(score) for score in scores.values() if score < INFINITY), default=0.0) + 1e3
    assert others.keys() == scores.keys()
    for number, score in scores.items():
        assert others[number] == pytest.approx(slope * score + offset, rel=1e-6, abs=1e-6 * (slope * largest + 100))


@EXAMPLES
@given(told=TRIALS)
def test_trials_that_stand_at_the_same_epoch_keep_their_order(told: list[Observation]) -> None:
    """What was comparable before stays as it was."""
    scores = comparable(told)
    for each in told:
        for other in told:
            if each.ending == other.ending == "stopped" and len(each.losses) == len(other.losses) > 0:
                assert (each.loss() <= other.loss()) == (scores[each.trial] <= scores[other.trial])


def _cut(curves: list[list[float]], rungs: list[int]) -> list[Observation]:
    """What is seen of curves when at each rung the better third of those that got there goes on."""
    alive, stands = list(range(len(curves))), [len(curves[0])] * len(curves)
    for rung in rungs:
        order = sorted(alive, key=lambda number: min(curves[number][:rung]))
        alive = order[: math.ceil(len(order) / 3)]
        for number in order[len(alive) :]:
            stands[number] = rung
    return [
        trial(number, curve[:stand], "completed" if stand == len(curve) else "stopped")
        for number, (curve, stand) in enumerate(zip(curves, stands, strict=True))
    ]


def test_scores_of_cut_trials_tell_what_they_would_have_reached() -> None:
    """Of 81 curves that only scale with the epoch, each score is near the loss that the whole curve ends with."""
    rng = np.random.default_rng(0)
    ends = rng.uniform(0.1, 2.0, 81)
    curves = [[end * (1 + 8 / epoch) for epoch in range(1, 28)] for end in ends]
    told = _cut(curves, [1, 3, 9])
    scores = comparable(told)
    losses = np.array([curve[-1] for curve in curves])
    linked = np.array([scores[number] for number in range(81)])
    assert np.corrcoef(linked, losses)[0, 1] > 0.999
    naive = np.array([observation.loss() for observation in told])
    assert np.mean(np.abs(linked - losses)) < np.mean(np.abs(naive - losses)) / 10


def test_a_trial_that_nobody_was_compared_with_is_no_better_than_its_losses() -> None:
    """The first trials under ASHA go on for lack of company: poor at epoch 1, they stay behind good ones cut there."""
    told = [
        trial(0, [9.0, 8.5, 8.0], "stopped"),
        trial(1, [2.0, 1.8, 1.7], "stopped"),
        trial(2, [1.0, 0.9, 0.8]),
        trial(3, [1.5], "stopped"),
        trial(4, [5.0], "stopped"),
    ]
    scores = comparable(told)
    assert sorted(scores, key=scores.__getitem__) == [2, 3, 1, 4, 0]


def test_running_trials_count_at_the_epoch_they_are_at() -> None:
    """After one epoch with the loss that the later best had then, a running trial is as good as that one."""
    curves = [[loss + 2, loss + 1, loss] for loss in (1.0, 2.0, 3.0, 4.0)]
    told = [trial(number, curve) for number, curve in enumerate(curves)]
    scores = comparable([*told, trial(4, [3.0], None), trial(5, [5.5, 4.5], None), trial(6, [], None)])
    assert scores == {0: 1.0, 1: 2.0, 2: 3.0, 3: 4.0, 4: pytest.approx(1.0), 5: pytest.approx(3.5)}


def test_the_last_loss_counts_where_it_is_an_estimate_from_all() -> None:
    """Estimates from folds: a lucky first fold is not what a trial is worth."""
    told = [
        replace(trial(number, losses), counts="last")
        for number, losses in enumerate([[0.1, 0.9], [0.5, 0.4], [0.6, 0.3]])
    ]
    assert comparable(told) == {0: 0.9, 1: 0.4, 2: 0.3}


def test_one_outlier_does_not_move_the_others() -> None:
    """A finite but enormous loss leaves the scores of the others where they were, nearly."""
    curves = [[loss + 2, loss + 1, loss] for loss in np.linspace(1, 3, 15)]
    told = [trial(number, curve) for number, curve in enumerate(curves)]
    told += [trial(20 + number, [loss + 2], "stopped") for number, loss in enumerate(np.linspace(1, 3, 15))]
    plain, scores = comparable(told), comparable([*told, trial(99, [1e30, 1e30, 1e30])])
    assert max(abs(scores[number] - plain[number]) for number in plain) < 0.3


def test_losses_near_the_largest_float_stay_finite() -> None:
    """They come out ordered or equal, never as NaN."""
    scores = comparable(
        [trial(0, [1e308, -1e308]), trial(1, [-1e308, -1.5e308]), trial(2, [1.7e308], "stopped"), trial(3, [0.0], None)]
    )
    assert all(map(math.isfinite, scores.values()))


def test_a_thousand_trials_take_less_than_fifty_milliseconds() -> None:
    """It is computed anew for every proposal."""
    rng = np.random.default_rng(0)
    told = [trial(number, rng.normal(size=27).tolist()[: 1 + number % 27], "stopped") for number in range(1000)]
    comparable(told)
    start = time.process_time()
    comparable(told)
    assert time.process_time() - start < 0.05
