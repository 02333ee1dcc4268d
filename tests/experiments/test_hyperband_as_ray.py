"""HyperBand decides as Ray's own class does on the same finite results in the same order."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from ray.tune.experiment import Trial
from ray.tune.schedulers import HyperBandScheduler, TrialScheduler

from experiments._sweep.policy import Observation
from experiments.schedulers import HyperBand
from tests.experiments.test_schedulers_as_ray import MODES, SEEDS, VALUES, WORDS, RaysTrial, ended, told, value


@dataclass
class Ray:
    """Ray's HyperBand and as much of its controller as it needs."""

    scheduler: HyperBandScheduler
    trials: list[RaysTrial] = field(default_factory=list)
    fates: dict[int, str] = field(default_factory=dict)
    """Who was stopped, or told to go on, at the last event."""

    def stop_trial(self, trial: RaysTrial) -> None:
        """Stop a trial, as Ray's controller does."""
        if trial.status in (Trial.TERMINATED, Trial.ERROR):
            return
        paused, trial.status = trial.status == Trial.PAUSED, Trial.TERMINATED
        self.fates[trial.number] = "stop"
        if paused:
            self.scheduler.on_trial_remove(self, trial)
        else:
            self.scheduler.on_trial_complete(self, trial, trial.last_result)

    def add(self, number: int) -> int:
        """A new trial; the number of its bracket."""
        self.trials.append(RaysTrial(number))
        self.scheduler.on_trial_add(self, self.trials[-1])
        bracket, _ = self.scheduler._trial_info[self.trials[-1]]
        return [each for band in self.scheduler._hyperbands for each in band if each].index(bracket)

    def reports(self, number: int, epoch: int, metric: float) -> dict[int, str]:
        """The fates that a result decides."""
        trial, self.fates = self.trials[number], {}
        trial.last_result = {"training_iteration": epoch, "m": metric}
        action = self.scheduler.on_trial_result(self, trial, trial.last_result)
        if action == TrialScheduler.STOP:
            self.stop_trial(trial)
        elif action == TrialScheduler.PAUSE:
            trial.status = Trial.PAUSED
        return self._settled({} if action == TrialScheduler.PAUSE else {number: WORDS[action]})

    def leaves(self, number: int, ending: str) -> dict[int, str]:
        """The fates that an end decides."""
        trial, self.fates = self.trials[number], {}
        trial.status = Trial.ERROR if ending == "error" else Trial.TERMINATED
        if ending == "error":
            self.scheduler.on_trial_error(self, trial)
        else:
            self.scheduler.on_trial_complete(self, trial, trial.last_result)
        return self._settled({})

    def _settled(self, fates: dict[int, str]) -> dict[int, str]:
        for bracket in self.brackets:
            bracket.is_being_processed = False  # Ray never takes it down, and then waits for ever for who failed
            for trial in list(bracket.trials_to_unpause):
                if trial.status == Trial.PAUSED:
                    trial.status, self.fates[trial.number] = Trial.RUNNING, "continue"
        return {**self.fates, **fates}

    @property
    def brackets(self) -> list[Any]:
        """Its brackets."""
        return [bracket for band in self.scheduler._hyperbands for bracket in band if bracket]

    def unjudged(self, number: int) -> bool:
        """Whether nobody of its bracket was judged yet."""
        bracket, _ = self.scheduler._trial_info[self.trials[number]]
        return bool(bracket._n == bracket._n0)

    def would_judge_too_early(self, number: int, epoch: int | None) -> bool:
        """Whether a bracket that is not full would be judged by this trial's result, or its end (None)."""
        bracket, _ = self.scheduler._trial_info[self.trials[number]]
        others = [trial for trial in bracket._live_trials if trial.number != number]
        there = all(trial.last_result.get("training_iteration", 0) >= bracket._cumul_r for trial in others)
        size = len(bracket._live_trials) - (epoch is None)
        unfilled = bracket is self.brackets[-1] and size < bracket._n
        return unfilled and there and (epoch is None or epoch >= bracket._cumul_r)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    shape=st.sampled_from([(4, 2), (8, 2), (9, 3), (16, 4), (10, 3), (7, 2), (20, 3), (12, 2.5), (27, 3)]),
    count=st.integers(1, 45),
    up_front=st.booleans(),
    failing=st.booleans(),
    mode=MODES,
    values=VALUES,
    seed=SEEDS,
)
def test_hyperband_decides_as_ray_does(  # noqa: PLR0917
    shape: tuple[int, float], count: int, up_front: bool, failing: bool, mode: str, values: str, seed: int
) -> None:
    """The same brackets and the same fates after each result and each failure, at the same moment.

    All trials are added up front, or one by one where Ray would otherwise judge a bracket before it is full, which it
    always does and ours never while new trials are to come. Where the budget is no power of eta, Ray stops the last of
    a bracket at its last milestone unless `stop_last_trials=False`.
    """
    epochs, eta = shape
    rng, ours = np.random.default_rng(seed), HyperBand(reduction_factor=eta)
    power = shape in ((4, 2), (8, 2), (9, 3), (16, 4), (27, 3))
    ray = Ray(HyperBandScheduler(metric="m", mode=mode, max_t=epochs, reduction_factor=eta, stop_last_trials=power))
    trials: dict[int, Observation] = {}
    held: dict[int, int] = {}

    def add() -> None:
        bracket = ours.bracket(trials, epochs=epochs)
        number = len(trials)
        assert ray.add(number) == bracket
        trials[number] = Observation(trial=number, config={}, losses={}, ending=None, bracket=bracket)

    def fates(decided: dict[int, str]) -> dict[int, str]:
        judged = ours.judge(trials, held, epochs=epochs, more_to_come=len(trials) < count)
        for number, action in {**decided, **{number: each.action for number, each in judged.items()}}.items():
            decided[number] = action
            held.pop(number, None)
            if action == "stop":
                trials[number] = ended(trials[number], "stopped")
        return decided

    def may_fail(number: int) -> bool:
        """Where a trial is still to come, Ray would put it into a bracket that was judged, to fill it up again."""
        return len(trials) == count or trials[number].bracket != trials[len(trials) - 1].bracket or ray.unjudged(number)

    while len(trials) < count and up_front:
        add()
    while True:
        running = [number for number, each in trials.items() if each.ending is None and number not in held]
        if not running and len(trials) == count:
            break
        number = running[rng.integers(len(running))] if running else -1
        fails = bool(running) and failing and rng.random() < 0.05
        epoch = len(trials[number].losses) + 1 if running else 0
        early = bool(running) and ray.would_judge_too_early(number, None if fails else epoch)
        if len(trials) < count and (early or not running or rng.random() < 0.2):
            add()
        elif fails and may_fail(number):
            ending = "completed" if epoch > 1 and len(trials) == count and rng.random() < 0.5 else "error"
            trials[number] = ended(trials[number], ending)
            assert ray.leaves(number, ending) == fates({})
        else:
            metric = value(rng, values)
            loss = metric if mode == "min" else -metric
            decided: dict[int, str] = {}
            if epoch < epochs:  # at the budget a trial is complete, and nobody is asked
                action = ours.decide(trials, trial=number, epoch=epoch, loss=loss, epochs=epochs).action
                decided = {number: action} if action != "hold" else {}
                held |= {number: epoch} if action == "hold" else {}
            trials[number] = told(trials[number], epoch, loss)
            if epoch == epochs:
                trials[number] = ended(trials[number], "completed")
            else:
                assert ray.reports(number, epoch, metric) == fates(decided)
    assert not held
