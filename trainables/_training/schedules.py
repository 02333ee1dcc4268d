"""Learning-rate schedules: pure functions of the epoch, so that a resumed trial needs no state of theirs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


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
