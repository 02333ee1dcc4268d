"""The dimensions read from a space agree with what Ray Tune samples."""

import json
from typing import Any

import numpy as np
import pytest
from ray import tune

from search_spaces import Dimension, SearchSpace, as_json, constants, describe, searched

RANGES = {
    "uniform": tune.uniform(-1, 2),
    "quniform": tune.quniform(0.1, 0.7, 0.1),
    "loguniform": tune.loguniform(1e-4, 1e-1),
    "qloguniform": tune.qloguniform(0.5, 4, 0.5),
    "randn": tune.randn(3, 2),
    "qrandn": tune.qrandn(3, 2, 0.5),
    "randint": tune.randint(-2, 3),
    "qrandint": tune.qrandint(5, 45, 20),
    "qrandint by one": tune.qrandint(1, 4, 1),
    "lograndint": tune.lograndint(1, 9),
    "qlograndint": tune.qlograndint(3, 40, 8),
    "choice": tune.choice([1, 1.0, True, "1", None, [1, 2], (1, 2), {"a": [1]}]),
}


def only(domain: Any) -> Dimension:
    """The one dimension of a space of one range."""
    (dimension,) = SearchSpace({"x": domain}).dimensions
    return dimension


@pytest.mark.parametrize("domain", RANGES.values(), ids=RANGES)
def test_what_tune_samples_is_inside(domain: Any) -> None:
    """Bounds, grid and type hold for what Tune's sampler gives, and both ends of a grid are reached."""
    dimension, rng = only(domain), np.random.default_rng(0)
    values = [dimension.settle(domain.sample(random_state=rng)) for _ in range(400)]
    assert all(dimension.contains(value) for value in values)
    assert json.loads(json.dumps(values)) == values
    if dimension.size is not None:
        drawn = {dimension.identity(value) for value in values}
        assert drawn == {dimension.identity(dimension.value_at(index)) for index in range(dimension.size)}
    if dimension.lower is not None:
        assert not dimension.contains(dimension.lower - 1)
        assert not dimension.contains(dimension.upper + 1)


@pytest.mark.parametrize(
    ("name", "lower", "upper", "size"),
    [
        ("randint", -2, 2, 5),
        ("qrandint", 20, 40, 2),
        ("qrandint by one", 1, 3, 3),
        ("lograndint", 1, 8, 8),
        ("qlograndint", 8, 40, 5),
        ("quniform", 0.1, 0.7, 7),
        ("qloguniform", 0.5, 4.0, 8),
        ("uniform", -1.0, 2.0, None),
        ("qrandn", None, None, None),
    ],
)
def test_bounds_include_both_ends(name: str, lower: Any, upper: Any, size: int | None) -> None:
    """Tune leaves out the upper bound of integers unless q is above 1; here both ends are always values."""
    dimension = only(RANGES[name])
    assert (dimension.lower, dimension.upper, dimension.size) == (lower, upper, size)


def test_categories_keep_their_types_and_weights() -> None:
    """Equal numbers of different types are different categories, repeated ones are more probable, tuples are lists."""
    dimension = only(RANGES["choice"])
    assert [repr(category) for category in dimension.categories] == [
        *("1", "1.0", "True", "'1'", "None", "[1, 2]", "{'a': [1]}")
    ]
    assert dimension.probabilities == (1 / 8, 1 / 8, 1 / 8, 1 / 8, 1 / 8, 2 / 8, 1 / 8)


def test_quantised_floats_are_written_as_one_would() -> None:
    """3 times 0.1 is 0.3 in the record, and never outside the bounds."""
    dimension = only(RANGES["quniform"])
    assert [dimension.value_at(index) for index in range(7)] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    assert dimension.settle(0.1 * 3) == 0.3


SPACE = {
    "model": "mlp",
    "layers": (64, 32),
    "inner": {"lr": tune.loguniform(1e-4, 1e-1), "fixed": None, "deeper": {"units": tune.randint(1, 4)}},
    "batch_size": tune.choice([16, 32]),
    "grid": {"grid_search": [1, 2]},
}


def test_a_space_is_taken_apart() -> None:
    """Constants and ranges, nested as they stand there."""
    assert constants(SPACE) == {"model": "mlp", "layers": [64, 32], "inner": {"fixed": None}}
    assert searched(SPACE)["inner"]["deeper"]["units"] is SPACE["inner"]["deeper"]["units"]  # type: ignore[index]


def test_a_space_is_described_in_plain_words() -> None:
    """What `sweep show` prints for each kind of range."""
    assert describe({name.replace(" ", "_"): domain for name, domain in RANGES.items()} | SPACE) == [
        ("uniform", "uniform from -1 to 2"),
        ("quniform", "uniform from 0.1 to 0.7 in steps of 0.1"),
        ("loguniform", "log-uniform from 1e-4 to 0.1"),
        ("qloguniform", "log-uniform from 0.5 to 4 in steps of 0.5"),
        ("randn", "normal with mean 3 and standard deviation 2"),
        ("qrandn", "normal with mean 3 and standard deviation 2 in steps of 0.5"),
        ("randint", "integer from -2 to 2"),
        ("qrandint", "multiple of 20 from 20 to 40"),
        ("qrandint_by_one", "integer from 1 to 3"),
        ("lograndint", "integer from 1 to 8 on a log scale"),
        ("qlograndint", "multiple of 8 from 8 to 40 on a log scale"),
        ("choice", "one of 1, 1, True, '1', None, [1, 2], [1, 2], {'a': [1]}"),
        ("model", "mlp"),
        ("layers", "[64, 32]"),
        ("inner.lr", "log-uniform from 1e-4 to 0.1"),
        ("inner.fixed", "None"),
        ("inner.deeper.units", "integer from 1 to 3"),
        ("batch_size", "one of 16, 32"),
        ("grid", "every one of 1, 2"),
    ]


def test_a_space_in_json_is_stable_and_tells_changes() -> None:
    """The same space gives the same JSON; a changed bound, step or constant another."""

    def written(**changes: Any) -> str:
        base = {"lr": tune.loguniform(1e-4, 0.1), "q": tune.quniform(0, 1, 0.5), "n": {"model": "mlp"}}
        return json.dumps(as_json(base | changes))

    assert written() == (
        '{"lr": {"loguniform": [0.0001, 0.1]}, "q": {"quniform": [0, 1, 0.5]}, "n.model": {"constant": "mlp"}}'
    )
    changed = [written(lr=tune.uniform(1e-4, 0.1)), written(q=tune.quniform(0, 1, 0.25)), written(n={"model": "cnn"})]
    assert len({written(), *changed}) == 4
