"""The problems: a space written once, in `ray.tune`'s domains, a value for each of its configurations, and the best."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from ray import tune

from scripts.benchmarks.search import functions
from scripts.benchmarks.search.tables import read_table
from search_spaces import SearchSpace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NOISE_STREAM = 7  # keeps the noise independent of what the searchers draw with the same seed


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is minimized."""

    name: str
    space: SearchSpace
    value: Callable[[Mapping[str, Any]], float | None]
    """Value of a configuration without noise; None where the trial fails."""
    optimum: dict[str, Any]
    """A configuration that none is better than."""
    noise: float = 0.0
    """Standard deviation of what is added to a value before it is told."""

    def told(self, config: Mapping[str, Any], *, seed: int, trial: int) -> float | None:
        """What a searcher learns of a configuration: the value, with noise that seed and trial decide."""
        value = self.value(config)
        if value is None or not self.noise:
            return value
        return value + self.noise * float(np.random.default_rng((_NOISE_STREAM, seed, trial)).standard_normal())

    def regret(self, config: Mapping[str, Any]) -> float:
        """How much larger its value is than the smallest; infinite where the trial fails."""
        value, best = self.value(config), self.value(self.optimum)
        assert best is not None
        return math.inf if value is None else max(value - best, 0.0)


def _branin() -> Problem:
    return Problem(
        name="branin",
        space=SearchSpace({"x": tune.uniform(-5.0, 10.0), "y": tune.uniform(0.0, 15.0)}),
        value=functions.branin,
        optimum={"x": math.pi, "y": 2.275},
    )


def _hartmann(name: str, noise: float) -> Problem:
    best = (0.20168952, 0.15001069, 0.47687398, 0.27533243, 0.31165162, 0.65730054)
    return Problem(
        name=name,
        space=SearchSpace({f"x{place}": tune.uniform(0.0, 1.0) for place in range(6)}),
        value=functions.hartmann,
        optimum={f"x{place}": value for place, value in enumerate(best)},
        noise=noise,
    )


def _ackley() -> Problem:
    # The origin lies elsewhere in each range, and nowhere in the middle, which some searchers try first.
    lowers = (-5.0, -10.0, -3.0, -8.0, -12.0)
    return Problem(
        name="ackley5",
        space=SearchSpace({f"x{place}": tune.uniform(lower, lower + 15.0) for place, lower in enumerate(lowers)}),
        value=functions.ackley,
        optimum={f"x{place}": 0.0 for place in range(5)},
    )


def _log_bowl() -> Problem:
    return Problem(
        name="log_bowl",
        space=SearchSpace({"lr": tune.loguniform(1e-5, 1e-1), "weight_decay": tune.loguniform(1e-6, 1e-2)}),
        value=functions.log_bowl,
        optimum={"lr": 10**-2.6, "weight_decay": 10**-4.2},
    )


def _network() -> Problem:
    return Problem(
        name="network",
        space=SearchSpace(
            {
                "layers": tune.randint(1, 7),
                "units": tune.lograndint(16, 513),
                "activation": tune.choice(["relu", "tanh", "gelu", "silu"]),
                "batch_size": tune.choice([16, 32, 64, 128, 256]),
                "lr": tune.loguniform(1e-5, 1e-1),
                "dropout": tune.uniform(0.0, 0.6),
            }
        ),
        value=functions.network,
        optimum={
            "layers": 3,
            "units": 128,
            "activation": "gelu",
            "batch_size": 32,
            "lr": 10**-2.5,
            "dropout": 0.2,
        },
    )


def _optimizers() -> Problem:
    sgd = {
        "name": "sgd",
        "lr": tune.loguniform(1e-4, 1.0),
        "momentum": tune.uniform(0.0, 0.99),
        "nesterov": tune.choice([False, True]),
    }
    adam = {"name": "adam", "lr": tune.loguniform(1e-5, 1e-1), "weight_decay": tune.loguniform(1e-6, 1e-2)}
    rmsprop = {"name": "rmsprop", "lr": tune.loguniform(1e-5, 1e-1)}
    return Problem(
        name="optimizers",
        space=SearchSpace({"optimizer": tune.choice([sgd, adam, rmsprop]), "dropout": tune.uniform(0.0, 0.5)}),
        value=functions.optimizers,
        optimum={
            "optimizer": {"name": "sgd", "lr": 0.1 * 10**-0.5, "momentum": 0.9, "nesterov": True},
            "dropout": 0.15,
        },
    )


def _half_fails() -> Problem:
    return Problem(
        name="half_fails",
        space=SearchSpace(
            {
                "lr": tune.loguniform(1e-5, 1.0),
                "momentum": tune.uniform(0.0, 0.99),
                "dropout": tune.uniform(0.0, 0.8),
            }
        ),
        value=functions.half_fails,
        optimum={"lr": 1e-3, "momentum": 0.7, "dropout": 0.3},
    )


def _recorded(name: str) -> Problem:
    """The validation loss after the last epoch of a recorded run."""
    table = read_table(name)
    return Problem(
        name=name,
        space=SearchSpace(table.space()),
        value=table.last_loss,
        optimum=min(table.configs(), key=lambda config: table.last_loss(config) or math.inf),
    )


_MAKERS: dict[str, Callable[[], Problem]] = {
    "branin": _branin,
    "hartmann6": lambda: _hartmann("hartmann6", 0.0),
    "ackley5": _ackley,
    "log_bowl": _log_bowl,
    "network": _network,
    "optimizers": _optimizers,
    "hartmann6_noisy": lambda: _hartmann("hartmann6_noisy", 0.2),
    "half_fails": _half_fails,
    "digits_mlp": lambda: _recorded("digits_mlp"),
    "mnist_cnn": lambda: _recorded("mnist_cnn"),
}
NAMES = tuple(_MAKERS)
"""The problems in the order in which they are shown."""


@cache
def problem(name: str) -> Problem:
    """Return the problem with this name."""
    return _MAKERS[name]()
