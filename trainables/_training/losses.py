"""Losses, scores and errors: each the mean over the rows of (outputs, targets), as a tensor with one number.

A classifier's outputs are logits (rows, classes) and its targets classes (rows,), int64. A regressor's outputs are
(rows, 1) and its targets (rows,), both in the target's unit.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import cross_entropy

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "accuracy",
    "cross_entropy",
    "mean_absolute_error",
    "mean_squared_error",
    "r2",
    "root_mean_squared_error",
    "smoothed_cross_entropy",
]


def smoothed_cross_entropy(smoothing: float) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Return the cross-entropy with smoothed labels, in nats.

    Section 7 of Szegedy et al., "Rethinking the Inception Architecture for Computer Vision" (2016), with epsilon =
    `smoothing` and a uniform u: the class of a row weighs 1 - epsilon + epsilon / classes, each other class the last
    term alone.

    Args:
        smoothing: In [0, 1); 0 is the cross-entropy itself.
    """
    return partial(cross_entropy, label_smoothing=smoothing)


def accuracy(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the fraction of rows whose largest output is that of their class."""
    return (outputs.argmax(dim=1) == targets).to(torch.float64).mean()


def mean_squared_error(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the mean of the squared errors, in the target's unit squared."""
    return _errors(outputs, targets).square().mean()


def mean_absolute_error(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the mean of the errors' absolute values, in the target's unit."""
    return _errors(outputs, targets).abs().mean()


def root_mean_squared_error(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the root of the mean squared error, in the target's unit."""
    return mean_squared_error(outputs, targets).sqrt()


def r2(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the coefficient of determination: 1 for no error, 0 for as good as the mean of these targets.

    Targets that are all the same have no variance to explain: 1 where there is no error, else 0, as in scikit-learn.
    """
    errors, spread = _errors(outputs, targets).double().square().sum(), _spread(targets.double())
    constant = (errors == 0).to(torch.float64)
    return torch.where(spread > 0, 1 - errors / spread, constant)


def _errors(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    # (rows, 1) minus (rows,) would be (rows, rows) without a word from torch
    return outputs.squeeze(1) - targets


def _spread(targets: torch.Tensor) -> torch.Tensor:
    return (targets - targets.mean()).square().sum()
