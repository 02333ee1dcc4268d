"""Learning-rate schedules: pure functions of the epoch, so that a resumed trial needs no state of theirs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def schedule(name: str, *, lr: float, epochs: int) -> Callable[[int], float]:
    """Return the learning rate as a function of the epoch, counted from 1.

    Args:
        name: "constant", or "cosine": from `lr` in the first epoch towards 0 after the last, as half a cosine wave
            (Loshchilov and Hutter 2017, equation 5, without restarts).
        lr: Learning rate of the first epoch.
        epochs: Budget: the last epoch.
    """

    def cosine(epoch: int) -> float:
        return lr * (1 + math.cos(math.pi * (epoch - 1) / epochs)) / 2

    def constant(_epoch: int) -> float:
        return lr

    return {"constant": constant, "cosine": cosine}[name]
