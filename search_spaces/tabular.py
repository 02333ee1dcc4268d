"""Multilayer perceptrons on tables: hundreds to tens of thousands of rows, up to some hundred features.

Each function returns a fresh dict to be spread into a space: `{"dataset": "california_housing", **tabular.narrow()}`.
"""

from __future__ import annotations

from typing import Any

from ray import tune

from search_spaces import optimizers


def narrow() -> dict[str, Any]:
    """Two hidden layers of ReLU under AdamW: the few values that matter most, for 10 to 30 trials.

    `hidden_units` per layer, `dropout` as a probability, `batch_size` in rows; `lr` and `weight_decay` as in
    `optimizers.adamw`, with learning rates up to 1e-2.
    """
    return {
        "hidden_layers": 2,
        "hidden_units": tune.choice([64, 128, 256]),
        "dropout": tune.uniform(0.0, 0.3),
        "batch_size": tune.choice([64, 128, 256]),
        **optimizers.adamw(),
        "lr": tune.loguniform(1e-4, 1e-2),
    }


def wide() -> dict[str, Any]:
    """Architecture, normalization, regularization, optimizer and schedule together, for 50 trials and more.

    Near the ranges of Gorishniy et al., "Revisiting Deep Learning Models for Tabular Data" (2021), for their MLP: up
    to 8 hidden layers of up to 512 units (here 4, for budgets of minutes), `dropout` up to 0.5, `weight_decay` from
    1e-6. `l1` (a weight of the sum of absolute weights) can switch features off. `batch_size` is in rows. Budgets of 4
    epochs and more, as in `optimizers.schedules`.
    """
    return {
        "hidden_layers": tune.randint(1, 5),
        "hidden_units": tune.lograndint(16, 513),
        "activation": tune.choice(["relu", "leaky_relu", "elu", "gelu", "silu", "tanh"]),
        "dropout": tune.uniform(0.0, 0.5),
        "batch_norm": tune.choice([False, True]),
        "l1": tune.loguniform(1e-7, 1e-3),
        "batch_size": tune.choice([32, 64, 128, 256, 512]),
        **optimizers.every(),
        **optimizers.schedules(),
    }
