"""A space with branches: drawn from, counted, put together and read back."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ray import tune

from search_spaces import SearchSpace, as_json, describe, from_json
from tests.strategies import SPACES

OPTIMIZERS = [
    {"name": "sgd", "lr": tune.loguniform(1e-2, 1.0), "momentum": tune.choice([0.0, 0.9])},
    {"name": "adam", "lr": tune.loguniform(1e-4, 1e-2)},
    None,
]
SPACE = {"model": "mlp", "layers": (64, 32), "optimizer": tune.choice(OPTIMIZERS), "units": tune.lograndint(4, 65)}
FINITE = {
    "first": tune.choice([{"k": tune.randint(0, 3)}, {"m": tune.choice([1, 2]), "z": tune.choice([[1], "x"])}, 7]),
    "second": tune.randint(0, 2),
    "third": tune.grid_search(["a", "b"]),
}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(SPACES, st.integers(0, 2**32 - 1))
def test_what_is_drawn_is_read_back(space: dict[str, Any], seed: int) -> None:
    """Drawn values are inside their dimensions, JSON, and found again in the configuration that they make."""
    searched, rng = SearchSpace(space), np.random.default_rng(seed)
    for _ in range(5):
        values = searched.draw(rng)
        active = searched.active(values)
        assert [dimension.path for dimension in active] == list(values)
        assert all(dimension.contains(values[dimension.path]) for dimension in active)
        config = searched.configuration(values)
        assert json.loads(json.dumps(config)) == config
        again = searched.values_of({**config, "epochs": 3})
        assert again is not None
        assert searched.configuration(again) == config


@settings(max_examples=100, deadline=None, derandomize=True)
@given(SPACES)
def test_counting_and_listing_agree(space: dict[str, Any]) -> None:
    """A countable space lists as many different choices of values as it says; names and paths are unique."""
    searched = SearchSpace(space)
    assert len({dimension.path for dimension in searched.dimensions}) == len(searched.dimensions)
    assert len({dimension.name for dimension in searched.dimensions}) == len(searched.dimensions)
    if searched.size is not None and searched.size <= 3000:
        listed = {json.dumps([*map(repr, searched.at(index).items())]) for index in range(searched.size)}
        assert len(listed) == searched.size


def test_a_finite_space_is_listed_in_the_order_written() -> None:
    """Three plus four plus one first values, times two, times two; the last dimension changes fastest."""
    searched = SearchSpace(FINITE)
    assert searched.size == (3 + 4 + 1) * 2 * 2
    configs = [searched.configuration(searched.at(index)) for index in range(searched.size)]
    assert configs[:3] == [
        {"first": {"k": 0}, "second": 0, "third": "a"},
        {"first": {"k": 0}, "second": 0, "third": "b"},
        {"first": {"k": 0}, "second": 1, "third": "a"},
    ]
    assert configs[-1] == {"first": 7, "second": 1, "third": "b"}
    assert SearchSpace(SPACE).size is None


def test_branches_with_the_same_key_stay_apart() -> None:
    """Two learning rates are two dimensions, each with its own range and only in its own branch."""
    searched = SearchSpace(SPACE)
    assert [dimension.name for dimension in searched.dimensions] == [
        *("optimizer", "optimizer[sgd].lr", "optimizer[sgd].momentum", "optimizer[adam].lr", "units")
    ]
    rng = np.random.default_rng(0)
    drawn = [searched.configuration(searched.draw(rng))["optimizer"] for _ in range(3000)]
    counts = Counter("none" if branch is None else branch["name"] for branch in drawn)
    assert all(900 < counts[name] < 1100 for name in ("sgd", "adam", "none"))
    assert all(set(branch) == {"name", "lr", "momentum"} for branch in drawn if branch and branch["name"] == "sgd")
    assert all(1e-4 <= branch["lr"] <= 1e-2 for branch in drawn if branch and branch["name"] == "adam")


def test_a_configuration_of_another_space_is_not_read() -> None:
    """A missing key, a value outside, a branch that there is not: None, and never a guess."""
    searched = SearchSpace(SPACE)
    good = {"model": "mlp", "layers": [64, 32], "optimizer": {"name": "adam", "lr": 1e-3}, "units": 8}
    values = searched.values_of(good)
    assert values == {("optimizer",): 1, ("optimizer", 1, "lr"): 1e-3, ("units",): 8}
    strange: list[dict[str, Any]] = [
        {"units": 80},
        {"units": 8.5},
        {"optimizer": "adam"},
        {"optimizer": {"name": "adam", "lr": 0.5}},
        {"optimizer": {"name": "adam", "lr": 1e-3, "momentum": 0.9}},
    ]
    assert [searched.values_of(good | change) for change in strange] == [None] * len(strange)
    assert searched.values_of({"optimizer": None}) is None


def test_where_branches_overlap_a_value_keeps_its_type() -> None:
    """2 is read as the integer that it is, 2.0 as the float, although both lie in both branches."""
    searched = SearchSpace({"x": tune.choice([tune.uniform(0, 3), tune.randint(0, 3), {}, None])})
    assert searched.values_of({"x": 2}) == {("x",): 1, ("x", 1): 2}
    assert searched.values_of({"x": 2.0}) == {("x",): 0, ("x", 0): 2.0}
    for value in (2, 2.0, {}, None):
        values = searched.values_of({"x": value})
        assert values is not None
        assert json.dumps(searched.configuration(values)) == json.dumps({"x": value})


def test_draws_go_on_until_some_are_allowed() -> None:
    """One draw in a thousand is enough; where none is allowed they end; given values are kept."""
    rng = np.random.default_rng(0)
    searched = SearchSpace({"x": tune.uniform(0, 1), "y": tune.uniform(0, 1)}, lambda config: config["x"] < 1e-3)
    drawn = [values for values, _ in zip(searched.allowed_draws(rng), range(5), strict=False)]
    assert len(drawn) == 5
    assert all(values["x",] < 1e-3 for values in drawn)
    assert next(searched.allowed_draws(rng, [{("x",): 0.5}], misses=50), None) is None
    assert next(searched.allowed_draws(rng, [{("x",): 5e-4}], misses=1))["x",] == 5e-4


def test_what_is_required_is_asked_of_the_whole_configuration() -> None:
    """The predicate sees constants and branches as the trainable would."""
    searched = SearchSpace(SPACE, lambda config: config["model"] == "mlp" and config["optimizer"] is None)
    assert searched.allows({("optimizer",): 2, ("units",): 4})
    assert not searched.allows({("optimizer",): 1, ("optimizer", 1, "lr"): 1e-3, ("units",): 4})


def test_branches_are_described_one_by_one() -> None:
    """In words and in JSON, each branch with what it holds."""
    assert describe(SPACE)[2:6] == [
        ("optimizer", "one of the branches sgd, adam, None"),
        ("optimizer[sgd].name", "sgd"),
        ("optimizer[sgd].lr", "log-uniform from 0.01 to 1"),
        ("optimizer[sgd].momentum", "one of 0, 0.9"),
    ]
    assert as_json(SPACE)["optimizer"]["choice"][0][1:] == [
        {"name": {"constant": "adam"}, "lr": {"loguniform": [1e-4, 1e-2]}},
        {"constant": None},
    ]
    assert json.loads(json.dumps(as_json(FINITE))) == as_json(FINITE)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(SPACES)
def test_a_space_is_read_back_from_its_record(space: dict[str, Any]) -> None:
    """What a ledger has of a space makes the same dimensions, bounds and branches, and the same record again."""
    written = json.loads(json.dumps(as_json(space)))
    again = from_json(written)
    assert as_json(again) == written
    pairs = zip(SearchSpace(space).dimensions, SearchSpace(again).dimensions, strict=True)
    for ours, theirs in pairs:
        assert replace(ours, domain=None) == replace(theirs, domain=None)


def test_what_is_no_record_of_a_space_is_refused() -> None:
    """A range of a later version by its name; of a function only the name is known."""
    with pytest.raises(ValueError, match="unknown range 'zipf'"):
        from_json({"lr": {"zipf": [1, 2]}})
    with pytest.raises(ValueError, match="7 is no part of a space"):
        from_json({"lr": {"constant": 1}, "momentum": 7})  # type: ignore[dict-item]
    computed = from_json(as_json({"lr": tune.sample_from(lambda _: 1)}))["lr"]
    with pytest.raises(TypeError, match="not the function"):
        computed.func({})


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (
            [{"sgd": {"lr": tune.uniform(0, 1)}}, {"adam": {"lr": tune.uniform(0, 1)}}],
            ["x[sgd].sgd.lr", "x[adam].adam.lr"],
        ),
        ([{"lr": tune.uniform(0, 1)}, {"lr": tune.uniform(2, 3)}], ["x[0].lr", "x[1].lr"]),
        ([tune.uniform(0, 1), tune.randint(5, 8)], ["x[0]", "x[1]"]),
        ([None, [64], [tune.randint(1, 9), 32]], ["x[2 long].0"]),
        ([[tune.randint(1, 9)], [tune.randint(10, 20)]], ["x[0].0", "x[1].0"]),
    ],
)
def test_branches_have_names(options: list[Any], names: list[str]) -> None:
    """By their only key, by a string or a length that tells them apart, otherwise by number."""
    searched = SearchSpace({"x": tune.choice(options)})
    assert [dimension.name for dimension in searched.dimensions[1:]] == names


def test_the_branches_of_a_choice_go_by_the_names_that_their_dimensions_have() -> None:
    """A branch without a range of its own has one too; other choices have none, their values say it."""
    by_name = {dimension.name: dimension for dimension in SearchSpace(SPACE).dimensions}
    assert by_name["optimizer"].labels == ("sgd", "adam", "None")
    assert {name for name in by_name if "[" in name} == {
        *("optimizer[sgd].lr", "optimizer[sgd].momentum", "optimizer[adam].lr"),
    }
    assert by_name["optimizer[sgd].momentum"].labels == by_name["units"].labels == ()
