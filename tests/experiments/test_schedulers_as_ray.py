"""ASHA and MedianStopping decide as Ray's own classes do on the same finite results in the same order."""

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ray.tune.experiment import Trial
from ray.tune.schedulers import AsyncHyperBandScheduler, MedianStoppingRule, TrialScheduler

from experiments._sweep.policy import Observation
from experiments.schedulers import ASHA, MedianStopping

MODES = st.sampled_from(["min", "max"])
VALUES = st.sampled_from(["any", "few", "huge"])
SEEDS = st.integers(0, 2**32)
WORDS = {TrialScheduler.CONTINUE: "continue", TrialScheduler.PAUSE: "hold", TrialScheduler.STOP: "stop"}


def value(rng: np.random.Generator, values: str) -> float:
    """A metric: any number, one of four (so that there are ties), or one near the largest float."""
    if values == "any":
        return float(rng.normal())
    return float(rng.integers(4) / 3) if values == "few" else float(rng.choice([-1e300, 1e300, 0.0]))


def nothing_known(count: int) -> dict[int, Observation]:
    """Trials that have not reported."""
    return {number: Observation(trial=number, config={}, losses={}, ending=None) for number in range(count)}


def told(trial: Observation, epoch: int, loss: float) -> Observation:
    """The trial after one more epoch."""
    return dataclasses.replace(trial, losses={**trial.losses, epoch: loss})


def ended(trial: Observation, ending: str) -> Observation:
    """The trial after its end."""
    return dataclasses.replace(trial, ending=ending)


# ASHA


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    epochs=st.integers(2, 40),
    share=st.floats(0, 1),
    eta=st.sampled_from([2, 3, 4, 1.5, 2.5, 1.2]),
    mode=MODES,
    values=VALUES,
    seed=SEEDS,
)
def test_asha_decides_as_ray_does(  # noqa: PLR0917  # hypothesis fills them by name
    epochs: int, share: float, eta: float, mode: str, values: str, seed: int
) -> None:
    """The same finite results in the same order, modes min and max, whole and broken eta: the same decisions."""
    rng, grace = np.random.default_rng(seed), 1 + int(share * (epochs - 1))
    ours = ASHA(grace_epochs=grace, reduction_factor=eta)
    ray = AsyncHyperBandScheduler(metric="m", mode=mode, max_t=epochs, grace_period=grace, reduction_factor=eta)
    trials = nothing_known(12)
    for trial in trials:
        ray.on_trial_add(None, SimpleNamespace(trial_id=trial))
    running = list(trials)
    while running:
        trial = running[rng.integers(len(running))]
        metric, epoch = value(rng, values), len(trials[trial].losses) + 1
        loss = metric if mode == "min" else -metric
        result = {"training_iteration": epoch, "m": metric}
        theirs = WORDS[ray.on_trial_result(None, SimpleNamespace(trial_id=trial), result)]
        if epoch < epochs:
            assert ours.decide(trials, trial=trial, epoch=epoch, loss=loss, epochs=epochs).action == theirs
        trials[trial] = told(trials[trial], epoch, loss)
        if theirs == "stop":
            running.remove(trial)


# Median stopping


class RaysTrial:
    """As much of Ray's trial as its schedulers look at."""

    def __init__(self, number: int) -> None:
        self.trial_id = f"{number:04d}"
        self.number = number
        self.status = Trial.RUNNING
        self.is_saving = False
        self.last_result: dict[str, Any] = {}


@settings(max_examples=250, deadline=None, derandomize=True)
@given(
    epochs=st.integers(2, 12),
    grace=st.integers(1, 4),
    least=st.integers(1, 5),
    mode=MODES,
    values=VALUES,
    seed=SEEDS,
)
def test_the_median_stops_whom_ray_stops(  # noqa: PLR0917
    epochs: int, grace: int, least: int, mode: str, values: str, seed: int
) -> None:
    """Trials that complete, are stopped, end by themselves and fail; Ray is told of each end as its controller does.

    So the last result of a trial that completed or was stopped stands there twice, and changes the mean of those that
    ended at the epoch that is decided on: ours counts it twice as well.
    """
    rng, grace = np.random.default_rng(seed), min(grace, epochs)
    ours = MedianStopping(grace_epochs=grace, min_trials=least)
    ray = MedianStoppingRule(
        time_attr="training_iteration", metric="m", mode=mode, grace_period=grace, min_samples_required=least
    )
    nobody_waits: Any = SimpleNamespace(get_live_trials=list)
    trials, theirs = nothing_known(12), [RaysTrial(number) for number in range(12)]
    running = list(trials)
    while running:
        trial = running[rng.integers(len(running))]
        metric, epoch = value(rng, values), len(trials[trial].losses) + 1
        loss, result = (metric if mode == "min" else -metric), {"training_iteration": epoch, "m": metric}
        ending = str(rng.choice(["", "completed", "error"], p=[0.94, 0.03, 0.03])) if epoch > 1 else ""
        if not ending and epoch < epochs:
            with np.errstate(over="ignore", invalid="ignore"):
                action = WORDS[ray.on_trial_result(nobody_waits, theirs[trial], result)]
            assert ours.decide(trials, trial=trial, epoch=epoch, loss=loss, epochs=epochs).action == action
            trials[trial] = told(trials[trial], epoch, loss)
            ending = "stopped" if action == "stop" else ""
        elif not ending:
            trials[trial] = told(trials[trial], epoch, loss)
            ending = "completed"
        else:
            result = {"training_iteration": epoch - 1, "m": list(trials[trial].losses.values())[-1]}
            result["m"] = result["m"] if mode == "min" else -result["m"]
        if ending:
            running.remove(trial)
            trials[trial] = ended(trials[trial], ending)
            tell = ray.on_trial_error if ending == "error" else ray.on_trial_complete
            tell(*([None, theirs[trial]] if ending == "error" else [None, theirs[trial], result]))


def test_losses_too_far_apart_for_a_float_stop_nobody() -> None:
    """Interpolation between -1e308 and 1e308 overflows: Ray then stops every trial, here none is stopped."""
    trials = nothing_known(3)
    trials[0], trials[1] = told(trials[0], 1, -1e308), told(trials[1], 1, 1e308)
    decision = ASHA().decide(trials, trial=2, epoch=1, loss=0.0, epochs=3)
    assert (decision.action, decision.cutoff, decision.rank, decision.ahead) == ("continue", None, 2, (0,))


@pytest.mark.parametrize("ending", ["completed", "stopped"])
def test_the_last_loss_of_a_trial_that_ended_counts_twice_at_its_epoch(ending: str) -> None:
    """As in Ray: trial 0 with 0 and 3 has a mean of 2 at epoch 2, and of 0 at epoch 1; a failed one has 1.5."""
    trials = nothing_known(2)
    trials[0] = ended(told(told(trials[0], 1, 0.0), 2, 3.0), ending)
    trials[1] = told(trials[1], 1, 9.0)
    rule = MedianStopping(min_trials=1)
    assert rule.decide(trials, trial=1, epoch=2, loss=1.9, epochs=9).action == "continue"
    assert rule.decide(trials, trial=1, epoch=2, loss=2.1, epochs=9).cutoff == 2.0
    trials[0] = ended(trials[0], "error")
    assert rule.decide(trials, trial=1, epoch=2, loss=1.9, epochs=9).action == "stop"
