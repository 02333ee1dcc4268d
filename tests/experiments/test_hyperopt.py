"""TPE learns: from losses, from failures, from trials cut short, and inside each branch from the trials there."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from math import log10
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ray import tune

from experiments._sweep.policy import Observation, Proposal
from experiments.searchers import HyperOpt, Random
from experiments.searchers._parzen import Axis, Density
from search_spaces import SearchSpace
from tests.strategies import SPACES

INFINITY = float("inf")


def observe(trial: int, config: Mapping[str, Any], loss: float | None, ending: str | None = "completed") -> Observation:
    """A trial of one epoch; without a loss it diverged, or says nothing yet."""
    if loss is None and ending == "completed":
        ending = "diverged"
    return Observation(trial=trial, config=config, losses={} if loss is None else {1: loss}, ending=ending)


def sweep(
    searcher: HyperOpt | Random,
    space: SearchSpace,
    trials: int,
    loss: Callable[[Any], float | None],
    *,
    seed: int,
    at_once: int = 1,
) -> list[tuple[Proposal, Observation]]:
    """A sweep with so many trials at the same time; a loss of None is a divergence."""
    told: list[tuple[Proposal, Observation]] = []
    for trial in range(trials):
        seen = [
            observe(earlier, proposal.config, None, None) if earlier > trial - at_once else observation
            for earlier, (proposal, observation) in enumerate(told)
        ]
        proposal = searcher.propose(space, seen, trial=trial, seed=seed)
        assert proposal is not None
        told.append((proposal, observe(trial, proposal.config, loss(proposal.config))))
    return told


def best(told: list[tuple[Proposal, Observation]]) -> float:
    """The best loss of a sweep."""
    return min(observation.loss() for _, observation in told)


BOWL = SearchSpace({"x": tune.uniform(-2, 2), "lr": tune.loguniform(1e-6, 1), "c": tune.choice(["a", "b", "c"])})


def bowl(config: Mapping[str, Any]) -> float:
    """Zero at x = 0.7, lr = 1e-3 and c = b."""
    return float((config["x"] - 0.7) ** 2 + (log10(config["lr"]) + 3) ** 2 + (0 if config["c"] == "b" else 1))


def test_tpe_beats_random_search() -> None:
    """On a bowl in three dimensions the median best loss of 40 trials, over 8 seeds, is a tenth of random's."""
    ours = np.median([best(sweep(HyperOpt(), BOWL, 40, bowl, seed=seed)) for seed in range(8)])
    assert ours < np.median([best(sweep(Random(), BOWL, 40, bowl, seed=seed)) for seed in range(8)]) / 10


def test_dimensions_are_learned_together() -> None:
    """Where only x = y is good, proposals lie near the diagonal; a model of each on its own could not see it."""
    space = SearchSpace({"x": tune.uniform(0, 1), "y": tune.uniform(0, 1)})
    rng = np.random.default_rng(0)
    points = [(x, x if i < 20 else y) for i, (x, y) in enumerate(rng.random((60, 2)).tolist())]
    told = [observe(i, {"x": x, "y": y}, abs(x - y)) for i, (x, y) in enumerate(points)]
    proposals = [HyperOpt(gamma=0.33).propose(space, told, trial=60, seed=seed) for seed in range(20)]
    assert np.median([abs(p.config["x"] - p.config["y"]) for p in proposals if p]) < 0.1


@pytest.mark.parametrize("optimum", [0.25, 0.49], ids=["inside", "at the edge"])
def test_failures_teach(optimum: float) -> None:
    """Where the upper half always diverges, less than a fifth of what TPE proposes lies there, and it still finds."""
    space = SearchSpace({"x": tune.uniform(0, 1)})
    shares, bests = [], []
    for seed in range(8):
        told = sweep(
            HyperOpt(), space, 40, lambda c: None if c["x"] > 0.5 else float((c["x"] - optimum) ** 2), seed=seed
        )
        shares.append(np.mean([proposal.config["x"] > 0.5 for proposal, _ in told if proposal.origin == "tpe"]))
        bests.append(best(told))
    assert np.mean(shares) < 0.2
    assert np.median(bests) < 1e-4


