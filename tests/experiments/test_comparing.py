"""Two runs compared to the bit, and how far apart they are in seed noise: pure functions."""

import math
from typing import Any

import numpy as np
import pytest

from experiments._sweep.derived.replay.answering import Replayed, answer_of
from experiments._sweep.derived.replay.comparing import Run, compared
from experiments._sweep.derived.replay.seed_noise import Noise, deviations, distance
from experiments._sweep.derived.replay.suspecting import Suspect
from experiments._sweep.views.replay import apart, replay_lines


def run(*losses: float, ending: str = "completed", why: str = "", **others: Any) -> Run:
    """A run that reported the losses, and the same others at each epoch."""
    records = [{"epoch": epoch, "loss": loss, **others} for epoch, loss in enumerate(losses, 1)]
    return Run(records=records, ending=ending, why=why)


@pytest.mark.parametrize(
    ("then", "now", "equal"),
    [
        (run(1.0, 0.5), run(1.0, 0.5), True),
        (run(1.0, 0.5), run(1.0, math.nextafter(0.5, 1)), False),
        (run(1.0, math.nan, ending="diverged"), run(1.0, math.nan, ending="diverged"), True),
        (run(math.inf), run(-math.inf), False),
        (run(0.0), run(-0.0), False),
        (run(1.0, seconds=3.0, samples_per_second=7.0), run(1.0, seconds=4.0, samples_per_second=8.0), True),
        (run(1.0, name="a", flag=True), run(1.0, name="b", flag=False), True),  # no numbers
        (run(1.0, old=3.0), run(1.0, new=4.0), True),  # another version may report other metrics
        (run(1.0, accuracy=0.1), run(1.0, accuracy=0.2), False),
        (run(1.0, 0.5), run(1.0), False),
        (run(1.0), run(1.0, 0.5), False),
        (run(1.0, ending="stopped"), run(1.0, ending="stopped"), True),
        (run(1.0, ending="interrupted"), run(1.0, ending="stopped"), True),
        (run(1.0, ending="held"), run(1.0, ending="error"), False),
        (run(1.0, ending="completed"), run(1.0, ending="stopped"), False),
        (run(ending="error", why="OSError: at 0x1"), run(ending="error", why="OSError: at 0x2"), True),
        (run(ending="error", why="OSError: a"), run(ending="error", why="ValueError: a"), False),
        (run(ending="error"), run(ending="out_of_memory"), False),
    ],
)
def test_equal_means_every_bit_of_every_number_and_the_same_ending(then: Run, now: Run, equal: bool) -> None:
    """Times are left out, NaN is NaN, and who was cut from outside might have gone on."""
    assert compared(then, now, "loss").equal is equal


def test_the_first_difference_is_told_in_the_sweeps_metric_where_it_differs_there() -> None:
    """And the largest one is relative to the larger of the two."""
    then, now = run(1.0, 0.5, 0.4), run(1.0, 0.5, 0.5)
    then.records[1]["a"], now.records[1]["a"] = 1.0, 2.0  # type: ignore[index]
    then.records[2]["a"], now.records[2]["a"] = 1.0, 2.0  # type: ignore[index]
    found = compared(then, now, "loss")
    assert found.first is not None
    assert (found.first.epoch, found.first.metric) == (2, "a")
    assert found.metrics == ("loss", "a") and found.largest == pytest.approx(0.2)
    later = compared(run(1.0, 0.4, a=1.0), run(1.0, 0.5, a=1.0), "loss").first
    assert later is not None and (later.epoch, later.metric, later.then, later.now) == (2, "loss", 0.4, 0.5)


@pytest.mark.parametrize(
    ("ending", "epochs", "last"),
    [("stopped", 3, 3), ("held", 3, 3), ("completed", 3, 4), ("error", 3, 4), ("error", 0, 1), ("lost", 0, 1)],
)
def test_a_replay_is_stopped_where_the_trial_was_cut(ending: str, epochs: int, last: int) -> None:
    """One that ended by itself may go one epoch further, which shows that it did not end there again."""
    assert run(*([1.0] * epochs), ending=ending).last_epoch == last


def noise(*curves: list[float | None]) -> Noise:
    """The noise of runs with these curves."""
    return Noise(origin="confirm-1", runs=len(curves), splits=True, deviations=deviations(curves))


def test_noise_needs_three_finite_values_at_an_epoch() -> None:
    """It is the standard deviation of a sample; runs that ended early count as far as they got."""
    found = noise([1.0, 5.0, 1.0], [2.0, None, 2.0], [3.0, 6.0]).deviations
    assert found == {1: 1.0}
    assert distance([1.0], [1.0], noise([1.0], [2.0]), 1) is None


def test_distance_is_in_standard_deviations_of_a_difference() -> None:
    """At the epoch that counts, and over the curve; what is not finite is infinitely far."""
    known = noise([1.0, 1.0], [2.0, 2.0], [3.0, 3.0])
    found = distance([5.0, 5.0], [5.0, 5.0 + math.sqrt(2)], known, 2)
    assert found is not None and found.counted == pytest.approx(1.0) and found.curve == pytest.approx(math.sqrt(0.5))
    assert found.within
    far = distance([5.0, None], [5.0, 5.0], known, 1)
    assert far is not None and far.counted == 0.0 and math.isinf(far.curve) and not far.within
    same = distance([1.0], [1.1], noise([1.0], [1.0], [1.0]), None)
    assert same is not None and math.isinf(same.curve) and same.counted is None


