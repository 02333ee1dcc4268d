"""ASHA: asynchronous successive halving."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from experiments._sweep.policy import Decision, losses_at
from experiments.schedulers._words import budget, grace_faults, listed, reduction_faults, share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from experiments._sweep.policy import Observation

    Floats = NDArray[np.float64]

__all__ = ["ASHA"]

_LEAST_ETA = 1.1  # every epoch is a rung long before; nearer to 1 there are more milestones than can be counted


@dataclass(frozen=True, kw_only=True)
class ASHA:
    """Stops a trial at a rung unless it is among the best 1/eta of those that got there before it.

    Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020 (https://arxiv.org/abs/1810.05934),
    in its stopping variant: with minimum resource r = `grace_epochs`, reduction factor eta = `reduction_factor` and
    maximum resource R = the experiment's `epochs`, the rungs are r, r eta, r eta^2, ... below R. Nobody waits for
    anybody: a trial is compared, once at each rung, with the losses recorded there before its own, so that the first
    to get to a rung always goes on. Decides as `ray.tune.schedulers.AsyncHyperBandScheduler(brackets=1)` does.

    Use it by default: nobody waits, and bad trials cost one epoch.

    Paper: Li et al., MLSys 2020.
    """

    grace_epochs: int = 1
    """r: no trial is stopped before this epoch; from 1 to the budget."""
    reduction_factor: float = 3
    """eta: one in so many trials goes on at each rung; at least 1.1, usually 2, 3 or 4."""

    def faults(self, epochs: int, num_trials: int) -> list[str]:
        """What does not fit a budget of `epochs`, one fault each; any number of trials does."""
        return [*grace_faults(self.grace_epochs, epochs), *reduction_faults(self.reduction_factor, _LEAST_ETA)]

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """The epochs below `epochs` at which trials are compared, ascending.

        These are r eta^k, or the first epoch after it where eta is not whole. Where such milestones lie closer than
        an epoch (eta below 2), each epoch takes the highest that is left, as Ray does.

        Raises:
            ValueError: The parameters do not fit the budget; `faults` says why.
        """
        if faults := self.faults(epochs, 1):
            raise ValueError("\n".join(faults))
        return _rungs(self.grace_epochs, float(self.reduction_factor), epochs)

    def in_words(self, epochs: int, num_trials: int) -> list[str]:
        """What it will do, one plain sentence a line."""
        rungs = list(self.rungs(epochs))
        whole = f"train the whole budget of {budget(epochs)}."
        if not rungs:
            return [f"No epoch of comparison lies below the budget: all trials {whole}"]
        best = share(self.reduction_factor)
        goes_on = f"a trial goes on if it is among the {best} of those that got there so far, otherwise it is stopped"
        left = [max(1, round(num_trials / self.reduction_factor**k)) for k in range(1, len(rungs) + 1)]
        passing = ", ".join(f"about {few} go on after epoch {rung}" for few, rung in zip(left, rungs, strict=True))
        return [
            f"After {'epochs' if len(rungs) > 1 else 'epoch'} {listed(rungs)}: {goes_on}.",
            f"Of {num_trials} trials {passing}; the first to get there always does.",
            f"Trials that are never stopped {whole}",
        ]

    def bracket(self, trials: Mapping[int, Observation], *, epochs: int) -> int | None:
        """None: all trials are in one bracket."""
        return None

    def decide(
        self, trials: Mapping[int, Observation], *, trial: int, epoch: int, loss: float, epochs: int
    ) -> Decision:
        """Go on or stop, after `trial` has reported `loss` at `epoch`; see `Scheduler.decide`."""
        if epoch not in self.rungs(epochs):
            return Decision(action="continue")
        others = losses_at(trials, epoch)
        numbers = np.fromiter(others.keys(), np.int64, len(others))
        losses = np.fromiter(others.values(), np.float64, len(others))
        if trial in others:
            numbers, losses = numbers[numbers != trial], losses[numbers != trial]
        cutoff = self._cutoff(losses)
        return Decision(
            action="stop" if cutoff is not None and loss > cutoff else "continue",
            rung=epoch,
            rank=1 + int(np.count_nonzero(losses < loss)),
            of=len(losses) + 1,
            cutoff=cutoff,
            ahead=_leading(numbers, losses, loss),
        )

    def judge(
        self, trials: Mapping[int, Observation], held: Mapping[int, int], *, epochs: int, more_to_come: bool
    ) -> dict[int, Decision]:
        """Nothing: a trial is stopped or goes on, none is held."""
        return {}

    def _cutoff(self, before: Floats) -> float | None:
        """The loss at the best 1/eta of those before, interpolated; None for the first one.

        Computed on negated losses, as Ray does for mode `min`: interpolation is not symmetric to the last bit. None
        also where it overflows, between losses further apart than the largest float. What `numpy.percentile` gives, to
        the last bit; it takes a fifth of a millisecond for arguments of every kind, each time.
        """
        if not len(before):
            return None
        place = (len(before) - 1) * ((1 - 1 / self.reduction_factor) * 100 / 100)
        lower = min(int(place), len(before) - 1)
        upper = min(lower + 1, len(before) - 1)
        ordered = np.partition(np.negative(before), (lower, upper))
        low, high, part = float(ordered[lower]), float(ordered[upper]), place - lower
        between = high - low
        cutoff = -(high - between * (1 - part) if part >= 0.5 else low + between * part)
        return cutoff if math.isfinite(cutoff) else None


def _leading(numbers: NDArray[np.int64], losses: Floats, loss: float) -> tuple[int, ...]:
    """The numbers of the three lowest losses below `loss`, the lowest first; of equals the lower number."""
    shown = 3
    if len(losses) > shown:
        near = losses <= np.partition(losses, shown - 1)[shown - 1]
        numbers, losses = numbers[near], losses[near]
    order = np.lexsort((numbers, losses))
    return tuple(int(numbers[place]) for place in order if losses[place] < loss)[:shown]


@lru_cache(maxsize=64)
def _rungs(grace_epochs: int, reduction_factor: float, epochs: int) -> tuple[int, ...]:
    """The rungs of `ASHA.rungs`; kept, because each decision asks for them."""
    milestones: list[float] = []
    while (milestone := grace_epochs * reduction_factor ** len(milestones)) < epochs:
        milestones.append(milestone)
    rungs = []
    for epoch in range(grace_epochs, epochs):
        if passed := [milestone for milestone in milestones if milestone <= epoch]:
            milestones.remove(max(passed))
            rungs.append(epoch)
    return tuple(rungs)
