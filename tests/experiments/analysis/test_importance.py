"""What mattered is what was built in; what did not is not told apart from chance; the edges likewise."""

import math
from typing import Any

import numpy as np
import optuna
import pytest

from experiments._sweep.analysis.edges import _ends, _within, at_edges
from experiments._sweep.analysis.importance import importance
from experiments._sweep.analysis.leading import leading
from experiments._sweep.analysis.searched import Searched, searched
from experiments._sweep.ledger.history import History
from search_spaces import SearchSpace, from_json
from tests.experiments.analysis.made import Ran, history

SPACE = {
    "lr": {"loguniform": [1e-4, 1.0]},
    "depth": {"randint": [1, 9]},
    "drop": {"uniform": [0.0, 0.5]},
    "act": {"choice": [["relu", "tanh"]]},
}
QUICK: Any = {"resamples": 10, "shuffles": 19}


def found(of: History) -> Searched:
    """Give what was searched, which there is."""
    told = searched(of)
    assert told is not None
    return told


def drawn(seed: int) -> dict[str, Any]:
    """Draw a configuration of the space."""
    rng = np.random.default_rng(seed)
    config = {"lr": 10 ** rng.uniform(-4, 0), "depth": int(rng.integers(1, 9)), "drop": rng.uniform(0, 0.5)}
    return {**config, "act": ["relu", "tanh"][rng.integers(2)]}


def by_lr(count: int = 40, ending: str = "completed") -> History:
    """Give trials of which the learning rate alone decides, best at 0.01."""
    configs = [drawn(seed) for seed in range(count)]
    return history(SPACE, [Ran(each, [(math.log10(each["lr"]) + 2) ** 2], ending) for each in configs])


def test_the_hyperparameter_that_decides_has_the_largest_share_and_stands_out_alone() -> None:
    """The shares add up to one, and each lies in its interval."""
    told = importance(by_lr(), **QUICK)
    assert told.shares[0].name == "lr"
    assert [each.name for each in told.shares if each.stands_out] == ["lr"]
    assert sum(each.share for each in told.shares) == pytest.approx(1.0)
    assert all(0 <= each.low <= each.share <= each.high <= 1 for each in told.shares)
    assert (told.trials, told.leading, {each.trials for each in told.shares}) == (40, 10, {40})


def test_the_shares_are_those_that_optuna_gives_by_hand() -> None:
    """A study written down here, without any of our code between it and the evaluator, agrees."""
    made = by_lr()
    study = optuna.create_study()
    distributions: dict[str, Any] = {
        "lr": optuna.distributions.FloatDistribution(1e-4, 1.0, log=True),
        "depth": optuna.distributions.IntDistribution(1, 8),
        "drop": optuna.distributions.FloatDistribution(0.0, 0.5),
        "act": optuna.distributions.CategoricalDistribution(("relu", "tanh")),
    }
    for trial in made.trials.values():
        study.add_trial(optuna.trial.create_trial(params=trial.config, distributions=distributions, value=trial.value))
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=0.25)
    by_hand = optuna.importance.get_param_importances(study, evaluator=evaluator)
    assert {each.name: each.share for each in importance(made, **QUICK).shares} == pytest.approx(by_hand)


def test_where_nothing_decides_nothing_stands_out_more_often_than_one_time_in_twenty() -> None:
    """Values drawn at random: of 12 such sweeps few have a hyperparameter that seems to matter."""
    found = 0
    for seed in range(12):
        rng = np.random.default_rng(1000 + seed)
        trials = [Ran(drawn(100 * seed + n), [rng.random()]) for n in range(12)]
        told = importance(history(SPACE, trials), resamples=1, shuffles=19, seed=seed)
        found += any(each.stands_out for each in told.shares)
    assert found <= 3  # 12 tries at 1 in 20: more than 3 come once in 500 times


def test_the_same_ledger_gives_the_same_numbers() -> None:
    """Chance enters by the seed alone."""
    assert importance(by_lr(12), **QUICK) == importance(by_lr(12), **QUICK)
    assert importance(by_lr(12), **QUICK) != importance(by_lr(12), **QUICK, seed=1)


