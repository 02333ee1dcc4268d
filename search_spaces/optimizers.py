"""Optimizers and learning-rate schedules, with the ranges of their hyperparameters.

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


def nesterov() -> dict[str, Any]:
    """SGD with Nesterov's momentum: as `sgd`, with `momentum` from 0.5, below which looking ahead changes little."""
    return {**sgd(), "nesterov": True, "momentum": tune.uniform(0.5, 0.99)}


def adam() -> dict[str, Any]:
    """Adam: `lr` from 1e-4 to 1e-1, about the size of one step of a weight; weight decay as an L2 penalty."""
    return {"optimizer": "adam", "lr": tune.loguniform(1e-4, 1e-1), "weight_decay": _weight_decay()}


def adamw() -> dict[str, Any]:
    """AdamW: `lr` as for Adam; `weight_decay` from 1e-4 to 1, larger than an L2 penalty because it scales with `lr`."""
    return {"optimizer": "adamw", "lr": tune.loguniform(1e-4, 1e-1), "weight_decay": tune.loguniform(1e-4, 1.0)}


def rmsprop() -> dict[str, Any]:
    """RMSprop with `momentum` from 0 to 0.95 (dimensionless) and `lr` from 1e-5 to 1e-2.

    Like Adam it divides the gradient by its size; unlike Adam's, its momentum m makes steps 1 / (1 - m) times as long,
    so that learning rates lie up to ten times lower.
    """
    return {
        "optimizer": "rmsprop",
        "lr": tune.loguniform(1e-5, 1e-2),
        "momentum": tune.uniform(0.0, 0.95),
        "weight_decay": _weight_decay(),
    }


def every() -> dict[str, Any]:
    """All four, with one `lr` range from 1e-4 to 1e-1 in which each of them has good values.

    `momentum` keeps the trainable's own value: only SGD and RMSprop have one.
    """
    return {
        "optimizer": tune.choice(["sgd", "adam", "adamw", "rmsprop"]),
        "lr": tune.loguniform(1e-4, 1e-1),
        "weight_decay": _weight_decay(),
    }


def branched() -> dict[str, Any]:
    """All four, each in a branch of its own with its own ranges: a learning rate of SGD's says nothing about Adam's.

    What a trainable gets is `{"optimizer": {"name": "sgd", "lr": ..., "momentum": ..., ...}}`.
    """
    rules = [sgd(), adam(), adamw(), rmsprop()]
    return {"optimizer": tune.choice([{"name": rule.pop("optimizer"), **rule} for rule in rules])}


def schedules() -> dict[str, Any]:
    """The learning rate over the epochs: its `schedule`, and 0 to 3 `warmup_epochs`, for budgets of 4 epochs and more.

    A cosine and a line end near 0, which averages the noise of the last steps away. Warm-up matters for large learning
    rates and batches; Goyal et al. (2017) take 5 epochs of 90.
    """
    return {"schedule": tune.choice(["constant", "cosine", "linear"]), "warmup_epochs": tune.randint(0, 4)}


def _weight_decay() -> Any:
    """An L2 penalty per unit of squared weight: from one too small to matter to one that flattens the model."""
    return tune.loguniform(1e-6, 1e-2)
