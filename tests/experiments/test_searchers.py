"""Every searcher in the folder keeps the protocol; TPE learns, also from failures and from trials stopped early."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ray import tune

import experiments.searchers
from experiments._sweep.policy import Observation, Proposal, Searcher
from experiments.searchers import HyperOpt, Random, by_name, names
from experiments.searchers._ranking import best_first
from experiments.searchers._unit import decode, encode
from search_spaces import dimensions, merge

EVERY = pytest.mark.parametrize("searcher", [by_name(name) for name in names()], ids=names())

SPACE = {
    "model": "mlp",
    "lr": tune.loguniform(1e-4, 1e-1),
    "inner": {"units": tune.lograndint(16, 257), "fixed": (1, 2), "dropout": tune.quniform(0, 0.5, 0.1)},
    "shape": tune.choice([[64, 32], [32], (16, 16)]),
    "flag": tune.choice([True, False, None]),
    "noise": tune.randn(0, 1),
    "width": tune.qrandint(5, 45, 20),
    "depth": tune.randint(0, 4),
}

INFINITY = float("inf")


def observe(trial: int, config: Mapping[str, Any], losses: Mapping[int, float], ending: str | None) -> Observation:
    """An observation, in short."""
    return Observation(trial=trial, config=config, losses=losses, ending=ending)


def sweep(
    searcher: Searcher, space: dict[str, Any], trials: int, *, loss: Callable[[Any], float | None], seed: int
) -> list[tuple[Proposal, Observation]]:
    """A sweep of one epoch a trial, one after the other; a loss of None is a divergence."""
    told: list[tuple[Proposal, Observation]] = []
    for trial in range(trials):
        proposal = searcher.propose(space, [observation for _, observation in told], trial=trial, seed=seed)
        assert proposal is not None
        config = merge(space, proposal.values)
        value = loss(config)
        losses, ending = ({}, "diverged") if value is None else ({1: value}, "completed")
        told.append((proposal, observe(trial, config, losses, ending)))
    return told


def eventful(trials: int, seed: int = 0) -> list[Observation]:
    """Trials that ended in every way, and up to 16 that have not."""
    rng, told = np.random.default_rng(seed), []
    endings = ["completed", "stopped", "diverged", "error", "out_of_memory", "timed_out", "lost"]
    for trial in range(trials):
        proposal = Random().propose(SPACE, told, trial=trial, seed=seed)
        assert proposal is not None
        running = trial >= trials - 16
        reached = int(rng.integers(4))
        losses = {epoch: float(rng.normal()) for epoch in range(1, reached + 1)}
        ending = None if running else endings[trial % len(endings)]
        told.append(observe(trial, merge(SPACE, proposal.values), losses, ending))
    return told


@EVERY
@pytest.mark.parametrize("trials", [0, 1, 16, 24, 60])
def test_a_searcher_keeps_the_protocol(searcher: Searcher, trials: int) -> None:
    """After trials that ended in every way and 16 pending: pure, inside the space, JSON's types, not tried before."""
    assert isinstance(searcher, Searcher)
    assert searcher.faults(SPACE) == []
    told = eventful(trials)
    before = json.dumps([(observation.config, dict(observation.losses)) for observation in told])
    proposal = searcher.propose(SPACE, told, trial=trials, seed=7)
    assert proposal == searcher.propose(SPACE, list(told), trial=trials, seed=7)
    assert proposal != searcher.propose(SPACE, told, trial=trials, seed=8)
    assert json.dumps([(observation.config, dict(observation.losses)) for observation in told]) == before
    assert proposal is not None
    config = merge(SPACE, proposal.values)
    assert json.loads(json.dumps(config)) == config
    assert all(dimension.contains(dimension.find(config)) for dimension in dimensions(SPACE))
    assert config not in [observation.config for observation in told]


def test_another_process_proposes_the_same() -> None:
    """A resumed sweep runs in another process, with another order of hashes: the proposals are the same."""
    code = """if True:
        import json
        from ray import tune
        from experiments._sweep.policy import Observation
        from experiments.searchers import HyperOpt
        space = {name: tune.uniform(0, 1) for name in "abcdefgh"} | {"z": tune.choice(["x", "y"])}
        told = []
        for trial in range(8):
            values = HyperOpt(n_initial_points=4).propose(space, told, trial=trial, seed=0).values
            told.append(Observation(trial=trial, config=values, losses={1: values["a"]}, ending="completed"))
        print(json.dumps([observation.config for observation in told]))
    """
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout
        for seed in "12"
    ]
    assert runs[0] == runs[1]
    assert len(json.loads(runs[0])) == 8


