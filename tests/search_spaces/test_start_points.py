"""Start points: completed where they are parts, refused by name where they do not fit."""

from typing import Any

import numpy as np
import pytest
from ray import tune

from search_spaces import SearchSpace, start_point_faults, started

SPACE = SearchSpace(
    {
        "model": "mlp",
        "lr": tune.loguniform(1e-4, 1e-1),
        "inner": {"units": tune.randint(4, 65)},
        "optimizer": tune.choice(
            [{"name": "sgd", "momentum": tune.uniform(0, 1)}, {"name": "adam", "eps": tune.uniform(0, 1)}]
        ),
    },
    lambda config: config["inner"]["units"] <= 32,
)

BAD: dict[str, tuple[Any, str]] = {
    "outside": ([{}, {"lr": 5}], "start_points[1].lr: 5 is outside the space: log-uniform from 1e-4 to 0.1."),
    "nested": (
        [{"inner": {"units": 3.5}}],
        "start_points[0].inner.units: 3.5 is outside the space: integer from 4 to 64.",
    ),
    "unknown": (
        [{"learning_rate": 1e-3, "lrr": 1e-3}],
        "start_points[0]: the space has no 'lrr'; it has model, lr, inner, optimizer. Did you mean 'lr'?",
    ),
    "constant": ([{"model": "cnn"}], "start_points[0].model: 'cnn' is given where the space has 'mlp'."),
    "no dict inside": ([{"inner": 3}], "start_points[0].inner: 3 is given where a dict of units is needed."),
    "branch": (
        [{"optimizer": {"name": "sgd", "eps": 0.1}}],
        (
            "start_points[0].optimizer: {'name': 'sgd', 'eps': 0.1} fits none of the branches. "
            "start_points[0].optimizer: the space has no 'eps'; it has name, momentum."
        ),
    ),
    "not allowed": (
        [{"inner": {"units": 64}}],
        (
            "start_points[0]: {'inner': {'units': 64}} is not allowed by `require`, however it is completed. "
            "Change it, or remove it."
        ),
    ),
    "no dict": ([3], "start_points[0]: expected a dict of names to values, got 3."),
    "no list": ({"lr": 1}, "start_points: expected a list of dicts, got {'lr': 1}. Write [{'lr': 1e-3}]."),
}


@pytest.mark.parametrize(("points", "text"), BAD.values(), ids=BAD)
def test_a_start_point_that_does_not_fit_is_refused(points: Any, text: str) -> None:
    """Each fault names its place, what was given and what the space has."""
    assert text in "\n".join(start_point_faults(SPACE, points, np.random.default_rng(0)))


@pytest.mark.parametrize("point", [{}, {"lr": 1e-3}, {"optimizer": {"name": "adam"}}, {"optimizer": {"momentum": 0.5}}])
def test_a_start_point_is_completed(point: dict[str, Any]) -> None:
    """What is given stays, the rest is drawn, and what is required holds."""
    assert start_point_faults(SPACE, [point], np.random.default_rng(0)) == []
    rng, configs = np.random.default_rng(0), []
    for _ in range(20):
        configs.append(SPACE.configuration(started(SPACE, point, rng)))
        assert configs[-1]["inner"]["units"] <= 32
        assert SPACE.values_of(configs[-1]) is not None
    if "lr" in point:
        assert {config["lr"] for config in configs} == {1e-3}
    if "optimizer" in point:
        given = point["optimizer"].items()
        assert all(given <= config["optimizer"].items() for config in configs)
    assert len({config["inner"]["units"] for config in configs}) > 5
