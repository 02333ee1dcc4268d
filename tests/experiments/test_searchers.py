"""What every searcher must keep, by being listed: pure, inside the space, types kept, nothing twice, never stuck."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ray import tune

import experiments.searchers
from experiments._sweep.policy import Observation, Proposal, Searcher
from experiments._sweep.proposing import next_proposal
from experiments.searchers import Grid, HyperOpt, by_name, names
from search_spaces import SearchSpace
from tests.strategies import SPACES

SPACE = SearchSpace(
    {
        "model": "mlp",
        "lr": tune.loguniform(1e-4, 1e-1),
        "inner": {"units": tune.lograndint(16, 257), "fixed": (1, 2), "dropout": tune.quniform(0, 0.5, 0.1)},
        "shape": tune.choice([[64, 32], [32], (16, 16)]),
        "flag": tune.choice([True, False, None]),
        "noise": tune.randn(0, 1),
        "width": tune.qrandint(5, 45, 20),
        "optimizer": tune.choice(
            [{"name": "sgd", "lr": tune.uniform(0, 1), "momentum": tune.choice([0.0, 0.9])}, {"lr": tune.uniform(2, 3)}]
        ),
        "layers": tune.choice([[tune.randint(4, 9)], [tune.randint(4, 9), tune.randint(4, 9)]]),
    },
    lambda config: config["inner"]["units"] * len(config["shape"]) <= 300,
)
FINITE = SearchSpace(
    {
        "a": tune.choice([{"x": tune.randint(0, 3)}, {"x": tune.randint(5, 7), "y": tune.choice(["u", "v"])}]),
        "b": tune.quniform(0, 1, 0.5),
        "c": tune.choice([1, 2]),
    },
    lambda config: config["c"] == 1 or config["b"] < 1,
)
ENDINGS = ["completed", "stopped", "diverged", "error", "out_of_memory", "timed_out", "lost"]


def quick(searcher: Any) -> Searcher:
    """The searcher with a model that takes over after four trials, and a grid that takes every range."""
    if isinstance(searcher, Grid):
        return Grid(points=4)
    found: Searcher = replace(searcher, n_initial_points=4) if hasattr(searcher, "n_initial_points") else searcher
    return found


EVERY = pytest.mark.parametrize("searcher", [quick(by_name(name)) for name in names()], ids=names())


def observe(trial: int, config: Any, losses: dict[int, float], ending: str | None) -> Observation:
    """An observation, in short."""
    return Observation(trial=trial, config=config, losses=losses, ending=ending)


def eventful(space: SearchSpace, trials: int, pending: int, seed: int = 0) -> list[Observation]:
    """Trials that ended in every way, after one to three epochs, and the last ones still running."""
    rng, told = np.random.default_rng(seed), []
    for trial in range(trials):
        values = space.draw(rng)
        while not space.allows(values):
            values = space.draw(rng)
        running = trial >= trials - pending
        losses = {epoch: float(rng.normal()) for epoch in range(1, 1 + int(rng.integers(4)))}
        ending = None if running else ENDINGS[trial % len(ENDINGS)]
        if ending in ("completed", "stopped"):
            losses = losses or {1: float(rng.normal())}
        told.append(observe(trial, {**space.configuration(values), "seed": trial, "epochs": 3}, losses, ending))
    return told


def asked(searcher: Searcher, space: SearchSpace, told: Sequence[Observation], seed: int = 1) -> Proposal:
    """The next proposal, with everything that must hold of every proposal."""
    before = copy.deepcopy(list(told))
    proposal = next_proposal(searcher, space, told, start_points=(), trial=len(told), seed=seed)
    assert list(told) == before
    assert proposal is not None
    assert json.loads(json.dumps([proposal.config, proposal.details], allow_nan=False)) == [
        proposal.config,
        proposal.details,
    ]
    values = space.values_of(proposal.config)
    assert values is not None
    assert space.allows(values)
    assert [type(value) for value in values.values()] == [
        type(each.settle(values[each.path])) for each in space.active(values)
    ]
    return proposal


@EVERY
@pytest.mark.parametrize(("trials", "pending"), [(0, 0), (1, 1), (16, 16), (30, 1), (45, 16)])
def test_a_searcher_keeps_the_protocol(searcher: Searcher, trials: int, pending: int) -> None:
    """After trials that ended in every way and up to 16 pending: inside, in JSON's types, the same for the same."""
    assert searcher.faults(SPACE) == []
    assert all(line.endswith(".") for line in searcher.in_words(SPACE))
    told = eventful(SPACE, trials, pending)
    proposal = asked(searcher, SPACE, told)
    assert asked(searcher, SPACE, told) == proposal
    known = [SPACE.values_of(observation.config) for observation in told]
    assert SPACE.values_of(proposal.config) not in known


