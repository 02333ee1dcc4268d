"""HyperOptSearch and BayesOptSearch as Ray Tune calls them, without a cluster."""

import copy
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from ray import cloudpickle, tune
from ray.tune.search import ConcurrencyLimiter, Searcher

from experiments import BayesOptSearch, HyperOptSearch
from search_spaces import SearchSpace

EVERY = pytest.mark.parametrize("kind", [BayesOptSearch, HyperOptSearch])

RANGES = {
    "lr": tune.loguniform(1e-4, 1e-1),
    "inner": {"units": tune.randint(2, 9), "shape": tune.choice([[64, 32], None, True])},
    "optimizer": tune.choice([{"name": "sgd", "momentum": tune.uniform(0, 1)}, {"name": "adam"}]),
}
SPACE = {**RANGES, "data": object(), "fixed": (1, 2)}


def loss_at(config: Mapping[str, Any]) -> float:
    """Lowest at a learning rate of 0.01."""
    return (math.log10(config["lr"]) + 2) ** 2 + 0.1 * config["inner"]["units"]


def ready(kind: Any, space: Mapping[str, Any] = SPACE, mode: str = "min", **arguments: Any) -> Any:
    """A searcher as the Tuner makes it ready."""
    searcher = kind(**arguments)
    assert searcher.set_search_properties("loss", mode, space)
    return searcher


def run(
    searcher: Any, trials: int, at: Callable[[Any], float] = loss_at, first: int = 0, failing: bool = True
) -> list[dict[str, Any]]:
    """Run trials of three iterations, three at a time; every fifth raises, every seventh diverges."""
    configs, running = [], []
    for number in range(first, first + trials):
        config = searcher.suggest(f"trial_{number}")
        configs.append(config)
        running.append((number, config))
        if len(running) < 3 and number < first + trials - 1:
            continue
        done, config = running.pop(0)
        name = f"trial_{done}"
        for iteration in (1, 2, 3):
            searcher.on_trial_result(name, {"loss": at(config) + 1 / iteration, "training_iteration": iteration})
        if failing and done % 5 == 4:
            searcher.on_trial_complete(name, None, error=True)
        elif failing and done % 7 == 6:
            searcher.on_trial_complete(name, {"loss": math.nan, "training_iteration": 4})
        else:
            searcher.on_trial_complete(name, {"loss": at(config) + 1 / 3, "training_iteration": 3, "done": True})
    return configs


@EVERY
def test_it_suggests_what_is_searched_and_nothing_else(kind: Any) -> None:
    """Ray has the constants, of whatever type; types and bounds of the ranges hold, also through failures."""
    space = SearchSpace(RANGES)
    for config in run(ready(kind, n_initial_points=4), 16):
        assert set(config) == set(RANGES) and space.values_of(config) is not None
        assert type(config["inner"]["units"]) is int
        assert config["inner"]["shape"] in ([64, 32], None, True)
        assert set(config["optimizer"]) in ({"name", "momentum"}, {"name"})


@EVERY
def test_it_learns(kind: Any) -> None:
    """The later suggestions lie nearer to the best than the random ones, for either mode."""
    for mode, sign in (("min", 1), ("max", -1)):
        searcher = ready(kind, {"lr": RANGES["lr"]}, mode, seed=1)
        configs = run(searcher, 24, lambda c, sign=sign: sign * (math.log10(c["lr"]) + 2) ** 2, failing=False)
        away = [abs(math.log10(config["lr"]) + 2) for config in configs]
        assert median(away[-9:]) < 0.7 * median(away[:9]), mode


@EVERY
def test_a_seed_repeats_it(kind: Any) -> None:
    """The same answers, the same suggestions; another seed, others."""
    first, second, other = (run(ready(kind, n_initial_points=4, seed=seed), 12) for seed in (1, 1, 2))
    assert first == second != other


@EVERY
def test_it_is_saved_and_restored_as_json(kind: Any, tmp_path: Path) -> None:
    """The suggestions after it are those without; nothing is pickled."""
    searcher = ready(kind, n_initial_points=4)
    run(searcher, 9)
    searcher.save_to_dir(str(tmp_path))
    (file,) = tmp_path.iterdir()
    assert file.suffix == ".json" and len(json.loads(file.read_text())["suggested"]) == 9
    again = ready(kind, n_initial_points=4)
    again.restore_from_dir(str(tmp_path))
    assert run(again, 5, first=9) == run(searcher, 5, first=9)
    assert isinstance(cloudpickle.loads(cloudpickle.dumps(again)), kind), "Ray pickles it into tuner.pkl"
    assert copy.deepcopy(again).suggest("x") == again.suggest("x")


@EVERY
@pytest.mark.parametrize("content", ["", "{}", '{"format": 1, "searcher": "Other"}', '{"format": 9, "searcher": "x"}'])
def test_a_state_that_is_none_is_refused(kind: Any, content: str, tmp_path: Path) -> None:
    """With the file and what to do."""
    (tmp_path / "state").write_text(content)
    with pytest.raises(
        ValueError, match=rf"state cannot be read as the state of a {kind.__name__}: .* Start a new exper"
    ):
        kind().restore(str(tmp_path / "state"))


@EVERY
def test_a_finite_space_is_finished(kind: Any) -> None:
    """Every configuration once, then FINISHED."""
    searcher = ready(kind, {"a": tune.choice([1, 2]), "b": tune.choice([True, None])}, n_initial_points=2)
    configs = run(searcher, 4, lambda config: config["a"])
    assert len({json.dumps(config, sort_keys=True) for config in configs}) == 4
    assert searcher.suggest("fifth") == Searcher.FINISHED


