"""Random state is a function of (seed, epoch), and nobody else's."""

from __future__ import annotations

import itertools

import torch

from trainables._training.randomness import random_state_of

CPU = torch.device("cpu")


def _draws(seed: int, epoch: int) -> tuple[list[float], list[float]]:
    with random_state_of(seed, epoch, CPU) as generator:
        return torch.rand(3, generator=generator).tolist(), torch.rand(3).tolist()


def test_every_epoch_of_every_seed_draws_differently() -> None:
    """No two epochs see the same order or the same dropout, neither within a seed nor between seeds."""
    draws = [draw for seed, epoch in itertools.product([0, 1, 2**62], range(4)) for draw in _draws(seed, epoch)]
    assert len({tuple(draw) for draw in draws}) == len(draws)


def test_same_epoch_of_same_seed_draws_the_same() -> None:
    """What an epoch draws does not depend on what was drawn before it."""
    first = _draws(5, 2)
    torch.rand(7)
    _draws(5, 1)
    assert _draws(5, 2) == first


def test_global_state_comes_back_after_an_exception() -> None:
    """An epoch that fails leaves the global random state as it was."""
    before = torch.get_rng_state()
    try:
        with random_state_of(0, 1, CPU):
            torch.rand(3)
            raise InterruptedError
    except InterruptedError:
        assert torch.equal(torch.get_rng_state(), before)