@EVERY
def test_a_searcher_is_rebuilt_from_the_ledger_at_every_point(searcher: Searcher) -> None:
    """Observations that went through JSON, as in a ledger, give the same proposal after every trial."""
    told: list[Observation] = []
    for trial in range(12):
        again = [replace(each, config=json.loads(json.dumps(each.config))) for each in told]
        proposal = asked(searcher, SPACE, told)
        assert asked(searcher, SPACE, again) == proposal
        lr = proposal.config["lr"]
        losses, ending = ({}, "error") if trial % 4 == 3 else ({1: abs(np.log(lr / 1e-2))}, "completed")
        told.append(observe(trial, proposal.config, losses, ending))
    assert len({json.dumps(each.config) for each in told}) == 12


@EVERY
@pytest.mark.parametrize("ending", ["diverged", "error", "out_of_memory"])
def test_a_searcher_is_never_stuck_by_failures(searcher: Searcher, ending: str) -> None:
    """Nothing but failures, from the first trial on: it still proposes, and always something else."""
    told: list[Observation] = []
    for trial in range(8):
        told.append(observe(trial, asked(searcher, SPACE, told).config, {}, ending))
    assert len({json.dumps(each.config) for each in told}) == 8


@EVERY
@pytest.mark.parametrize("outcome", ["completed", "error", None])
def test_a_finite_space_is_tried_completely_and_nothing_twice(searcher: Searcher, outcome: str | None) -> None:
    """Every allowed configuration once, then None, whether trials succeed, fail or are all pending."""
    told: list[Observation] = []
    while proposal := next_proposal(searcher, FINITE, told, start_points=(), trial=len(told), seed=3):
        losses = {1: float(len(told))} if outcome == "completed" else {}
        told.append(observe(len(told), proposal.config, losses, outcome))
        assert len(told) < 100
    allowed = [index for index in range(FINITE.size or 0) if FINITE.allows(FINITE.at(index))]
    assert len({json.dumps(each.config, sort_keys=True) for each in told}) == len(told) == len(allowed) == 35


@EVERY
def test_start_points_come_first(searcher: Searcher) -> None:
    """In their order, what is missing drawn, and the searcher goes on after them."""
    points = [{"lr": 1e-3}, {"optimizer": {"name": "sgd"}}, {"layers": [4, 5], "flag": None}]
    told: list[Observation] = []
    origins = []
    for trial in range(5):
        proposal = next_proposal(searcher, SPACE, told, start_points=points, trial=trial, seed=0)
        assert proposal is not None
        origins.append(proposal.origin)
        told.append(observe(trial, proposal.config, {1: 1.0}, "completed"))
    assert origins[:3] == ["start point"] * 3
    assert "start point" not in origins[3:]
    assert told[0].config["lr"] == 1e-3
    assert told[1].config["optimizer"]["name"] == "sgd"
    assert (told[2].config["layers"], told[2].config["flag"]) == ([4, 5], None)


@EVERY
@pytest.mark.parametrize("again", [{"c": 1, "b": 0.5, "a": {"x": 1}}, {}], ids=["whole", "a part"])
def test_start_points_repeat_nothing(searcher: Searcher, again: dict[str, Any]) -> None:
    """The same point again and again: completed anew, and where nothing is left to complete, the searcher is asked."""
    told: list[Observation] = []
    while proposal := next_proposal(searcher, FINITE, told, start_points=[again] * 40, trial=len(told), seed=0):
        told.append(observe(len(told), proposal.config, {1: 1.0}, "completed"))
    assert told[0].config["c"] == again.get("c", told[0].config["c"])
    assert len({json.dumps(each.config, sort_keys=True) for each in told}) == len(told) == 35


SLIVERS = {
    "continuous": SearchSpace({"x": tune.uniform(0, 1), "y": tune.uniform(0, 1)}, lambda c: c["x"] < 2e-4),
    "too many to list": SearchSpace(
        {f"n{i}": tune.randint(0, 10**6) for i in range(8)}, lambda c: c["n0"] < 300 and c["n1"] >= 0
    ),
    "coupled branches": SearchSpace(
        {
            key: tune.choice([{"n": i, "x": tune.uniform(0, 1)} if i % 2 else {"n": i} for i in range(40)])
            for key in ("one", "two")
        },
        lambda c: c["one"]["n"] == c["two"]["n"] == 7,
    ),
}


@pytest.mark.parametrize("space", SLIVERS.values(), ids=SLIVERS)
@pytest.mark.parametrize("searcher", [quick(by_name(name)) for name in names() if name != "grid"])
def test_a_sliver_of_a_space_is_no_exhausted_space(searcher: Searcher, space: SearchSpace) -> None:
    """Where `require` allows one configuration in some thousands, there is still always a new one."""
    told: list[Observation] = []
    for trial in range(15):
        told.append(observe(trial, asked(searcher, space, told, seed=5).config, {1: float(trial % 3)}, "completed"))
    assert len({json.dumps(each.config) for each in told}) == 15


