"""F17: where a region of the space always fails, searchers are told and leave it, and the sweep goes on to its end."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ray import tune

from experiments import BayesOpt, HyperOpt
from tests.experiments.conftest import Driven, Made, experiment
from tests.experiments.test_conductor import run

Drive = Callable[..., Driven]

RANDOM = 8


def fails_above_half(config: Made, _: Any) -> Iterator[dict[str, Any]]:
    """The loss falls towards 0.4; above 0.5 there is none, in any of three ways."""
    if config.x > 0.5:
        how = int(config.x * 1000) % 3
        if how == 0:
            raise ValueError(f"x is {config.x}")
        if how == 1:
            raise MemoryError
        yield {"epoch": 1, "loss": float("nan")}
    else:
        yield {"epoch": 1, "loss": (config.x - 0.4) ** 2}


@pytest.mark.parametrize(
    "search", [BayesOpt(n_initial_points=RANDOM), HyperOpt(n_initial_points=RANDOM)], ids=["gp", "tpe"]
)
def test_f17_a_region_that_fails_is_left(drive: Drive, search: Any) -> None:
    """G11: no searcher stalls on errors, out of memory and NaN in its random phase; afterwards few trials go there."""
    asked = experiment(fails_above_half, search=search, num_trials=32, epochs=1, space={"x": tune.uniform(0.0, 1.0)})
    driven = drive(asked)
    run(driven)
    trials = list(driven.journal.history.trials.values())
    assert len(trials) == 32 and driven.conductor.halt is None
    early, late = trials[:RANDOM], trials[RANDOM:]
    assert {trial.state for trial in early} > {"completed"}, "some have failed in the random phase"
    assert {trial.state for trial in trials} <= {"completed", "error", "out_of_memory", "diverged"}
    assert sum(trial.config["x"] > 0.5 for trial in late) < len(late) / 3
    best = driven.journal.history.best
    assert best is not None and best.value is not None and best.value < 0.01
