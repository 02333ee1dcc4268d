"""Seconds of one suggestion after 10 to 1,000 trials, beside what the libraries themselves take.

CPU seconds on one thread, so that other work on the machine does not count. Three suggestions in a row, each with one
trial more; the first of them knows nothing of any before, as after `sweep resume`.
"""

from __future__ import annotations

import statistics
import sys
import time
import warnings
from typing import TYPE_CHECKING

import numpy as np

from experiments import searchers
from experiments._sweep.policy import Observation
from scripts.benchmarks.search.problems import problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OURS = ("random", "hyperopt", "bayesopt")
LIBRARIES = ("hyperopt-library", "bayesopt-library")
TIMED = (*OURS, *LIBRARIES)
TARGET_S = {300: 1.0, 1000: 2.0}
"""The most that the slowest of the three suggestions may take after so many trials."""

_TRIALS = (10, 100, 300, 1000)
_SUGGESTIONS = 3


def measure(timed: Sequence[str]) -> int:
    """Print the median and the slowest suggestion; return 0 when all targets are met, else 1."""
    missed = []
    for space in ("hartmann6", "network"):
        print(f"{space}: CPU seconds of a suggestion, median (slowest) of {_SUGGESTIONS}")
        print(f"  {'searcher':<18}" + "".join(f"{f'{trials} trials':>20}" for trials in _TRIALS))
        for name in timed:
            if name in LIBRARIES and space == "network":
                continue  # what the libraries themselves do with integers and choices is another matter
            cells = []
            for trials in _TRIALS:
                print(f"{space}, {name}, {trials} trials", file=sys.stderr, flush=True)
                seconds = _timed(name, space, trials)
                cells.append(f"{statistics.median(seconds):>10.4f} ({max(seconds):.4f})".rjust(20))
                if name in OURS and max(seconds) >= TARGET_S.get(trials, float("inf")):
                    missed.append(f"{name} on {space} after {trials} trials: {max(seconds):.2f} s")
            print(f"  {name:<18}" + "".join(cells), flush=True)
    targets = ", ".join(f"after {trials} trials below {seconds:g} s" for trials, seconds in TARGET_S.items())
    print(f"slowest suggestion {targets}: {'MISSED' if missed else 'reached'}")
    for line in missed:
        print(f"  {line}")
    return 1 if missed else 0


def _timed(name: str, space: str, trials: int) -> list[float]:
    """Return the seconds of suggestions in a row."""
    makers = {"hyperopt-library": _hyperopt_library, "bayesopt-library": _bayesopt_library}
    observations = _random_trials(space, trials + _SUGGESTIONS)
    suggest = makers[name](observations) if name in makers else _ours(name, space, observations)
    suggest(5)  # imports, and whatever else is done once
    seconds = []
    for known in range(trials, trials + _SUGGESTIONS):
        start = time.process_time()
        suggest(known)
        seconds.append(time.process_time() - start)
    return seconds


def _random_trials(space: str, count: int) -> list[Observation]:
    """Return completed trials of one epoch with random configurations."""
    of, rng = problem(space), np.random.default_rng(count)
    drawn = [of.space.configuration(of.space.draw(rng)) for _ in range(count)]
    return [
        Observation(trial=trial, config=config, losses={1: of.value(config) or 0.0}, ending="completed")
        for trial, config in enumerate(drawn)
    ]


def _ours(name: str, space: str, observations: list[Observation]) -> Callable[[int], object]:
    """Return a suggestion of this package after the first so many trials."""
    searcher, of = searchers.by_name(name), problem(space)
    return lambda known: searcher.propose(of.space, observations[:known], trial=known, seed=0)


def _hyperopt_library(observations: list[Observation]) -> Callable[[int], object]:
    """Return hyperopt's own suggestion, as its `fmin` asks for it."""
    from hyperopt import JOB_STATE_DONE, STATUS_OK, Trials, hp, tpe
    from hyperopt.base import Domain

    keys = list(observations[0].config)
    domain = Domain(lambda _config: 0.0, {key: hp.uniform(key, 0.0, 1.0) for key in keys})
    trials = Trials()

    def suggest(known: int) -> object:
        for each in observations[len(trials.trials) : known]:
            number = each.trial
            places = {
                "tid": number,
                "cmd": domain.cmd,
                "workdir": None,
                "idxs": {key: [number] for key in keys},
                "vals": {key: [each.config[key]] for key in keys},
            }
            result = {"status": STATUS_OK, "loss": each.losses[1]}
            (document,) = trials.new_trial_docs([number], [None], [result], [places])
            document["state"] = JOB_STATE_DONE
            trials.insert_trial_doc(document)
            trials.refresh()
        return tpe.suggest([known], domain, trials, seed=known)

    return suggest


def _bayesopt_library(observations: list[Observation]) -> Callable[[int], object]:
    """Return the suggestion of bayesian-optimization itself."""
    from bayes_opt import BayesianOptimization

    bounds = dict.fromkeys(observations[0].config, (0.0, 1.0))
    optimizer = BayesianOptimization(f=None, pbounds=bounds, random_state=0, verbose=0)
    told: list[int] = []

    def suggest(known: int) -> object:
        for each in observations[len(told) : known]:
            optimizer.register(params=each.config, target=-each.losses[1])
            told.append(each.trial)
        with warnings.catch_warnings(action="ignore"):  # scikit-learn's on kernel parameters at their bounds
            return optimizer.suggest()

    return suggest
