"""Random state as a function of (seed, epoch): resumable without being saved, and the global state is left alone."""

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
def random_state_of(seed: int, epoch: int, device: torch.device) -> Iterator[torch.Generator]:
    """Seed torch for one epoch, and give a generator on the device; put the global state back at the end.

    Dropout and initial weights draw from the global state, the order of the examples from the generator.
    """
    ours, global_ = (int(word) for word in np.random.SeedSequence((seed, epoch)).generate_state(2, np.uint64))
    is_cuda = device.type == "cuda"
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if is_cuda else [], device_type="cuda"):
        torch.default_generator.manual_seed(global_)
        if is_cuda:
            torch.cuda.manual_seed(global_)
        yield torch.Generator(device).manual_seed(ours)