def test_a_choice_is_told_from_dimensions_that_do_not_matter() -> None:
    """One category is better by 0.1, three of six other dimensions change nothing: it is found in most sweeps.

    Modelled jointly only, most sweeps stay with a category that was lucky among the random trials, at 0.1.
    """
    space = SearchSpace(
        {f"x{i}": tune.uniform(0, 1) for i in range(5)} | {"k": tune.choice(list("abcd")), "n": tune.randint(0, 21)}
    )

    def loss(config: Mapping[str, Any]) -> float:
        x, y = config["x0"] - 0.23, config["x1"] - 0.71
        return float(x**2 + y**2 + x * y / 2 + 0.1 * (config["k"] != "b") + 0.02 * abs(config["n"] - 7))

    assert np.median([best(sweep(HyperOpt(), space, 50, loss, seed=seed)) for seed in range(12)]) < 0.05


OPTIMIZERS = SearchSpace(
    {
        "seed": 0,
        "optimizer": tune.choice(
            [
                {"name": "sgd", "lr": tune.uniform(0, 1), "nesterov": tune.choice([True, False])},
                {"name": "adam", "lr": tune.uniform(0, 1), "inner": tune.choice([{"beta": tune.uniform(0, 1)}, None])},
            ]
        ),
    }
)


def test_a_branch_is_learned_from_its_own_trials() -> None:
    """Both branches have an lr: sgd's best is at 0.9, adam's at 0.1, and proposals go there."""
    rng, told = np.random.default_rng(0), []
    for trial in range(80):
        config = OPTIMIZERS.configuration(OPTIMIZERS.draw(rng))
        optimum = 0.9 if config["optimizer"]["name"] == "sgd" else 0.1
        told.append(observe(trial, config, abs(config["optimizer"]["lr"] - optimum)))
    for name, optimum in (("sgd", 0.9), ("adam", 0.1)):
        one = SearchSpace(OPTIMIZERS.space, lambda config, name=name: config["optimizer"]["name"] == name)
        proposals = [HyperOpt().propose(one, told, trial=80, seed=seed) for seed in range(10)]
        lrs = [proposal.config["optimizer"]["lr"] for proposal in proposals if proposal]
        assert abs(np.median(lrs) - optimum) < 0.15


def test_the_better_branch_is_found() -> None:
    """Where one branch is better by more than the tuning of the other gains, most proposals are in it."""

    def loss(config: Mapping[str, Any]) -> float:
        return float((config["optimizer"]["name"] == "sgd") + (config["optimizer"]["lr"] - 0.3) ** 2)

    names = [
        proposal.config["optimizer"]["name"]
        for seed in range(3)
        for proposal, _ in sweep(HyperOpt(), OPTIMIZERS, 40, loss, seed=seed)[15:]
    ]
    assert names.count("adam") / len(names) > 0.75


@settings(max_examples=40, deadline=None, derandomize=True)
@given(space=SPACES, seed=st.integers(0, 2**32 - 1))
def test_the_model_stays_inside_every_space(space: dict[str, Any], seed: int) -> None:
    """Proposals of the model, over random spaces with branches, are values of the space, with its types."""
    searched, rng = SearchSpace(space), np.random.default_rng(seed)
    told = [
        observe(trial, searched.configuration(searched.draw(rng)), None if trial % 4 == 3 else float(rng.normal()))
        for trial in range(8)
    ]
    proposal = HyperOpt(n_initial_points=4).propose(searched, told, trial=8, seed=seed)
    if proposal is not None:
        values = searched.values_of(json.loads(json.dumps(proposal.config)))
        assert values is not None
        assert all(each.contains(values[each.path]) for each in searched.active(values))


def test_what_is_required_holds_for_every_proposal() -> None:
    """Also where the best of the model lies outside: then the next best of its draws, or a random one."""
    space = SearchSpace(
        {"units": tune.randint(1, 65), "layers": tune.randint(1, 9)}, lambda c: c["units"] * c["layers"] <= 64
    )
    told = sweep(HyperOpt(), space, 60, lambda c: -c["units"] * c["layers"], seed=0)
    assert all(proposal.config["units"] * proposal.config["layers"] <= 64 for proposal, _ in told)
    assert len({json.dumps(proposal.config) for proposal, _ in told}) == 60
    assert best(told) == -64


