"""Every scheduler keeps the protocol; ASHA decides as Ray's own class does."""

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ray.tune.schedulers import AsyncHyperBandScheduler

import experiments.schedulers
from experiments._sweep.policy import Decision, Scheduler
from experiments.schedulers import ASHA, FIFO, by_name, names

EVERY = pytest.mark.parametrize("scheduler", [by_name(name) for name in names()], ids=names())

CURVES = {0: {1: 3.0, 2: 2.5, 3: 2.0}, 1: {1: 1.0, 2: 0.5, 3: 0.4}, 2: {1: 2.0}, 3: {}}


@EVERY
@pytest.mark.parametrize("epochs", [1, 2, 27, 100])
def test_a_scheduler_keeps_the_protocol(scheduler: Scheduler, epochs: int) -> None:
    """Rungs lie in the budget, words are sentences, decisions are pure and known, the first results go on."""
    assert isinstance(scheduler, Scheduler)
    assert scheduler.faults(epochs) == []
    rungs = scheduler.rungs(epochs)
    assert list(rungs) == sorted({rung for rung in rungs if 1 <= rung < epochs})
    assert all(sentence.endswith(".") for sentence in scheduler.in_words(epochs))
    for epoch in range(1, epochs):
        assert scheduler.decide({}, trial=0, epoch=epoch, loss=1e300, epochs=epochs).action == "continue"
        again = [scheduler.decide(CURVES, trial=9, epoch=epoch, loss=0.45, epochs=epochs) for _ in range(2)]
        assert again[0] == again[1]
        assert (again[0].rung == epoch) == (epoch in rungs)
    assert scheduler.promotable(CURVES, {}, epochs=epochs, more_to_come=False) is None


def test_fifo_never_stops() -> None:
    """The worst trial trains its whole budget."""
    assert FIFO().decide(CURVES, trial=9, epoch=1, loss=1e9, epochs=27) == Decision(action="continue")
    assert FIFO().in_words(27) == ["Every trial trains its whole budget of 27 epochs."]


@pytest.mark.parametrize(
    ("asha", "epochs", "rungs"),
    [
        (ASHA(), 27, (1, 3, 9)),
        (ASHA(), 28, (1, 3, 9, 27)),
        (ASHA(grace_epochs=2, reduction_factor=4), 40, (2, 8, 32)),
        (ASHA(reduction_factor=2.5), 30, (1, 3, 7, 16)),
        (ASHA(grace_epochs=5), 5, ()),
    ],
)
def test_rungs_by_hand(asha: ASHA, epochs: int, rungs: tuple[int, ...]) -> None:
    """The rungs r eta^k, at the first epoch not below them; none at the budget, where a trial is complete anyway."""
    assert asha.rungs(epochs) == rungs


def test_a_decision_tells_rank_and_cutoff() -> None:
    """At rung 1 were the losses 3, 1, 2: the best third ends at 1.667, so 1.5 goes on as second and 1.7 does not."""
    goes_on = ASHA().decide(CURVES, trial=9, epoch=1, loss=1.5, epochs=27)
    assert goes_on == Decision(action="continue", rung=1, rank=2, of=4, cutoff=pytest.approx(5 / 3))
    assert ASHA().decide(CURVES, trial=9, epoch=1, loss=1.7, epochs=27).action == "stop"
    assert ASHA().decide(CURVES, trial=9, epoch=2, loss=9.0, epochs=27) == Decision(action="continue")
    assert ASHA().decide(CURVES, trial=9, epoch=9, loss=9.0, epochs=27).cutoff is None


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    epochs=st.integers(2, 40),
    share=st.floats(0, 1),
    eta=st.sampled_from([2, 3, 4, 1.5, 2.5, 1.2]),
    mode=st.sampled_from(["min", "max"]),
    values=st.sampled_from(["any", "few", "huge"]),
    seed=st.integers(0, 2**32),
)
def test_asha_decides_as_ray_does(  # noqa: PLR0917  # hypothesis fills them by name
    epochs: int, share: float, eta: float, mode: str, values: str, seed: int
) -> None:
    """The same finite results in the same order, modes min and max, whole and broken eta: the same decisions."""
    rng, grace = np.random.default_rng(seed), 1 + int(share * (epochs - 1))
    draw = {"any": rng.normal, "few": lambda: rng.integers(4) / 3, "huge": lambda: rng.choice([-1e300, 1e300, 0.0])}
    ours = ASHA(grace_epochs=grace, reduction_factor=eta)
    ray = AsyncHyperBandScheduler(metric="m", mode=mode, max_t=epochs, grace_period=grace, reduction_factor=eta)
    losses: dict[int, dict[int, float]] = {trial: {} for trial in range(12)}
    for trial in losses:
        ray.on_trial_add(None, SimpleNamespace(trial_id=trial))
    running = list(losses)
    while running:
        trial = running[rng.integers(len(running))]
        metric, epoch = float(draw[values]()), len(losses[trial]) + 1
        loss = metric if mode == "min" else -metric
        theirs = _ray_decides(ray, trial, epoch, metric)
        if epoch < epochs:
            assert ours.decide(losses, trial=trial, epoch=epoch, loss=loss, epochs=epochs).action == theirs
        losses[trial][epoch] = loss
        if theirs == "stop":
            running.remove(trial)


