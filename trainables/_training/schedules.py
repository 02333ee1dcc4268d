"""Learning-rate schedules: pure functions of the epoch, so that a resumed trial needs no state of theirs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def schedule(name: str, lr: float, *, epochs: int) -> Callable[[int], float]:
    """Return a schedule by its name: "constant", "cosine" or "linear"."""
    if name == "constant":
        return constant(lr)
    return {"cosine": cosine, "linear": linear}[name](lr, epochs=epochs)


def constant(lr: float) -> Callable[[int], float]:
    """Return the schedule that gives every epoch the same learning rate."""

    def lr_of(_epoch: int) -> float:
        return lr

    return lr_of


def cosine(lr: float, *, epochs: int) -> Callable[[int], float]:
    """Return half a cosine wave: from `lr` in the first epoch towards 0 after the last of `epochs`.

    Equation 5 of Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017), with
    eta_max = `lr`, eta_min = 0, T_i = `epochs`, T_cur = epoch - 1, and no restarts.
    """

    def lr_of(epoch: int) -> float:
        return lr * (1 + math.cos(math.pi * (epoch - 1) / epochs)) / 2

    return lr_of


def linear(lr: float, *, epochs: int) -> Callable[[int], float]:
    """Return a straight line: from `lr` in the first epoch towards 0 after the last of `epochs`."""

    def lr_of(epoch: int) -> float:
        return lr * (epochs + 1 - epoch) / epochs

    return lr_of


def warmed_up(schedule: Callable[[int], float], *, epochs: int) -> Callable[[int], float]:
    """Return a schedule that begins after a warm-up: `epochs` equal steps up to its first learning rate.

    Epoch e of a warm-up of w epochs has e / (w + 1) of the schedule's first learning rate; epoch w + e has the
    schedule's own for its epoch e, so give the schedule the budget less the warm-up. The gradual warm-up of section 2.2
    of Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour" (2017), once per epoch instead of once
    per step, as timm does.

    Args:
        schedule: Learning rate of an epoch, counted from 1.
        epochs: Epochs of warm-up, w; 0 gives the schedule itself.
    """

    def lr_of(epoch: int) -> float:
        return schedule(1) * epoch / (epochs + 1) if epoch <= epochs else schedule(epoch - epochs)

    return lr_of