@pytest.mark.parametrize("at_once", [4, 16])
def test_proposals_made_at_the_same_time_stay_apart(at_once: int) -> None:
    """All different, not all in one place, and about as good as one after the other."""
    told = sweep(HyperOpt(), BOWL, 64, bowl, seed=0, at_once=at_once)
    assert len({json.dumps(proposal.config) for proposal, _ in told}) == 64
    last = np.array([proposal.config["x"] for proposal, _ in told[-at_once:]])
    assert np.ptp(last) > 0.1
    assert best(told) < 0.15


def test_the_random_phase_counts_results_and_not_suggestions() -> None:
    """Trials that only run are no initial points; ten that failed or reported are, if one has a loss."""
    rng = np.random.default_rng(0)
    configs = [BOWL.configuration(BOWL.draw(rng)) for _ in range(12)]

    def origin(loss: Callable[[int], float | None], ending: str | None) -> str:
        told = [observe(trial, config, loss(trial), ending) for trial, config in enumerate(configs)]
        proposal = HyperOpt().propose(BOWL, told, trial=12, seed=0)
        assert proposal is not None
        return proposal.origin

    assert origin(lambda _: None, None) == "random"
    assert origin(lambda trial: 1.0 if trial < 9 else None, None) == "random"
    assert origin(lambda _: 1.0, None) == "tpe"
    assert origin(lambda _: 1.0, "stopped") == "tpe"
    assert origin(lambda _: 1.0, "diverged") == "random"
    assert origin(lambda trial: 1.0 if trial < 1 else None, "completed") == "tpe"


@pytest.mark.parametrize("losses", [[1e300, -1e300], [5e-324, 0.0], [3.0], [1.7e308, -1.7e308]])
@pytest.mark.parametrize("searcher", [HyperOpt(), HyperOpt(gamma=1.0), HyperOpt(prior_weight=1e6)])
def test_losses_of_any_size_are_ranked(searcher: HyperOpt, losses: list[float]) -> None:
    """Huge, tiny or all the same: a proposal of the model and no warning."""
    told = sweep(searcher, BOWL, 14, lambda config: losses[int(config["x"] > 0) % len(losses)], seed=0)
    assert told[-1][0].origin == "tpe"


def test_details_say_what_made_it_the_choice() -> None:
    """The numbers of good trials and of all with a result, log l/g, and whether it may work where some failed."""
    told = [observation for _, observation in sweep(HyperOpt(), BOWL, 20, bowl, seed=0)]
    proposal = HyperOpt().propose(BOWL, told, trial=20, seed=0)
    assert proposal is not None
    assert proposal.details.keys() == {"good", "of", "log_ratio"}
    assert (proposal.details["good"], proposal.details["of"]) == (3, 20)
    assert proposal.details["log_ratio"] > 0
    proposal = HyperOpt().propose(BOWL, [*told, observe(20, {**told[0].config, "x": -1.0}, None)], trial=21, seed=0)
    assert proposal is not None
    assert 0.5 < proposal.details["works"] <= 1


def test_values_of_another_space_teach_nothing() -> None:
    """Earlier trials that the space does not have, or only those, break nothing."""
    foreign = [observe(trial, {"x": 9.0, "lr": "fast"}, float(trial)) for trial in range(20)]
    proposal = HyperOpt().propose(BOWL, foreign, trial=20, seed=0)
    assert proposal is not None
    assert BOWL.values_of(proposal.config) is not None


def proposals_of_a_sweep() -> list[Any]:
    """The configurations of a short sweep over a space with branches."""
    branches = tune.choice([{"p": tune.uniform(0, 1)}, {"q": tune.randint(0, 9)}])
    space = SearchSpace({name: tune.uniform(0, 1) for name in "abcdefgh"} | {"z": branches})
    told = sweep(HyperOpt(n_initial_points=4), space, 8, lambda config: config["a"], seed=0)
    return [proposal.config for proposal, _ in told]


def test_another_process_proposes_the_same() -> None:
    """A resumed sweep runs in another process, with another order of hashes: the proposals are the same."""
    code = "import json, tests.experiments.test_hyperopt as t; print(json.dumps(t.proposals_of_a_sweep()))"
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    run = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    assert json.loads(run.stdout) == proposals_of_a_sweep()


