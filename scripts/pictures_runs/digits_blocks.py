"""Which small convolutional network reads digits best? The deepest do not fit 8 x 8 pixels, and say so."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ray import tune

from experiments import ASHA, Experiment, HyperOpt
from trainables import image_classifier

if TYPE_CHECKING:
    from torch import nn


def blocks(
    input_shape: tuple[int, int, int], outputs: int, *, depth: int = 2, channels: int = 16, norm: bool = False
) -> nn.Module:
    """Give a network of `depth` blocks, each of which takes one pixel off each side of the image."""
    from torch import nn

    layers: list[nn.Module] = []
    for before, after in pairwise([input_shape[0], *[channels] * depth]):
        layers += [nn.Conv2d(before, after, 3), *([nn.BatchNorm2d(after)] if norm else []), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, outputs))


def option(name: str, lr: Any, **more: Any) -> dict[str, Any]:
    """Give an optimizer with ranges of its own."""
    return {"name": name, "lr": lr, **more}


experiment = Experiment(
    trainable=image_classifier,
    space={
        "dataset": "digits",
        "model": "digits_blocks:blocks",
        "model_options": {
            "depth": tune.choice([1, 2, 3, 4]),
            "channels": tune.lograndint(4, 65),
            "norm": tune.choice([False, True]),
        },
        "optimizer": tune.choice(
            [
                option("sgd", tune.loguniform(1e-3, 30.0), momentum=tune.uniform(0.0, 0.98)),
                option("adam", tune.loguniform(1e-4, 1.0)),
            ]
        ),
        "batch_size": tune.choice([16, 32, 64, 128]),
        "weight_decay": tune.loguniform(1e-6, 1e-1),
    },
    metric="val_loss",
    mode="min",
    search=HyperOpt(),
    scheduler=ASHA(grace_epochs=1, reduction_factor=3),
    num_trials=60,
    epochs=27,
)
