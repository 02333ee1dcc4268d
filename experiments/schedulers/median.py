"""The median stopping rule: who does worse than the middle of the others is stopped."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from experiments._sweep.policy import Decision
from experiments.schedulers._words import budget, grace_faults, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from experiments._sweep.policy import Observation

__all__ = ["MedianStopping"]


@dataclass(frozen=True, kw_only=True)
class MedianStopping:
    """Stops a trial whose best loss so far is worse than the median of the others' mean losses up to its epoch.

    Golovin et al., "Google Vizier: A Service for Black-Box Optimization", KDD 2017, section 3.2.1
    (https://research.google/pubs/pub46180/). The mean of a trial is taken over its epochs from `grace_epochs` to the
    epoch of the trial that reports; the trials that got so far count, whether or how they ended. Nobody waits for
    anybody. Decides as `ray.tune.schedulers.MedianStoppingRule(time_attr="training_iteration")` does where that does
    not pause, which only lets other trials go first. As there, the last loss of a trial that completed or was stopped
    counts twice in its mean at that very epoch: Ray tells it once more when the trial ends.

    Use it for a gentle cut: about half of the trials go on, and each epoch is looked at.

    Paper: Golovin et al., KDD 2017.
    """

    grace_epochs: int = 1
    """No trial is stopped before this epoch, and no mean looks further back; from 1 to the budget."""
    min_trials: int = 3
    """So many other trials must have got to an epoch before a trial is stopped there; at least 1."""

    def faults(self, epochs: int, num_trials: int) -> list[str]:
        """What does not fit a budget of `epochs` and so many trials, one fault each."""
        faults = grace_faults(self.grace_epochs, epochs)
        where, least = "scheduler.min_trials", self.min_trials
        if not whole(least, 1):
            faults.append(f"{where}: {least!r} is not a number of trials; it must be a whole number of at least 1.")
        elif num_trials <= least:
            faults.append(
                f"{where}: {least} other trials are needed before one is stopped, and num_trials={num_trials} is not "
                f"more than that: nobody would ever be stopped. Use num_trials of at least {least + 1}, lower "
                "min_trials, or use FIFO()."
            )
        return faults

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """Every epoch from `grace_epochs` to the last below `epochs`.

        Raises:
            ValueError: The parameters do not fit the budget; `faults` says why.
        """
        if faults := grace_faults(self.grace_epochs, epochs):
            raise ValueError("\n".join(faults))
        return tuple(range(self.grace_epochs, epochs))

    def in_words(self, epochs: int, num_trials: int) -> list[str]:
        """What it will do, one plain sentence a line."""
        rungs, ends = self.rungs(epochs), f"train the whole budget of {budget(epochs)}."
        if not rungs:
            return [f"No epoch of comparison lies below the budget: all trials {ends}"]
        when = f"After epoch {rungs[0]}" if len(rungs) == 1 else f"After each of the epochs {rungs[0]} to {rungs[-1]}"
        least = "1 other trial" if self.min_trials == 1 else f"{self.min_trials} other trials"
        median = f"the median of the others' means since epoch {self.grace_epochs}"
        return [
            f"{when}: a trial goes on if its best value so far is no worse than {median}, otherwise it is stopped.",
            f"Of {num_trials} trials the worse half is stopped sooner or later; nobody is before {least} got so far.",
            f"Trials that are never stopped {ends}",
        ]

    def bracket(self, trials: Mapping[int, Observation], *, epochs: int) -> int | None:
        """None: there are no brackets."""
        return None

    def decide(
        self, trials: Mapping[int, Observation], *, trial: int, epoch: int, loss: float, epochs: int
    ) -> Decision:
        """Go on or stop, after `trial` has reported `loss` at `epoch`; see `Scheduler.decide`."""
        if not self.grace_epochs <= epoch < epochs:
            return Decision(action="continue")
        means = {
            number: mean
            for number, other in trials.items()
            if number != trial and (mean := self._mean_of(other, epoch)) is not None
        }
        own = trials[trial].losses.values() if trial in trials else ()
        best = min(*own, loss) if own else loss
        median = _median(list(means.values())) if len(means) >= self.min_trials else None
        ahead = sorted((mean, number) for number, mean in means.items() if mean < best)
        return Decision(
            action="stop" if median is not None and median < best else "continue",
            rung=epoch,
            rank=1 + len(ahead),
            of=len(means) + 1,
            cutoff=median if median is not None and math.isfinite(median) else None,
            ahead=tuple(number for _, number in ahead[:3]),
        )

    def judge(
        self, trials: Mapping[int, Observation], held: Mapping[int, int], *, epochs: int, more_to_come: bool
    ) -> dict[int, Decision]:
        """Nothing: a trial is stopped or goes on, none is held."""
        return {}

    def _mean_of(self, other: Observation, epoch: int) -> float | None:
        """Its mean loss from the grace epoch to `epoch`, None where it has not got there or it is too large."""
        newest = next(reversed(other.losses), 0) if isinstance(other.losses, dict) else max(other.losses, default=0)
        if newest < epoch:
            return None
        counted = [loss for at, loss in other.losses.items() if self.grace_epochs <= at <= epoch]
        if newest == epoch and other.ending in ("completed", "stopped"):
            counted.append(counted[-1])
        mean = _mean(tuple(counted))
        return mean if math.isfinite(mean) else None


@lru_cache(maxsize=2**14)
def _mean(losses: tuple[float, ...]) -> float:
    """The mean in numpy's order of summation, as Ray takes it; kept, for each trial that reports asks for all."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.mean(losses))


def _median(means: list[float]) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.median(means))
