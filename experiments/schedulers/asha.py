"""ASHA: asynchronous successive halving."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from experiments._sweep.policy import Decision

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ASHA"]

_SHARES = {2: "half", 3: "third", 4: "quarter", 5: "fifth"}
_LEAST_ETA = 1.1  # every epoch is a rung long before; nearer to 1 there are more milestones than can be counted


@dataclass(frozen=True, kw_only=True)
class ASHA:
    """Stops a trial at a rung unless it is among the best 1/eta of those that got there before it.

    Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020 (https://arxiv.org/abs/1810.05934),
    in its stopping variant: with minimum resource r = `grace_epochs`, reduction factor eta = `reduction_factor` and
    maximum resource R = the experiment's `epochs`, the rungs are r, r eta, r eta^2, ... below R. Nobody waits for
    anybody: a trial is compared, once at each rung, with the losses recorded there before its own, so that the first
    to get to a rung always goes on. Decides as `ray.tune.schedulers.AsyncHyperBandScheduler(brackets=1)` does.
    """

    grace_epochs: int = 1
    """r: no trial is stopped before this epoch; from 1 to the budget."""
    reduction_factor: float = 3
    """eta: one in so many trials goes on at each rung; at least 1.1, usually 2, 3 or 4."""

    def faults(self, epochs: int) -> list[str]:
        """What does not fit a budget of `epochs`, one fault each."""
        faults = []
        where, grace, eta = "scheduler.grace_epochs", self.grace_epochs, self.reduction_factor
        if isinstance(grace, bool) or not isinstance(grace, int) or grace < 1:
            faults.append(f"{where}: {grace!r} is not a number of epochs; it must be a whole number of at least 1.")
        elif grace > epochs:
            faults.append(
                f"{where}: {grace} is more than the budget of {epochs} {_noun(epochs)}; it must be from 1 to {epochs}. "
                "Lower it, or raise epochs."
            )
        if isinstance(eta, bool) or not isinstance(eta, int | float) or not _LEAST_ETA <= eta < math.inf:
            faults.append(
                f"scheduler.reduction_factor: {eta!r} is given, a finite number of at least {_LEAST_ETA} is needed: "
                "one trial in so many goes on at each rung. Use 2, 3 or 4."
            )
        return faults

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """The epochs below `epochs` at which trials are compared, ascending.

        These are r eta^k, or the first epoch after it where eta is not whole. Where such milestones lie closer than
        an epoch (eta below 2), each epoch takes the highest that is left, as Ray does.

        Raises:
            ValueError: The parameters do not fit the budget; `faults` says why.
        """
        if faults := self.faults(epochs):
            raise ValueError("\n".join(faults))
        return _rungs(self.grace_epochs, float(self.reduction_factor), epochs)

    def in_words(self, epochs: int) -> list[str]:
        """What it will do, one plain sentence a line."""
        rungs = [str(rung) for rung in self.rungs(epochs)]
        whole = f"train the whole budget of {epochs} {_noun(epochs)}."
        if not rungs:
            return [f"No epoch of comparison lies below the budget: all trials {whole}"]
        listed = f"{', '.join(rungs[:-1])} and {rungs[-1]}" if len(rungs) > 1 else rungs[0]
        eta = self.reduction_factor
        share = f"best {_SHARES[int(eta)]}" if eta in _SHARES else f"best 1/{eta:g}"
        goes_on = f"a trial goes on if it is among the {share} of those that got there so far, otherwise it is stopped"
        return [
            f"After {'epochs' if len(rungs) > 1 else 'epoch'} {listed}: {goes_on}.",
            "The first trial to get there always goes on.",
            f"Trials that are never stopped {whole}",
        ]

    def decide(
        self, losses: Mapping[int, Mapping[int, float]], *, trial: int, epoch: int, loss: float, epochs: int
    ) -> Decision:
        """Go on or stop, after `trial` has reported `loss` at `epoch`; see `Scheduler.decide`."""
        if epoch not in self.rungs(epochs):
            return Decision(action="continue")
        before = [reached[epoch] for other, reached in losses.items() if other != trial and epoch in reached]
        cutoff = self._cutoff(before)
        return Decision(
            action="stop" if cutoff is not None and loss > cutoff else "continue",
            rung=epoch,
            rank=1 + sum(other < loss for other in before),
            of=len(before) + 1,
            cutoff=cutoff,
        )

    def promotable(
        self,
        losses: Mapping[int, Mapping[int, float]],
        held: Mapping[int, int],
        *,
        epochs: int,
        more_to_come: bool,
    ) -> int | None:
        """None: a trial is stopped or goes on, none is held."""
        return None

    def _cutoff(self, before: list[float]) -> float | None:
        """The loss at the best 1/eta of those before, interpolated; None for the first one.

        Computed on negated losses, as Ray does for mode `min`: interpolation is not symmetric to the last bit. None
        also where it overflows, between losses further apart than the largest float.
        """
        if not before:
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            cutoff = -float(np.percentile(np.negative(before), (1 - 1 / self.reduction_factor) * 100))
        return cutoff if math.isfinite(cutoff) else None


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


def _noun(epochs: int) -> str:
    return "epoch" if epochs == 1 else "epochs"
