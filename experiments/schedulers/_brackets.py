"""The arithmetic of HyperBand: how many trials a bracket takes, and how many go on after which epoch."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Bracket:
    """One run of successive halving."""

    size: int
    """n: how many trials it takes."""
    rungs: tuple[int, ...]
    """The epochs at which its trials are compared, ascending, below the budget; none in the bracket s = 0."""
    keep: tuple[int, ...]
    """How many go on at each rung."""
    first: int
    """The epoch at which a trial has earned its place: the first rung, or the budget where there is none."""


@lru_cache(maxsize=64)
def band(epochs: int, reduction_factor: float) -> tuple[Bracket, ...]:
    """The brackets s = 0, 1, ... of one round of HyperBand in the order in which they are filled.

    With R = `epochs`, eta = `reduction_factor` and s_max = log_eta R, rounded, bracket s takes n = eta^s (s_max + 1) /
    (s + 1) trials, rounded up, and compares them after r = R eta^-s epochs, r eta, ..., rounded down; after each, n /
    eta of them, rounded up, go on. All as Ray computes it, which begins with s = 0 and leaves out brackets with r < 1.
    """
    s_max = int(np.round(np.log(epochs) / np.log(reduction_factor)))
    brackets = [_bracket(epochs, reduction_factor, s, s_max) for s in range(s_max + 1)]
    return tuple(bracket for bracket in brackets if bracket is not None)


def _bracket(epochs: int, eta: float, s: int, s_max: int) -> Bracket | None:
    size = n = math.ceil((s_max + 1) / (s + 1) * eta**s)
    r = int(epochs * eta**-s)
    if r == 0:
        return None
    rungs, keep = [], []
    for _ in range(s):
        n = math.ceil(n / eta)
        rungs.append(r)
        keep.append(n)
        r = int(min(r * eta, epochs))
    return Bracket(size=size, rungs=tuple(rungs), keep=tuple(keep), first=rungs[0] if rungs else epochs)


def bracket_of(number: int, epochs: int, reduction_factor: float) -> Bracket:
    """Bracket `number`, from 0, of a sweep: round after round."""
    brackets = band(epochs, reduction_factor)
    return brackets[number % len(brackets)]


def filled(num_trials: int, epochs: int, reduction_factor: float) -> list[tuple[Bracket, int]]:
    """The brackets that so many trials go into, each with how many of them; only the last may be not full."""
    into: list[tuple[Bracket, int]] = []
    while num_trials > 0:
        bracket = bracket_of(len(into), epochs, reduction_factor)
        into.append((bracket, min(num_trials, bracket.size)))
        num_trials -= bracket.size
    return into


def epochs_of(bracket: Bracket, trials: int, epochs: int) -> int:
    """The epochs that a bracket with so many trials trains in all, where none of them fails or ends by itself."""
    trained = trials * bracket.first
    for keep, (rung, following) in zip(bracket.keep, itertools.pairwise((*bracket.rungs, epochs)), strict=True):
        trained += min(keep, trials) * (following - rung)
    return trained
