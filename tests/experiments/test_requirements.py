"""`require` and `start_points` of an experiment: checked before anything starts, kept by every proposal."""

from collections.abc import Callable
from typing import Any

import pytest
from ray import tune

from experiments import Experiment, Grid, InputError, Random
from experiments._sweep.registry import of_value
from experiments._sweep.views.plan import plan_lines
from tests.experiments.conftest import Driven, experiment

SPACE = {"x": tune.choice([{"low": tune.uniform(0, 1)}, {"high": tune.uniform(1, 2)}]), "fixed": "a"}


def plain(config: dict[str, Any]) -> None:
    """A Ray function: it takes any configuration."""


def asked(**changes: Any) -> Experiment:
    """An experiment over the branches."""
    return experiment(**{"trainable": plain, "space": SPACE, **changes})


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no function": ({"require": 3}, "require must be a function of a configuration that returns True or False, got 3."),
    "raises": (
        {"require": lambda config: config["lowest"] < 1},
        "require raised KeyError: 'lowest' for the configuration {'x': {'",
    ),
    "raises in one branch": ({"require": lambda config: config["x"]["low"] < 1}, "require raised KeyError: 'low'"),
    "no truth": (
        {"require": lambda config: config["fixed"]},
        "require must return True or False, got 'a' for the configuration {'x': {'",
    ),
    "nothing left": (
        {"require": lambda config: config["fixed"] == "b"},
        "require allowed none of 10,000 random configurations. Correct it, or change the ranges.",
    ),
    "start point outside": (
        {"start_points": [{"x": {"low": 3}}]},
        "start_points[0].x: {'low': 3} fits none of the branches.",
    ),
    "start point not required": (
        {"start_points": [{"x": {"low": 0.5}}], "require": lambda config: "high" in config["x"]},
        "start_points[0]: {'x': {'low': 0.5}} is not allowed by `require`, however it is completed.",
    ),
    "a grid of continuous ranges": (
        {"search": Grid()},
        "space.x[low].low: Grid cannot try every value of a continuous range. Use Grid(points=5) for 5 values",
    ),
    "a grid of one point": (
        {"search": Grid(points=1)},
        "search.points: 1 is given where None or a whole number of at least 2 is needed.",
    ),
}


@pytest.mark.parametrize(("change", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_work_is_refused(change: dict[str, Any], said: str) -> None:
    """Before anything starts, with the configuration or the place."""
    with pytest.raises(InputError) as refused:
        asked(**change)
    assert refused.value.faults[0].startswith(said)


def test_a_narrow_requirement_is_no_fault() -> None:
    """One configuration in two thousand: found before anything starts, by what searchers find theirs with."""
    narrow = asked(space={"x": tune.uniform(0, 1)}, require=lambda config: config["x"] < 5e-4)
    assert narrow.search.propose(narrow.searched, [], trial=0, seed=0).config["x"] < 5e-4


def test_what_is_required_holds_for_every_trial(drive: Callable[..., Driven]) -> None:
    """Start points come first and are marked, nothing that is not allowed is tried, the record has the predicate."""

    def high(config: Any) -> bool:
        return "high" in config["x"]

    question = asked(require=high, start_points=[{"x": {"high": 1.5}}, {"fixed": "a"}], num_trials=12)
    driven = drive(question)
    while driven.conductor.next_segment() != "wait" and len(driven.conductor.history.trials) < 12:
        pass
    trials = driven.conductor.history.trials.values()
    assert [trial.origin for trial in trials] == ["start point"] * 2 + ["random"] * 10
    assert driven.conductor.history.trials[0].config["x"] == {"high": 1.5}
    assert all("high" in trial.config["x"] for trial in trials)
    assert 'return "high" in config["x"]' in driven.conductor.history.sweep.asks["require"]
    assert driven.conductor.history.sweep.asks["start_points"] == [{"x": {"high": 1.5}}, {"fixed": "a"}]


def test_the_plan_tells_branches_requirement_and_start_points(tmp_path: Any) -> None:
    """`sweep show` says what is searched where, what is required, and what is tried first."""
    question = asked(require=lambda config: "high" in config["x"], start_points=[{"x": {"high": 1.5}}])
    found = of_value(question, "mine")
    lines = "\n".join(
        plan_lines(question, name="mine", question=found.question, where="mine", slots=1, folder=tmp_path)
    )
    for said in (
        "x[low].low",
        "uniform from 0 to 1",
        'requires   lambda config: "high" in config["x"]\n',
        "trial 0: x",
        "Random()",
    ):
        assert said in lines


def test_a_grid_ends_when_it_is_exhausted(drive: Callable[..., Driven]) -> None:
    """Fewer configurations than trials: each is tried once, and the sweep is done."""
    grid = {"x": tune.grid_search([1, 2]), "y": tune.uniform(0, 1), "z": tune.randint(0, 100)}
    driven = drive(asked(space=grid, search=Grid(points=2), num_trials=100))
    while driven.conductor.next_segment() != "wait":
        pass
    configs = [trial.config for trial in driven.conductor.history.trials.values()]
    assert len(configs) == 8
    tried = [(config["x"], config["y"], config["z"]) for config in configs]
    assert tried == [(x, y, z) for x in (1, 2) for y in (0.0, 1.0) for z in (0, 99)]


def test_random_search_has_its_seed(drive: Callable[..., Driven]) -> None:
    """The same seed gives the same trials, another one others."""
    tried = []
    for place, seed in enumerate((0, 0, 1)):
        driven = drive(asked(search=Random(), seed=seed), folder=f"sweep-{place}")
        while driven.conductor.next_segment() != "wait":
            pass
        tried.append([trial.config for trial in driven.conductor.history.trials.values()])
    assert tried[0] == tried[1] != tried[2]