def test_another_seed_is_within_noise_about_as_often_as_it_says() -> None:
    """Curves whose epochs go together, three copies: 96 % were measured on digits."""
    rng = np.random.default_rng(0)

    def curve() -> list[float | None]:
        level = float(rng.normal())
        return [1 / epoch + 0.1 * level + 0.1 * float(rng.normal()) for epoch in range(1, 21)]

    within = 0
    for _ in range(300):
        found = distance(curve(), curve(), noise(curve(), curve(), curve()), 12)
        assert found is not None
        within += found.within
    assert 0.90 <= within / 300 <= 1.0


def told(then: Run, now: Run, found: Noise | str = "", *suspects: Suspect) -> dict[str, Any]:
    """The answer of a replay of trial 17."""
    asked = Replayed(
        sweep="made",
        trial=17,
        replay="replay-17",
        metric="loss",
        then=then,
        now=now,
        counted=2,
        comparison=compared(then, now, "loss"),
        suspects=suspects,
        noise=found,
    )
    return answer_of(asked)


TORCH = Suspect(kind="version", text="torch 2.14.0 then, 2.14.1 now", evidence=True)
CODE = Suspect(kind="code", text="other code of the trainable", evidence=False)
CHANCE = Suspect(kind="nondeterminism", text="an operation that is not deterministic", evidence=False)
WIDE = noise([1.0, 1.0], [2.0, 2.0], [3.0, 3.0])
NARROW = noise([1.0, 1.0], [1.0002, 1.0002], [1.0004, 1.0004])
FAILED = "ValueError: too far"


@pytest.mark.parametrize(
    ("answer", "verdict", "sentence"),
    [
        (
            told(run(1.0, 0.5), run(1.0, 0.5)),
            "equal",
            "trial 17 trained again is equal to the bit: 2 epochs, 1 metric.",
        ),
        (
            told(run(1.0, 0.0412), run(1.0, 0.0413), WIDE, TORCH, CODE),
            "within noise",
            (
                "trial 17 first differs at epoch 2 (loss 0.0412 then, 0.0413 now), within seed noise (below 0.1 "
                "standard deviations at epoch 2, below 0.1 over the curve); candidates: torch 2.14.0 then, 2.14.1 now."
            ),
        ),
        (
            told(run(1.0, 0.0412), run(1.0, 0.0413), NARROW, CODE, CHANCE),
            "within noise",
            (
                "trial 17 first differs at epoch 2 (loss 0.0412 then, 0.0413 now), within seed noise (0.4 standard "
                "deviations at epoch 2, 0.3 over the curve); nothing that is recorded has changed, which leaves other "
                "code of the trainable or an operation that is not deterministic."
            ),
        ),
        (
            told(run(1.0, 0.5), run(1.0, 0.6), NARROW, TORCH),
            "beyond noise",
            (
                "trial 17 first differs at epoch 2 (loss 0.5 then, 0.6 now), beyond seed noise (353.6 standard "
                "deviations at epoch 2, 250.0 over the curve); candidates: torch 2.14.0 then, 2.14.1 now."
            ),
        ),
        (
            told(run(1.0), run(1.1), "made_up takes no 'seed'", TORCH),
            "noise unknown",
            (
                "trial 17 first differs at epoch 1 (loss 1 then, 1.1 now), and whether that is seed noise is not "
                "known: made_up takes no 'seed'; candidates: torch 2.14.0 then, 2.14.1 now."
            ),
        ),
        (
            told(run(1.0, a=1.0), run(1.0, a=2.0), "", TORCH),
            "within noise",
            (
                "trial 17 first differs at epoch 1 (a 1 then, 2 now), while loss is equal to the bit throughout; "
                "candidates: torch 2.14.0 then, 2.14.1 now."
            ),
        ),
        (
            told(run(1.0, 0.5), run(1.0, ending="error", why=FAILED), "", TORCH),
            "ended otherwise",
            (
                "trial 17 trained again is equal to the bit: 1 epoch, 1 metric, and ended otherwise: completed after 2 "
                "epochs then, error after 1 epoch (ValueError: too far) now; candidates: torch 2.14.0 then, 2.14.1 now."
            ),
        ),
        (
            told(run(1.0, ending="error", why=FAILED), run(1.0, ending="error", why=FAILED)),
            "equal",
            (
                "trial 17 trained again is equal to the bit: 1 epoch, 1 metric, and it ended the same way (error: "
                "ValueError: too far)."
            ),
        ),
        (
            told(run(ending="error", why=FAILED), run(ending="error", why=FAILED)),
            "equal",
            "trial 17 trained again ended the same way (error: ValueError: too far) before its first epoch.",
        ),
    ],
)
def test_the_answer_in_one_sentence(answer: dict[str, Any], verdict: str, sentence: str) -> None:
    """What differs first, whether that matters, and what may be why."""
    assert (answer["verdict"], answer["answer"]) == (verdict, sentence)
    assert list(replay_lines(answer))[-1] == sentence


def test_the_curves_are_shown_around_the_first_difference() -> None:
    """With the epoch that counts and the last, and as many digits as it takes; no line moves the cursor."""
    then = run(3.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, math.nan)
    now = run(3.0, 1.0, 2.0, 2.0, 2.000001, 2.1, 2.0, 2.0, 2.0)
    lines = list(replay_lines(told(then, now, "\x1b[2Jodd", CHANCE)))
    assert lines[:-1] == [
        "epoch  loss then       now",
        "    2          1         1  counts for the trial",
        "    3          2         2",
        "    4          2         2",
        "    5          2  2.000001  first differs",
        "    6          2       2.1",
        "    7          2         2",
        "    9        nan         2",
        "largest relative difference of loss: inf",
    ]
    assert "\x1b" not in lines[-1]
    assert apart(0.1, 0.1) == ("0.1", "0.1") and apart(0.3, 0.1 + 0.2)[1] == "0.30000000000000004"