def test_a_hyperparameter_of_a_branch_is_judged_on_the_trials_that_have_it() -> None:
    """And not at all where fewer than ten have it, which is said."""
    inner = {"name": {"constant": "a"}, "m": {"uniform": [0.0, 1.0]}}
    space = {"o": {"choice": [[inner, {"name": {"constant": "b"}, "k": {"uniform": [0.0, 1.0]}}]]}}
    rng = np.random.default_rng(0)
    trials = []
    for number in range(30):
        value = rng.random()
        config = {"name": "b", "k": value} if number % 5 == 0 else {"name": "a", "m": value}
        trials.append(Ran({"o": config}, [abs(value - 0.2) if "m" in config else 0.5]))
    told = importance(history(space, trials), **QUICK)
    assert {each.name: each.trials for each in told.shares} == {"o": 30, "o[a].m": 24}
    assert told.shares[0].name == "o[a].m"
    assert any("o[b].k" in note for note in told.notes)


@pytest.mark.parametrize(
    ("trials", "why"),
    [
        ([Ran(drawn(n), [n]) for n in range(9)], "9 trials have ended, and it takes 10"),
        ([Ran(drawn(n), [1.0]) for n in range(12)], "equally good"),
        ([Ran(drawn(n), [n], None) for n in range(12)], "0 trials have ended"),
    ],
)
def test_what_cannot_be_told_is_not_told(trials: list[Ran], why: str) -> None:
    """With the reason, and without a share."""
    told = importance(history(SPACE, trials), **QUICK)
    assert not told.shares
    assert why in told.reason


def test_nothing_is_said_of_a_sweep_that_searched_nothing() -> None:
    """Its trials differ in their seeds."""
    told = importance(history({}, [Ran({"x": 1, "seed": n}) for n in range(12)]))
    assert told.reason == "Nothing was searched."


def test_failed_trials_count_as_the_worst_and_a_lost_process_as_nothing() -> None:
    """A learning rate that makes trials diverge decides; a lost node says nothing of a configuration."""
    configs = [drawn(seed) for seed in range(40)]
    diverging = [
        Ran(each, [0.5] if each["lr"] < 0.01 else [], "completed" if each["lr"] < 0.01 else "diverged")
        for each in configs
    ]
    told = importance(history(SPACE, diverging), **QUICK)
    assert (told.shares[0].name, told.shares[0].stands_out, told.trials) == ("lr", True, 40)
    lost = [Ran(each.config, each.losses, "lost" if each.ending == "diverged" else each.ending) for each in diverging]
    assert importance(history(SPACE, lost), **QUICK).reason == "All trials are equally good."


def test_where_most_trials_failed_what_decides_that_is_found() -> None:
    """The leading trials are then those that did not fail; where none is left, that is what is said."""
    configs = [drawn(seed) for seed in range(40)]
    few = sorted(each["lr"] for each in configs)[6]
    told = importance(
        history(SPACE, [Ran(each, *(([0.5],) if each["lr"] < few else ([], "diverged"))) for each in configs]), **QUICK
    )
    assert (told.shares[0].name, told.shares[0].stands_out, told.leading) == ("lr", True, 6)
    failed = importance(history(SPACE, [Ran(each, [], "error") for each in configs]), **QUICK)
    assert failed.reason == "Every trial failed."