@EVERY
def test_a_searcher_survives_when_nothing_works(searcher: Searcher) -> None:
    """No trial has a loss, whether they failed or still run: proposals go on, at random."""
    for ending in ("diverged", None):
        told = [observe(index, observation.config, {}, ending) for index, observation in enumerate(eventful(40))]
        proposal = searcher.propose(SPACE, told, trial=40, seed=0)
        assert proposal is not None
        assert proposal.origin == "random"


@EVERY
def test_a_searcher_survives_a_changed_space(searcher: Searcher) -> None:
    """Earlier values outside the ranges, or missing, or of another type teach nothing and break nothing."""
    told = [
        observe(index, {"lr": "fast", "depth": 9 if index % 2 else 1}, {1: float(index)}, "completed")
        for index in range(40)
    ]
    assert searcher.propose(SPACE, told, trial=40, seed=0) is not None


@EVERY
def test_a_finite_space_is_exhausted_exactly_once(searcher: Searcher) -> None:
    """Each configuration is proposed once, also improbable ones, and then None."""
    space = {
        "a": tune.choice([1, 1, 1, 1, 1, 1, 1, 2]),
        "b": tune.qlograndint(1, 90, 30),
        "c": tune.quniform(0, 1, 0.5),
    }
    told = [observation for _, observation in sweep(searcher, space, 18, loss=lambda config: config["c"], seed=3)]
    assert len({json.dumps(observation.config) for observation in told}) == 18
    assert searcher.propose(space, told, trial=18, seed=3) is None


@EVERY
def test_what_a_searcher_cannot_draw_from_is_refused_by_name(searcher: Searcher) -> None:
    """Grids and computed values are faults of the searcher, told in full before anything starts."""
    space = {"lr": tune.grid_search([0.1, 0.01]), "n": {"x": tune.sample_from(lambda _: 1)}, "y": tune.uniform(0, 1)}
    name = type(searcher).__name__
    assert searcher.faults(space) == [
        f"space.lr: {name} cannot run grid_search; it draws from ranges and choices. Use tune.choice([0.1, 0.01]).",
        (
            f"space.n.x: {name} cannot learn from sample_from, whose values it does not see coming. Use tune.uniform, "
            "tune.randint or tune.choice, or compute the value inside the trainable."
        ),
    ]
    with pytest.raises(ValueError, match=r"space\.lr: .* cannot run grid_search"):
        searcher.propose(space, [], trial=0, seed=0)
    assert searcher.faults({"lr": tune.uniform(1, 0)}) == []


def _ranges() -> st.SearchStrategy[Any]:
    """Ranges of every kind with bounds of every size."""
    whole = st.integers(1, 200)
    return st.one_of(
        st.builds(lambda low, span: tune.uniform(low, low + span), st.floats(-1e6, 1e6), st.floats(0.1, 1e6)),
        st.builds(lambda low, ratio: tune.loguniform(low, low * ratio), st.floats(1e-12, 1e3), st.floats(1.1, 1e9)),
        st.builds(lambda low, n, q: tune.quniform(low * q, (low + n) * q, q), whole, whole, st.floats(1e-3, 10)),
        st.builds(lambda low, n, q: tune.qloguniform(low * q, (low + n) * q, q), whole, whole, st.floats(1e-3, 10)),
        st.builds(tune.randn, st.floats(-10, 10), st.floats(0.1, 10)),
        st.builds(tune.qrandn, st.floats(-10, 10), st.floats(0.1, 10), st.floats(0.1, 3)),
        st.builds(lambda low, n: tune.randint(low, low + n), st.integers(-(2**40), 2**40), whole),
        st.builds(lambda low, n, q: tune.qrandint(low, low + n + q, q), whole, whole, st.integers(2, 50)),
        st.builds(lambda low, n: tune.lograndint(low, low + n), whole, whole),
        st.builds(lambda low, n, q: tune.qlograndint(low, low + n + q, q), whole, whole, st.integers(2, 50)),
        st.lists(st.none() | st.booleans() | whole | st.text(max_size=3) | st.lists(whole, max_size=2), min_size=1).map(
            lambda values: tune.choice([*values, "last"])
        ),
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    space=st.dictionaries(
        st.sampled_from("abc"), _ranges() | st.dictionaries(st.just("d"), _ranges(), min_size=1), min_size=1
    ),
    seed=st.integers(0, 2**32 - 1),
)
def test_proposals_stay_inside_random_spaces(space: dict[str, Any], seed: int) -> None:
    """Random search and TPE, over nested spaces of every kind of range, with a failing trial in between."""
    searcher, told = HyperOpt(n_initial_points=3), []
    for trial in range(7):
        proposal = searcher.propose(space, told, trial=trial, seed=seed)
        if proposal is None:
            return
        config = merge(space, proposal.values)
        assert all(dimension.contains(dimension.find(config)) for dimension in dimensions(space))
        losses, ending = ({1: float(trial % 3)}, "completed") if trial % 4 else ({}, "error")
        told.append(observe(trial, json.loads(json.dumps(config)), losses, ending))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(domain=_ranges(), unit=st.floats(0, 1, exclude_max=True))