def test_a_grid_is_not_exhausted_where_its_beginning_is_not_allowed() -> None:
    """The first 300,000 configurations are not allowed: a later one comes, rather than none."""
    space = SearchSpace({f"n{i}": tune.randint(0, 10) for i in range(6)}, lambda config: config["n0"] >= 3)
    proposal = Grid().propose(space, [], trial=0, seed=0)
    assert proposal is not None
    assert proposal.config["n0"] >= 3


@EVERY
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(space=SPACES, seed=st.integers(0, 2**32 - 1))
def test_a_searcher_takes_every_space(searcher: Searcher, space: dict[str, Any], seed: int) -> None:
    """Random nested spaces with branches: whatever came before, the proposal is one of the space's configurations."""
    searched = SearchSpace(space)
    told = eventful(searched, 9, 2, seed)
    proposal = next_proposal(searcher, searched, told, start_points=(), trial=9, seed=seed)
    if proposal is None:
        assert searched.size is not None or isinstance(searcher, Grid)
    else:
        asked(searcher, searched, told, seed)


UNIFORM: dict[str, tuple[Any, Callable[[Any], float]]] = {
    "uniform": (tune.uniform(-1, 3), lambda x: (x + 1) / 4),
    "loguniform": (tune.loguniform(1e-4, 1e-1), lambda x: (np.log10(x) + 4) / 3),
    "randint": (tune.randint(0, 4), lambda x: x / 4),
    "qrandint": (tune.qrandint(20, 60, 20), lambda x: (x / 20 - 1) / 3),
    "choice": (tune.choice(["a", "b", "c", "d"]), lambda x: "abcd".index(x) / 4),
}


@pytest.mark.parametrize("name", [name for name in names() if name != "grid"])
@pytest.mark.parametrize(("domain", "place"), UNIFORM.values(), ids=UNIFORM)
def test_the_first_proposals_have_the_probabilities_of_the_space(
    name: str, domain: Any, place: Callable[[Any], float]
) -> None:
    """End points included: over many seeds each quarter (or value) of the range comes equally often."""
    searcher, space = by_name(name), SearchSpace({"x": domain})
    places = []
    for seed in range(400):
        proposal = searcher.propose(space, [], trial=0, seed=seed)
        assert proposal is not None
        places.append(place(proposal.config["x"]))
    values = sorted(set(places)) if len(set(places)) <= 4 else []
    counts = (
        [places.count(value) for value in values] if values else np.histogram(places, bins=4, range=(0, 1))[0].tolist()
    )
    expected = 400 / len(counts)
    assert all(abs(count - expected) < 4 * np.sqrt(expected) for count in counts), counts


@EVERY
def test_a_searcher_survives_a_changed_space(searcher: Searcher) -> None:
    """Earlier values outside the ranges, or missing, or of another type teach nothing and break nothing."""
    told = [
        observe(index, {"lr": "fast", "noise": 9 if index % 2 else 1}, {1: float(index)}, "completed")
        for index in range(20)
    ]
    asked(searcher, SPACE, told)


@pytest.mark.parametrize("name", names())
def test_what_a_searcher_cannot_do_is_refused_by_name(name: str) -> None:
    """Computed values by all, grids by all but the grid, continuous ranges by the grid: told before anything starts."""
    space = {"lr": tune.grid_search([0.1, 0.01]), "n": {"x": tune.sample_from(lambda _: 1)}, "y": tune.uniform(0, 1)}
    said = by_name(name).faults(SearchSpace(space))
    called = type(by_name(name)).__name__
    if name == "grid":
        assert [each.partition(". ")[0] for each in said] == [
            "space.n.x: Grid cannot list the values of sample_from",
            "space.y: Grid cannot try every value of a continuous range",
        ]
        return
    assert said == [
        (
            f"space.lr: {called} cannot run grid_search; it draws from ranges and choices. "
            "Use tune.choice([0.1, 0.01]), or Grid()."
        ),
        (
            f"space.n.x: {called} cannot learn from sample_from, whose values it does not see coming. Use "
            "tune.uniform, tune.randint or tune.choice, or compute the value inside the trainable."
        ),
    ]


def test_searchers_are_found_by_name_and_imported_when_used() -> None:
    """Any case of letters; a near miss is told the nearest; the folder itself imports no library."""
    assert by_name("HyperOpt") == HyperOpt()
    with pytest.raises(
        ValueError,
        match=r"^unknown searcher 'hyperoptt': there are bayesopt, grid, hyperopt, random\. Did you mean 'hy",
    ):
        by_name("hyperoptt")
    with pytest.raises(AttributeError, match="has no attribute 'Hyperopt'; it has: BayesOpt, BayesOptSearch, Grid"):
        _ = experiments.searchers.Hyperopt  # type: ignore[attr-defined]
    code = "import sys, experiments.searchers; assert not {'ray', 'hyperopt', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
