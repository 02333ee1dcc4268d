"""Multilayer perceptrons on small images (digits, MNIST).

Each function returns a fresh dict to be spread into a space: `{"dataset": "digits", "model": "mlp", **mlp.wide()}`.
"""

from __future__ import annotations

from typing import Any

from ray import tune

from search_spaces import optimizers


def narrow() -> dict[str, Any]:
    """Two hidden layers of ReLU under Adam: the few values that matter most, for a first sweep of 10 to 30 trials.

    `hidden_units` per layer, `dropout` as a probability, `batch_size` in images; the rest as in `optimizers.adam`.
    """
    return {
        "hidden_layers": 2,
        "hidden_units": tune.choice([32, 64, 128]),
        "activation": "relu",
        "dropout": tune.uniform(0.0, 0.3),
        "batch_size": tune.choice([32, 64, 128]),
        **optimizers.adam(),
    }


def wide() -> dict[str, Any]:
    """Architecture, regularization and optimizer together, for 50 trials and more.

    One to three hidden layers: deeper perceptrons gain nothing on 28 x 28 pixels and less. 16 to 256 units per layer
    on a log scale, because capacity acts by its order of magnitude. `dropout` is a probability; beyond one half too
    little of such a small layer is left. `batch_norm` is on or off. `batch_size` is in images; smaller ones cost time,
    larger ones updates.
    """
    return {
        "hidden_layers": tune.randint(1, 4),
        "hidden_units": tune.lograndint(16, 257),
        "activation": tune.choice(["relu", "tanh", "gelu", "silu", "leaky_relu"]),
        "dropout": tune.uniform(0.0, 0.5),
        "batch_norm": tune.choice([False, True]),
        "batch_size": tune.choice([16, 32, 64, 128]),
        **optimizers.every(),
    }