def test_coordinates_go_there_and_back(domain: Any, unit: float) -> None:
    """The centre of a value's cell decodes to the value."""
    (dimension,) = dimensions({"x": domain})
    if not dimension.categories:
        value = decode(dimension, unit)
        assert dimension.contains(value)
        assert decode(dimension, encode(dimension, value)) == pytest.approx(value, rel=1e-6, abs=1e-6)


COUNTABLE = {
    "randint": tune.randint(0, 4),
    "qrandint": tune.qrandint(0, 18, 10),
    "qrandint inside": tune.qrandint(5, 45, 20),
    "lograndint": tune.lograndint(1, 8),
    "qlograndint": tune.qlograndint(1, 40, 8),
    "quniform": tune.quniform(0, 1, 0.25),
    "qloguniform": tune.qloguniform(0.5, 4, 0.5),
    "qrandn": tune.qrandn(1, 2, 1),
}


@pytest.mark.parametrize("domain", COUNTABLE.values(), ids=COUNTABLE)
def test_coordinates_have_the_probabilities_of_tune(domain: Any) -> None:
    """Equally spaced coordinates give each value as often as Tune's own sampler does (hyperopt's integers do not)."""
    (dimension,) = dimensions({"x": domain})
    n, rng = 20_000, np.random.default_rng(0)
    ours = Counter(decode(dimension, (index + 0.5) / n) for index in range(n))
    tunes = Counter(dimension.settle(value) for value in domain.sample(size=n, random_state=rng))
    assert max(abs(ours[value] - tunes[value]) / n for value in ours | tunes) < 0.015


def test_the_random_phase_draws_as_tune_does() -> None:
    """`randint(0, 4)` is uniform: the end points have their full share, unlike in Ray's own adapter."""
    space = {"x": tune.randint(0, 4), "y": tune.uniform(0, 1)}
    proposals = [HyperOpt().propose(space, [], trial=trial, seed=0) for trial in range(2000)]
    counts = Counter(proposal.values["x"] for proposal in proposals if proposal)
    assert {type(value) for value in counts} == {int}
    assert all(abs(counts[value] / 2000 - 0.25) < 0.04 for value in range(4))


def _bowl(config: Mapping[str, Any]) -> float:
    return float((config["x"] - 0.7) ** 2 + (log(config["lr"]) / log(10) + 3) ** 2 + (0 if config["c"] == "b" else 1))


BOWL = {"x": tune.uniform(-2, 2), "lr": tune.loguniform(1e-6, 1), "c": tune.choice(["a", "b", "c"])}


def test_tpe_beats_random_search() -> None:
    """On a bowl in three dimensions the median best loss of 40 trials, over 8 seeds, is less than half of random's."""

    def best(searcher: Searcher, seed: int) -> float:
        return min(min(seen.losses.values()) for _, seen in sweep(searcher, BOWL, 40, loss=_bowl, seed=seed))

    ours = np.median([best(HyperOpt(n_initial_points=10), seed) for seed in range(8)])
    assert ours < np.median([best(Random(), seed) for seed in range(8)]) / 2


def test_failures_teach() -> None:
    """Where the upper half always diverges, less than a third of what TPE proposes lies there, and it still finds."""

    def loss(config: Mapping[str, Any]) -> float | None:
        return None if config["x"] > 0.5 else float((config["x"] - 0.4) ** 2)

    space = {"x": tune.uniform(0, 1)}
    shares, bests = [], []
    for seed in range(6):
        told = sweep(HyperOpt(n_initial_points=8), space, 40, loss=loss, seed=seed)
        modelled = [seen.config["x"] for proposal, seen in told if proposal.origin == "tpe"]
        shares.append(np.mean([x > 0.5 for x in modelled]))
        bests.append(min(min(seen.losses.values(), default=INFINITY) for _, seen in told))
    assert np.mean(shares) < 1 / 3
    assert np.median(bests) < 1e-3


