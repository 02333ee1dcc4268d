"""Random state as a function of (seed, epoch, fold): resumable without being saved; the global state is left alone."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

INITIALIZATION = 0
"""The epoch that stands for the initial weights."""


@contextmanager
def random_state_of(seed: int, epoch: int, device: torch.device, *, fold: int = 0) -> Iterator[torch.Generator]:
    """Seed torch for one epoch of one fold, and give a generator on the device; put the global state back at the end.

    Dropout, augmentation and initial weights draw from the global state, the order of the examples from the generator.
    """
    source = np.random.SeedSequence((seed, epoch, fold) if fold else (seed, epoch))
    ours, global_ = (int(word) for word in source.generate_state(2, np.uint64))
    is_cuda = device.type == "cuda"
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if is_cuda else [], device_type="cuda"):
        torch.default_generator.manual_seed(global_)
        if is_cuda:
            torch.cuda.manual_seed(global_)
        yield torch.Generator(device).manual_seed(ours)
