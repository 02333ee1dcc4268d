"""The formulas that are minimized: each takes a configuration and gives a value, the lower the better."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    Config = Mapping[str, Any]

_HARTMANN_WEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
_HARTMANN_SHAPES = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
_HARTMANN_CENTRES = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)
_ACTIVATION_LOSS = {"relu": 0.1, "tanh": 0.3, "gelu": 0.0, "silu": 0.05}


def branin(config: Config) -> float:
    """Branin's function of x and y: three equal minima in valleys."""
    x, y = float(config["x"]), float(config["y"])
    valley = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return valley**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def hartmann(config: Config) -> float:
    """Hartmann's function of x0 to x5 in [0, 1]: six local minima."""
    point = np.array([config[f"x{place}"] for place in range(6)])
    bumps = np.exp(-(_HARTMANN_SHAPES * (point - _HARTMANN_CENTRES) ** 2).sum(axis=1))
    return -float(_HARTMANN_WEIGHTS @ bumps)


def ackley(config: Config) -> float:
    """Ackley's function of all keys, with 0 at the origin: a funnel under many ripples."""
    point = np.array(list(config.values()))
    funnel = -20 * math.exp(-0.2 * math.sqrt(np.mean(point**2)))
    return funnel - math.exp(np.mean(np.cos(2 * math.pi * point))) + 20 + math.e


def log_bowl(config: Config) -> float:
    """A bowl in the orders of magnitude of lr and weight_decay, tilted: one depends on the other."""
    lr, decay = math.log10(config["lr"]) + 2.6, math.log10(config["weight_decay"]) + 4.2
    return lr**2 + 0.3 * decay**2 + 0.4 * lr * decay


def network(config: Config) -> float:
    """A validation loss as networks have it: the best lr depends on batch and depth, the best dropout on width."""
    width, batch = math.log2(config["units"] / 128), math.log2(config["batch_size"] / 32)
    depth = int(config["layers"]) - 3
    lr = math.log10(config["lr"]) + 2.5 - 0.2 * batch + 0.2 * depth
    dropout = float(config["dropout"]) - 0.2 - 0.08 * width
    shape = 0.1 * width**2 + 0.15 * depth**2 + 0.04 * batch**2
    return shape + 0.6 * lr**2 + 4 * dropout**2 + _ACTIVATION_LOSS[config["activation"]]


def optimizers(config: Config) -> float:
    """Three optimizers with an lr each: SGD is best, in a narrow valley of lr / (1 - momentum); Adam forgives more."""
    chosen = config["optimizer"]
    lr = math.log10(chosen["lr"])
    common = 2 * (float(config["dropout"]) - 0.15) ** 2
    if chosen["name"] == "sgd":
        momentum, nesterov = float(chosen["momentum"]), 0.0 if chosen["nesterov"] else 0.05
        effective = lr - math.log10(1 - momentum)
        return common + 1.5 * (effective + 0.5) ** 2 + 2 * (momentum - 0.9) ** 2 + nesterov
    if chosen["name"] == "adam":
        return common + 0.12 + 0.4 * (lr + 3) ** 2 + 0.05 * (math.log10(chosen["weight_decay"]) + 4) ** 2
    return common + 0.25 + 0.5 * (lr + 3.5) ** 2


def half_fails(config: Config) -> float | None:
    """A bowl whose minimum lies near the edge beyond which every trial fails: the upper half of the lr; None there."""
    lr = math.log10(config["lr"])
    if lr > -2.5:
        return None
    momentum, dropout = float(config["momentum"]), float(config["dropout"])
    return (lr + 3) ** 2 + 4 * (momentum - 0.7) ** 2 + 2 * (dropout - 0.3) ** 2
