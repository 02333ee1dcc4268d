"""Augmentation of training images, for photographs (CIFAR-10, a folder of images).

Each function returns a fresh dict to be spread into a space: `{"dataset": "cifar10", **augmentation.narrow()}`. Digits
change their meaning when they are mirrored or turned far: leave `horizontal_flip` and large rotations out for them.
"""

from __future__ import annotations

from typing import Any

from ray import tune


def narrow() -> dict[str, Any]:
    """A window cut out of 0 to 4 pixels (`random_crop`) of padding, and `horizontal_flip` with probability 0 or 1/2.

    4 pixels and 1/2 are what He et al., "Deep Residual Learning for Image Recognition" (2016), use on CIFAR-10.
    """
    return {"random_crop": tune.choice([0, 2, 4]), "horizontal_flip": tune.choice([0.0, 0.5])}


def wide() -> dict[str, Any]:
    """All of it: `random_crop` in pixels, `horizontal_flip` a probability, `rotation` in degrees, and RandAugment.

    Up to 8 pixels of padding, a quarter of 32; rotation up to 30 degrees, as RandAugment's own. `randaugment_ops` from
    0 (off) to 3 and `randaugment_magnitude` from 1 to 15 of 30: Cubuk et al., "RandAugment" (2020), find their best
    values on CIFAR-10 with 1 to 3 changes, and stronger ones for larger networks only.
    """
    return {
        "random_crop": tune.randint(0, 9),
        "horizontal_flip": tune.choice([0.0, 0.5]),
        "rotation": tune.uniform(0.0, 30.0),
        "randaugment_ops": tune.randint(0, 4),
        "randaugment_magnitude": tune.randint(1, 16),
    }
