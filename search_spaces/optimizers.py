"""Optimizers and the ranges of their hyperparameters.

Each function returns a fresh dict to be spread into a space: `{"model": "mlp", **optimizers.adam()}`.
Learning rates and weight decays act by their order of magnitude, hence the log scales.
"""

from __future__ import annotations

from typing import Any

from ray import tune


def sgd() -> dict[str, Any]:
    """SGD with momentum: `lr` from 1e-3 to 1 (step per unit of gradient), `momentum` from 0 to 0.99 (dimensionless).

    Plain SGD needs learning rates about ten times those of Adam, because Adam divides the gradient by its size.
    """
    return {
        "optimizer": "sgd",
        "lr": tune.loguniform(1e-3, 1.0),
        "momentum": tune.uniform(0.0, 0.99),
        "weight_decay": _weight_decay(),
    }


def adam() -> dict[str, Any]:
    """Adam: `lr` from 1e-4 to 1e-1, about the size of one step of a weight; weight decay as an L2 penalty."""
    return {"optimizer": "adam", "lr": tune.loguniform(1e-4, 1e-1), "weight_decay": _weight_decay()}


def adamw() -> dict[str, Any]:
    """AdamW: `lr` as for Adam; `weight_decay` from 1e-4 to 1, larger than an L2 penalty because it scales with `lr`."""
    return {"optimizer": "adamw", "lr": tune.loguniform(1e-4, 1e-1), "weight_decay": tune.loguniform(1e-4, 1.0)}


def every() -> dict[str, Any]:
    """All three, with one `lr` range from 1e-4 to 1e-1 in which each of them has good values.

    `momentum` keeps the trainable's own value: only SGD has one.
    """
    return {
        "optimizer": tune.choice(["sgd", "adam", "adamw"]),
        "lr": tune.loguniform(1e-4, 1e-1),
        "weight_decay": _weight_decay(),
    }


def _weight_decay() -> Any:
    """An L2 penalty per unit of squared weight: from one too small to matter to one that flattens the model."""
    return tune.loguniform(1e-6, 1e-2)