@EVERY
def test_start_points_and_what_is_required(kind: Any) -> None:
    """Start points come first; `require` sees the constants, too, and holds for every suggestion."""
    searcher = ready(
        kind,
        start_points=[{"lr": 1e-3}, {"inner": {"units": 5}}],
        require=lambda c: c["inner"]["units"] * c["fixed"][1] > 6,
        n_initial_points=4,
    )
    configs = run(searcher, 12)
    assert configs[0]["lr"] == 1e-3 and configs[1]["inner"]["units"] == 5
    assert all(config["inner"]["units"] > 3 for config in configs)


@EVERY
def test_points_that_are_known_already(kind: Any) -> None:
    """They are learned from, not suggested again, and shift nothing; failures and pruned ones, too."""
    searcher = ready(
        kind, {"a": tune.choice([1, 2, 3, 4, 5]), "data": object()}, n_initial_points=2, start_points=[{"a": 4}]
    )
    searcher.add_evaluated_point({"a": 1}, 0.5)
    searcher.add_evaluated_point({"a": 2}, 0.7, pruned=True, intermediate_values=[0.9])
    searcher.add_evaluated_point({"a": 3}, math.nan, error=True)
    assert [config["a"] for config in run(searcher, 2, lambda config: config["a"])] == [4, 5]
    assert searcher.suggest("more") == Searcher.FINISHED
    with pytest.raises(ValueError, match=r"the space does not have the evaluated point \{'a': 9\}\."):
        searcher.add_evaluated_point({"a": 9}, 0.5)


@EVERY
def test_a_metric_may_be_missing_or_no_number(kind: Any) -> None:
    """Nothing is learned from such a result, and nothing breaks; results of unknown trials are not looked at."""
    searcher = ready(kind, n_initial_points=1)
    for number, result in enumerate([{}, {"loss": None}, {"loss": "x"}, {"loss": math.inf}, {"loss": 0.5}, None]):
        assert isinstance(searcher.suggest(str(number)), dict)
        searcher.on_trial_result(str(number), result or {})
        searcher.on_trial_complete(str(number), result)
    searcher.on_trial_result("unknown", {"loss": 1.0})
    searcher.on_trial_complete("unknown", {"loss": 1.0})
    assert [told.ending for told in searcher._suggested] == ["error", "error", "error", "diverged", "stopped", "error"]
    assert isinstance(searcher.suggest("next"), dict)


@EVERY
def test_a_limit_on_concurrency(kind: Any) -> None:
    """Ray's wrapper asks it only when a trial may start."""
    limited = ConcurrencyLimiter(kind(n_initial_points=2), max_concurrent=2)
    assert limited.set_search_properties("loss", "min", {"lr": RANGES["lr"]})
    assert [limited.suggest(name) is None for name in "abc"] == [False, False, True]
    limited.on_trial_complete("a", {"loss": 1.0})
    assert isinstance(limited.suggest("d"), dict)


@EVERY
def test_a_space_of_its_own(kind: Any) -> None:
    """Given to the searcher, it comes back whole; the Tuner's ranges are then refused by Ray."""
    searcher = kind({"lr": RANGES["lr"], "fixed": (1, 2)}, metric="loss", mode="min")
    config = searcher.suggest("0")
    assert config["fixed"] == [1, 2] and 1e-4 <= config["lr"] <= 1e-1
    assert searcher.set_search_properties(None, None, SPACE) is False


@EVERY
def test_what_is_refused(kind: Any) -> None:
    """By name, when it is made or when the Tuner starts."""
    name = kind.__name__.removesuffix("Search")
    for space, said in (
        ({"x": tune.grid_search([1, 2])}, f"space.x: {name} cannot run grid_search"),
        ({"x": tune.sample_from(lambda _: 1)}, f"space.x: {name} cannot learn from sample_from"),
        ({"x": 1}, "space: nothing to search"),
    ):
        with pytest.raises(ValueError, match=said):
            kind().set_search_properties("loss", "min", space)
    with pytest.raises(ValueError, match=r"start_points\[0\].lr: 7 is outside the space"):
        ready(kind, start_points=[{"lr": 7}])
    with pytest.raises(ValueError, match=r"search.n_initial_points: 0 is given"):
        ready(kind, n_initial_points=0)
    with pytest.raises(TypeError, match="n_initial_pionts"):
        kind(n_initial_pionts=1)
    with pytest.raises(ValueError, match=r"seed must be a whole number from 0 to 2\*\*32 - 1, got -1."):
        kind(seed=-1)
    with pytest.raises(ValueError, match=r"require must be a function of a configuration, got 3\."):
        kind(require=3)
    with pytest.raises(ValueError, match=rf"{kind.__name__} has no space yet. Give them to the Tuner"):
        kind().suggest("0")
    with pytest.raises(ValueError, match=rf"{kind.__name__} has no metric and mode yet."):
        kind({"lr": RANGES["lr"]}).suggest("0")


@EVERY
def test_a_requirement_that_nothing_meets_is_refused(kind: Any) -> None:
    """When the Tuner starts, rather than an experiment without a trial."""
    with pytest.raises(
        ValueError, match=r"^require allowed none of 10,000 random configurations\. Correct it, or change"
    ):
        ready(kind, require=lambda config: config["fixed"] == "other")
    with pytest.raises(ValueError, match=r"^require must return True or False, got '' for the configuration"):
        ready(kind, require=lambda config: config["optimizer"]["name"][:0])
