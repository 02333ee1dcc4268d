"""Convolutional networks on images of 8 to 64 pixels (digits, MNIST, Fashion-MNIST, CIFAR-10).

Each function returns a fresh dict to be spread into a space: `{"dataset": "mnist", "model": "cnn", **cnn.narrow()}`.
"""

from __future__ import annotations

from typing import Any

from ray import tune

from search_spaces import optimizers


def narrow() -> dict[str, Any]:
    """Two blocks with batch normalization, the second twice as wide, and one hidden layer: for 10 to 30 trials.

    `conv_channels` per block, `hidden_units` of the layer after them, `dropout` of that layer as a probability,
    `batch_size` in images; the rest as in `optimizers.adam`.
    """
    return {
        "conv_channels": tune.choice([[16, 32], [32, 64]]),
        "hidden_layers": 1,
        "hidden_units": tune.choice([64, 128]),
        "batch_norm": True,
        "dropout": tune.uniform(0.0, 0.5),
        "batch_size": tune.choice([64, 128]),
        **optimizers.adam(),
    }


def wide() -> dict[str, Any]:
    """Architecture, normalization, regularization, optimizer and schedule together, for 50 trials and more.

    `conv_channels` lists the channels of each block: one to four blocks, because each halves the image, and four leave
    2 of 32 pixels; each twice as wide as the one before, as is usual since VGG (Simonyan and Zisserman, 2015).
    `hidden_units` is on a log scale, because capacity acts by its order of magnitude. `dropout` is a probability.
    `batch_norm_momentum`, the weight of the newest batch, is on a log scale from a memory of 100 batches to one of 2.
    `batch_size` is in images. Budgets of 4 epochs and more, as in `optimizers.schedules`.
    """
    return {
        "conv_channels": tune.choice([[32], [16, 32], [32, 64], [16, 32, 64], [32, 64, 128], [32, 64, 128, 256]]),
        "hidden_layers": tune.randint(0, 3),
        "hidden_units": tune.lograndint(32, 513),
        "activation": tune.choice(["relu", "leaky_relu", "elu", "gelu", "silu"]),
        "dropout": tune.uniform(0.0, 0.5),
        "batch_norm": tune.choice([False, True]),
        "batch_norm_momentum": tune.loguniform(0.01, 0.5),
        "batch_size": tune.choice([32, 64, 128, 256]),
        **optimizers.every(),
        **optimizers.schedules(),
    }