def test_trials_as_good_as_the_last_leading_one_are_counted_with_it() -> None:
    """The evaluator cannot tell them apart either."""
    told = importance(history(SPACE, [Ran(drawn(seed), [seed // 8]) for seed in range(40)]), **QUICK)
    assert told.leading == 16


@pytest.mark.parametrize(
    "space",
    [
        {"x": {"randint": [0, 2]}},
        {"x": {"randint": [0, 11]}},
        {"x": {"lograndint": [1, 9]}},
        {"x": {"lograndint": [2, 17]}},
        {"x": {"quniform": [0.0, 1.0, 0.5]}},
        {"x": {"quniform": [0.0, 1.0, 0.1]}},
        {"x": {"uniform": [0.0, 1.0]}},
        {"x": {"loguniform": [1e-4, 1.0]}},
    ],
)
def test_where_chance_decides_an_end_holds_what_is_drawn_there(space: dict[str, Any]) -> None:
    """Its part is that of Tune's own draws, by which a searcher is judged; a step may be wider than an end."""
    searched_space = SearchSpace(from_json(space))
    rng = np.random.default_rng(0)
    draws = [searched_space.configuration(searched_space.draw(rng)) for _ in range(4000)]
    [axis] = found(history(space, [Ran(each) for each in draws[:2]])).axes
    for end in _ends(axis):
        inside = sum(_within(each["x"], end.until, end.bound) for each in draws) / len(draws)
        assert inside == pytest.approx(end.share, abs=0.03)


def test_of_two_integers_a_half_at_each_end_is_no_crowd() -> None:
    """Ten of twenty at 0 are what chance gives."""
    made = [Ran({"x": n % 2}, [n]) for n in range(80)]
    assert at_edges(history({"x": {"randint": [0, 2]}}, made)) == ()


def test_an_optimum_beyond_the_range_is_seen_at_its_edge() -> None:
    """Better the larger it is: the upper end, a decade more on a log scale; the others have no edge."""
    lrs = np.geomspace(1e-4, 1.0, 60).tolist()
    trials = [Ran({**drawn(n), "lr": lr}, [-math.log10(lr)]) for n, lr in enumerate(lrs)]
    [edge] = at_edges(history({**SPACE, "lr": {"loguniform": [1e-4, 1.0]}}, trials))
    assert (edge.name, edge.side, edge.bound, edge.leading, edge.best) == ("lr", "upper", 1.0, 15, True)
    assert edge.crowded == sum(lr >= 10**-0.5 for lr in lrs[-15:])
    assert (edge.tried, edge.among) == (sum(lr >= 10**-0.5 for lr in lrs), 60)
    assert edge.expected == pytest.approx(15 * edge.tried / 60)


@pytest.mark.parametrize(
    ("space", "sign", "told"),
    [
        ({"x": {"uniform": [0.0, 2.0]}}, 1, ("lower", 0.0, None)),
        ({"x": {"uniform": [0.0, 2.0]}}, -1, ("upper", 2.0, 3.0)),
        ({"x": {"loguniform": [0.001, 2.0]}}, 1, ("lower", 0.001, 0.0001)),
        ({"x": {"randint": [1, 6]}}, 1, ("lower", 1, None)),
        ({"x": {"randint": [1, 6]}}, -1, ("upper", 5, 7)),
        ({"x": {"lograndint": [16, 257]}}, -1, ("upper", 256, 512)),
        ({"x": {"choice": [[64, 16, 32, 128]]}}, -1, ("upper", 128, 256)),
        ({"x": {"grid_search": [[1, 2, 3]]}}, -1, ("upper", 3, 4)),
    ],
)
def test_each_kind_of_range_has_its_edges_and_what_lies_beyond(
    space: dict[str, Any], sign: int, told: tuple[str, float, float | None]
) -> None:
    """A lower bound of 0 and a count of 1 may be the end of what there is."""
    dimension = SearchSpace(from_json(space)).dimensions[0]
    spread = np.geomspace if dimension.log else np.linspace
    if dimension.categories:
        values = [dimension.categories[n % len(dimension.categories)] for n in range(60)]
    else:
        values = [
            dimension.settle(round(each) if dimension.kind == "int" else each)
            for each in spread(dimension.lower, dimension.upper, 60)
        ]
    [edge] = at_edges(history(space, [Ran({"x": value}, [sign * value]) for value in values]))
    assert (edge.side, edge.bound, edge.wider) == told
    assert edge.natural == (told[2] is None)


def test_an_optimum_inside_the_range_has_no_edge() -> None:
    """Nor has a sweep of few trials."""
    assert at_edges(by_lr(60)) == ()
    assert at_edges(by_lr(9)) == ()


def test_the_leading_trials_are_a_quarter_of_few_and_twenty_of_many() -> None:
    """And a tenth of very many; the best first."""
    for count, expected in ((9, 0), (10, 3), (40, 10), (100, 20), (300, 30)):
        made = history(SPACE, [Ran({"lr": 0.1, "depth": 1, "drop": 0.1, "act": "relu"}, [n]) for n in range(count)])
        assert leading(made) == list(range(expected))
