"""What keeps an image classifier from learning its training images by heart.

Each function returns a fresh dict to be spread into a space after that of its model, whose `dropout` and `weight_decay`
it replaces: `{"model": "mlp", **mlp.narrow(), **regularization.narrow()}`.
"""

from __future__ import annotations

from typing import Any

from ray import tune


def narrow() -> dict[str, Any]:
    """The two that matter most: `dropout` (a probability) up to one half, and `weight_decay` (L2) on a log scale."""
    return {"dropout": tune.uniform(0.0, 0.5), "weight_decay": tune.loguniform(1e-6, 1e-2)}


def wide() -> dict[str, Any]:
    """All four: as `narrow`, with `l1` on a log scale and `label_smoothing` up to 0.2 (a share of the target).

    `l1` weighs a sum over all weights, not a sum of squares, of weights far below 1: the same strength is reached at
    smaller values than those of `weight_decay`, 1e-7 to 1e-4. Szegedy et al., "Rethinking the Inception Architecture
    for Computer Vision" (2016), smooth by 0.1.
    """
    return {
        **narrow(),
        "l1": tune.loguniform(1e-7, 1e-4),
        "label_smoothing": tune.uniform(0.0, 0.2),
    }