def _ray_decides(ray: Any, trial: int, epoch: int, metric: float) -> str:
    result = {"training_iteration": epoch, "m": metric}
    action = ray.on_trial_result(None, SimpleNamespace(trial_id=trial), result)
    return "stop" if action == "STOP" else "continue"


def test_losses_too_far_apart_for_a_float_stop_nobody() -> None:
    """Interpolation between -1e308 and 1e308 overflows: Ray then stops every trial, here none is stopped."""
    losses = {0: {1: -1e308}, 1: {1: 1e308}}
    decision = ASHA().decide(losses, trial=2, epoch=1, loss=0.0, epochs=3)
    assert (decision.action, decision.cutoff, decision.rank) == ("continue", None, 2)


def test_asha_says_what_it_will_do() -> None:
    """The words of `sweep show`."""
    assert ASHA().in_words(27) == [
        (
            "After epochs 1, 3 and 9: a trial goes on if it is among the best third of those that got there so far, "
            "otherwise it is stopped."
        ),
        "The first trial to get there always goes on.",
        "Trials that are never stopped train the whole budget of 27 epochs.",
    ]
    assert (
        ASHA(reduction_factor=2.5, grace_epochs=2)
        .in_words(3)[0]
        .startswith("After epoch 2: a trial goes on if it is among the best 1/2.5 of those that got there so far")
    )
    assert ASHA().in_words(1) == [
        "No epoch of comparison lies below the budget: all trials train the whole budget of 1 epoch."
    ]


@pytest.mark.parametrize(
    ("asha", "words"),
    [
        (
            ASHA(grace_epochs=30),
            (
                "scheduler.grace_epochs: 30 is more than the budget of 27 epochs; it must be from 1 to 27. "
                "Lower it, or raise epochs."
            ),
        ),
        (
            ASHA(grace_epochs=0),
            "scheduler.grace_epochs: 0 is not a number of epochs; it must be a whole number of at least 1.",
        ),
        (ASHA(grace_epochs=1.5), "scheduler.grace_epochs: 1.5 is not a number of epochs"),  # type: ignore[arg-type]
        (ASHA(grace_epochs=True), "scheduler.grace_epochs: True is not a number of epochs"),
        (
            ASHA(reduction_factor=1),
            (
                "scheduler.reduction_factor: 1 is given, a finite number of at least 1.1 is needed: one trial in so "
                "many goes on at each rung. Use 2, 3 or 4."
            ),
        ),
        (ASHA(reduction_factor="3"), "scheduler.reduction_factor: '3' is given"),  # type: ignore[arg-type]
        (ASHA(reduction_factor=float("nan")), "scheduler.reduction_factor: nan is given"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(asha: ASHA, words: str) -> None:
    """One fault each, in full, and no rungs from them."""
    (fault,) = asha.faults(27)
    assert words in fault
    with pytest.raises(ValueError, match=re.escape(words)):
        asha.rungs(27)


def test_faults_are_told_at_once() -> None:
    """Two wrong parameters give two sentences."""
    assert len(ASHA(grace_epochs=0, reduction_factor=0).faults(9)) == 2


def test_schedulers_are_found_by_name() -> None:
    """Any case of letters; a near miss is told the nearest, and every name."""
    assert by_name("ASHA") == ASHA()
    assert by_name("fifo") == FIFO()
    with pytest.raises(ValueError, match=r"^unknown scheduler 'ashaa': there are asha, fifo\. Did you mean 'asha'\?$"):
        by_name("ashaa")
    with pytest.raises(ValueError, match=r"^unknown scheduler '\.\./x': there are asha, fifo\.$"):
        by_name("../x")
    with pytest.raises(AttributeError, match="has no attribute 'Ashaa'; it has: ASHA, FIFO"):
        _ = experiments.schedulers.Ashaa  # type: ignore[attr-defined]