def test_the_random_phase_counts_results_and_not_suggestions() -> None:
    """Twenty trials that only run are no initial points; twenty that failed or reported are, if enough have a loss."""
    configs = [observation.config for observation in eventful(24)]

    def origin(losses: Callable[[int], dict[int, float]], ending: str | None) -> str:
        told = [observe(index, config, losses(index), ending) for index, config in enumerate(configs)]
        proposal = HyperOpt().propose(SPACE, told, trial=24, seed=0)
        assert proposal is not None
        return proposal.origin

    assert origin(lambda _: {}, None) == "random"
    assert origin(lambda index: {1: 1.0} if index < 19 else {}, None) == "random"
    assert origin(lambda _: {1: 1.0}, None) == "tpe"
    assert origin(lambda _: {1: 1.0}, "stopped") == "tpe"
    assert origin(lambda _: {1: 1.0}, "diverged") == "random"


def test_ranking_compares_at_one_epoch() -> None:
    """With two good ones asked for, the six trials that reached epoch 3 are compared there; failures come last."""
    told = [
        observe(0, {}, {1: 9.0, 3: 8.0, 9: 0.1}, None),  # went on for lack of company; poor at epoch 3
        *[observe(index, {}, {1: 2.0, 3: 1.0 + index / 10}, "stopped") for index in range(1, 6)],
        observe(6, {}, {1: 0.01}, "stopped"),  # lucky at epoch 1
        observe(7, {}, {1: 0.02, 2: 0.03}, None),
        observe(8, {}, {}, None),
        observe(9, {}, {1: 0.0, 2: 0.0, 3: 0.0}, "diverged"),
        observe(10, {}, {}, "error"),
    ]
    assert [seen.trial for seen in best_first(told, 2)] == [1, 2, 3, 4, 5, 0, 7, 6, 8, 9, 10]
    assert [seen.trial for seen in best_first(told, 1)][:2] == [1, 2]
    assert best_first(told[8:], 2) == told[8:]


def test_ranking_without_early_stopping_is_by_the_best_loss() -> None:
    """Trials that completed, after however many epochs, stand in the order of their best losses."""
    told = [
        observe(0, {}, {1: 3.0, 2: 1.0, 3: 2.0}, "completed"),
        observe(1, {}, {1: 0.5}, "completed"),
        observe(2, {}, {1: 2.0, 2: 0.7}, "completed"),
    ]
    assert [seen.trial for seen in best_first(told, 1)] == [1, 2, 0]


def test_ranking_by_the_last_loss_where_that_counts() -> None:
    """Estimates from folds are compared as they are at one epoch, not by a lucky first fold."""
    told = [
        replace(observe(trial, {}, losses, "completed"), counts="last")
        for trial, losses in enumerate([{1: 0.1, 2: 0.9}, {1: 0.5, 2: 0.4}, {1: 0.6, 2: 0.3}])
    ]
    assert [seen.trial for seen in best_first(told, 1)] == [2, 1, 0]


@pytest.mark.parametrize(
    ("searcher", "words"),
    [
        (
            HyperOpt(n_initial_points=0),
            "search.n_initial_points: 0 is given where a whole number of at least 1 is needed.",
        ),
        (HyperOpt(n_ei_candidates=2.5), "search.n_ei_candidates: 2.5 is given"),  # type: ignore[arg-type]
        (HyperOpt(gamma=0), "search.gamma: 0 is given where a finite number above 0 and at most 1 is needed."),
        (HyperOpt(gamma=float("nan")), "search.gamma: nan is given"),
        (HyperOpt(prior_weight=INFINITY), "search.prior_weight: inf is given where a finite number above 0 is needed."),
        (HyperOpt(prior_weight=True), "search.prior_weight: True is given"),
    ],
)
def test_parameters_outside_their_ranges_are_refused(searcher: HyperOpt, words: str) -> None:
    """One fault each, in full."""
    (fault,) = searcher.faults(BOWL)
    assert words in fault


def test_searchers_are_found_by_name_and_imported_when_used() -> None:
    """Any case of letters; a near miss is told the nearest; the folder itself imports no library."""
    assert by_name("HyperOpt") == HyperOpt()
    with pytest.raises(
        ValueError, match=r"^unknown searcher 'hyperoptt': there are hyperopt, random\. Did you mean 'hy"
    ):
        by_name("hyperoptt")
    with pytest.raises(AttributeError, match="has no attribute 'Hyperopt'; it has: HyperOpt, Random"):
        _ = experiments.searchers.Hyperopt  # type: ignore[attr-defined]
    code = "import sys, experiments.searchers; assert not {'ray', 'hyperopt', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