@pytest.mark.parametrize(("trials", "seconds"), [(300, 1.0), (1000, 2.0)])
def test_a_proposal_does_not_hold_up_the_sweep(trials: int, seconds: float) -> None:
    """After 300 and 1,000 trials of twelve dimensions, in a process that sees them for the first time."""
    space = SearchSpace(
        {f"x{i}": tune.loguniform(1e-4, 1) for i in range(6)}
        | {f"n{i}": tune.lograndint(8, 513) for i in range(3)}
        | {
            "a": tune.choice(["a", "b", "c"]),
            "o": tune.choice([{"lr": tune.uniform(0, 1)}, {"lr": tune.uniform(0, 2)}]),
        }
    )
    rng = np.random.default_rng(0)
    told = [
        observe(trial, space.configuration(space.draw(rng)), None if trial % 9 == 0 else float(rng.normal()))
        for trial in range(trials)
    ]
    start = time.process_time()
    proposal = HyperOpt().propose(space, told, trial=trials, seed=0)
    assert time.process_time() - start < seconds
    assert proposal is not None
    assert proposal.origin == "tpe"


def test_a_density_integrates_to_one() -> None:
    """Over a coordinate and a choice, with a trial that does not have the coordinate."""
    density = Density(
        axes=(Axis(probabilities=(0.25, 0.75)), Axis(when=((0, 1),))),
        rows=np.array([[1.0, 0.2], [1.0, 0.9], [0.0, np.nan]]),
        weights=np.array([1.0, 0.5, 1.5]),
        prior_weight=1.0,
    )
    units = (np.arange(1000) + 0.5) / 1000
    inside = np.exp(density.log(np.column_stack([np.ones(1000), units]))).mean()
    outside = np.exp(density.log(np.array([[0.0, np.nan]])))[0]
    assert inside + outside == pytest.approx(1.0, abs=1e-6)
    drawn = density.draw(np.random.default_rng(0), 4000)
    assert np.mean(drawn[:, 0] == 1) == pytest.approx(inside, abs=0.03)
    assert (np.isnan(drawn[:, 1]) == (drawn[:, 0] == 0)).all()
    cells, _ = np.histogram(drawn[:, 1], bins=10, range=(0, 1))
    expected = np.exp(density.log(np.column_stack([np.ones(1000), units]))).reshape(10, 100).sum(axis=1) * 4
    assert np.abs(cells - expected).max() < 4 * np.sqrt(expected.max())


@pytest.mark.parametrize(
    ("searcher", "words"),
    [
        (
            HyperOpt(n_initial_points=0),
            "search.n_initial_points: 0 is given where a whole number of at least 1 is needed.",
        ),
        (
            HyperOpt(n_ei_candidates=2.5),  # type: ignore[arg-type]
            "search.n_ei_candidates: 2.5 is given where a whole number of at least 1 is needed.",
        ),
        (HyperOpt(gamma=0), "search.gamma: 0 is given where a finite number above 0 and at most 1 is needed."),
        (
            HyperOpt(gamma=float("nan")),
            "search.gamma: nan is given where a finite number above 0 and at most 1 is needed.",
        ),
        (
            HyperOpt(prior_weight=INFINITY),
            "search.prior_weight: inf is given where a finite number from 1e-6 to 1e6 is needed.",
        ),
        (
            HyperOpt(prior_weight=True),
            "search.prior_weight: True is given where a finite number from 1e-6 to 1e6 is needed.",
        ),
    ],
)
def test_parameters_outside_their_ranges_are_refused(searcher: HyperOpt, words: str) -> None:
    """One fault each, in full."""
    assert searcher.faults(BOWL) == [words]


def test_what_cannot_be_drawn_from_is_refused_by_name() -> None:
    """Grids and computed values, in full, before anything starts."""
    space = SearchSpace({"lr": tune.grid_search([0.1, 0.01]), "n": {"x": tune.sample_from(lambda _: 1)}})
    grid, computed = HyperOpt().faults(space)
    assert grid.startswith("space.lr: HyperOpt cannot run grid_search; it draws from ranges and choices. Use tune.cho")
    assert computed.startswith("space.n.x: HyperOpt cannot learn from sample_from, whose values it does not see coming")


def test_it_says_in_words_what_it_will_do() -> None:
    """One sentence a line, for `sweep show`."""
    assert HyperOpt().in_words(BOWL) == [
        "Configurations are random until 10 results are there.",
        "Then TPE proposes what is likely among the best 15 % of the trials and unlikely among the others.",
    ]
