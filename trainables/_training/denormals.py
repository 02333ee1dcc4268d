"""Numbers too small for full precision, which a processor computes with many times more slowly, counted as 0."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

_DENORMAL = 1e-40


@contextmanager
def without_denormals() -> Iterator[None]:
    """Let this thread count denormal numbers as 0 while the context lasts, where its processor can.

    A hidden unit that has died has gradient 0; its mean gradient in Adam shrinks by a tenth a step, is denormal after
    some 800 steps and stays so. Each such number costs a hundred cycles a step, and moves no weight.
    """
    before = is_flushing()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def is_flushing() -> bool:
    """Whether this thread counts denormal numbers as 0; torch does not tell."""
    return float(torch.full((1,), _DENORMAL).mul_(1.0).gt_(0.0)) == 0.0
