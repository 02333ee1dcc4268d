"""ResNet-18 on colour images of 32 pixels and more (CIFAR-10, a folder of images).

Each function returns a fresh dict to be spread into a space:
`{"dataset": "cifar10", "model": "resnet18", **resnet.narrow(), **augmentation.narrow()}`.
"""

from __future__ import annotations

from typing import Any

from ray import tune

from search_spaces import optimizers


def narrow() -> dict[str, Any]:
    """The usual recipe around its usual values, for 10 to 30 trials: SGD with Nesterov's momentum 0.9 and a cosine.

    He et al. (2016) train on CIFAR-10 with `lr` 0.1, `weight_decay` 1e-4, and 128 images in a batch; Zagoruyko and
    Komodakis, "Wide Residual Networks" (2016), with Nesterov's momentum and `weight_decay` 5e-4.
    """
    return {
        "optimizer": "sgd",
        "nesterov": True,
        "momentum": 0.9,
        "schedule": "cosine",
        "lr": tune.loguniform(0.01, 0.3),
        "weight_decay": tune.loguniform(1e-4, 1e-3),
        "batch_size": 128,
    }


def wide() -> dict[str, Any]:
    """Optimizer, schedule, regularization and batches together, for 50 trials and more.

    `batch_norm_momentum`, the weight of the newest batch, is on a log scale from a memory of 100 batches to one of 2.
    `dropout` before the last layer is a probability, `label_smoothing` a share of the target (0.1 in Szegedy et al.,
    2016), `gradient_clip` an L2 norm, `batch_size` is in images. Budgets of 4 epochs and more, as in
    `optimizers.schedules`.
    """
    return {
        "dropout": tune.uniform(0.0, 0.5),
        "label_smoothing": tune.uniform(0.0, 0.2),
        "batch_norm_momentum": tune.loguniform(0.01, 0.5),
        "gradient_clip": tune.loguniform(0.1, 10.0),
        "batch_size": tune.choice([32, 64, 128, 256]),
        **optimizers.every(),
        **optimizers.schedules(),
    }
