"""HyperBand: successive halving in brackets that begin with many short or few long trials."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from experiments._sweep.policy import Decision
from experiments.schedulers._brackets import band, bracket_of, epochs_of, filled
from experiments.schedulers._standings import is_open, standings
from experiments.schedulers._words import budget, reduction_faults, share

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from experiments._sweep.policy import Observation
    from experiments.schedulers._brackets import Bracket
    from experiments.schedulers._standings import Standing

__all__ = ["HyperBand"]

_LEAST_ETA = 2  # nearer to 1 a rung, rounded down, may lie at the epoch of the one before it
_LINES = 8


@dataclass(frozen=True, kw_only=True)
class HyperBand:
    """Compares the trials of a bracket when all of them got to a rung; the best 1/eta go on, the others are stopped.

    Li et al., "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization", JMLR 18 (2018)
    (https://arxiv.org/abs/1603.06560), with eta = `reduction_factor` and R = the experiment's `epochs`. Trials fill the
    brackets s = 0, 1, ..., s_max in turn, and then again: few trials that train the whole budget come first, most
    trials in the last bracket, compared after a few epochs already. A trial at a rung is held, which costs no epoch,
    until the bracket is full and everybody else got there, failed or ended by itself; so it works with any number of
    trials at a time. More trials for a finished sweep go into new brackets.

    Decides as `ray.tune.schedulers.HyperBandScheduler` does, with two differences. Ray judges a bracket before it is
    full where the trials at a time are few, and then stops hardly anybody; here it waits for its trials as long as new
    ones are to come. And where the budget is no power of eta, the last of a bracket train the whole of it, as with
    Ray's `stop_last_trials=False`.

    Use it where early epochs may mislead: each bracket begins with another number of epochs.

    Paper: Li et al., JMLR 2018.
    """

    holds: ClassVar[bool] = True
    """Trials wait at rungs, stopped, and go on later."""

    reduction_factor: float = 3
    """eta: one in so many trials of a bracket goes on at each rung; at least 2, usually 3 or 4."""

    def faults(self, epochs: int, num_trials: int) -> list[str]:
        """What does not fit a budget of `epochs` and so many trials, one fault each."""
        eta = self.reduction_factor
        if faults := reduction_faults(eta, _LEAST_ETA):
            return faults
        brackets = band(epochs, float(eta))
        if len(brackets) == 1:
            fault = f"HyperBand(reduction_factor={eta:g}) compares nobody within the budget of {budget(epochs)}"
            least = f"at least {math.ceil(eta)} epochs are needed"
            return [f"scheduler: {fault}; {least}. Raise epochs, lower reduction_factor, or use FIFO()."]
        before, first = brackets[0].size, brackets[1]
        least_trials, full = before + first.keep[0] + 1, before + first.size
        if num_trials >= least_trials:
            return []
        fault = f"begins with trial {before} and lets {first.keep[0]} go on"
        given = f"with num_trials={num_trials} nobody would ever be stopped"
        remedy = f"Use num_trials of at least {least_trials}, or {full} for a full bracket, or ASHA()."
        return [f"scheduler: HyperBand's first bracket that compares trials {fault}; {given}. {remedy}"]

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """The epochs below `epochs` at which trials of one bracket or another are compared, ascending.

        Raises:
            ValueError: The reduction factor is none; `faults` says why.
        """
        if faults := reduction_faults(self.reduction_factor, _LEAST_ETA):
            raise ValueError("\n".join(faults))
        return tuple(sorted({rung for bracket in band(epochs, float(self.reduction_factor)) for rung in bracket.rungs}))

    def in_words(self, epochs: int, num_trials: int) -> list[str]:
        """What it will do, one plain sentence a line; trials are numbered as if none failed."""
        brackets = filled(num_trials, epochs, float(self.reduction_factor))
        trained = self.epochs_in_all(epochs, num_trials)
        lines, first = [], 0
        for bracket, trials in brackets[:_LINES]:
            numbers = f"Trials {first} to {first + trials - 1}" if trials > 1 else f"Trial {first}"
            lines.append(f"{numbers}: {self._course(bracket, trials, epochs)}.")
            first += trials
        if len(brackets) > _LINES:
            lines.append(f"And so on, in {len(brackets)} brackets, to trial {num_trials - 1}.")
        return [
            "Trials go into brackets; at a rung each is held until all of its bracket got there, and the best go on.",
            *lines,
            f"That is {trained} epochs in all where no trial fails, instead of {num_trials * epochs}.",
        ]

    def epochs_in_all(self, epochs: int, num_trials: int) -> int:
        """The epochs that so many trials train together, where none of them fails or ends by itself."""
        brackets = filled(num_trials, epochs, float(self.reduction_factor))
        return sum(epochs_of(bracket, trials, epochs) for bracket, trials in brackets)

    def _course(self, bracket: Bracket, trials: int, epochs: int) -> str:
        if not bracket.rungs:
            return f"the whole budget of {budget(epochs)}"
        parts = []
        for rung, keep in zip(bracket.rungs, bracket.keep, strict=True):
            if trials <= keep:
                who = "all go on"
            elif keep * self.reduction_factor == trials:
                who = f"the {share(self.reduction_factor)} goes on ({keep} of {trials})"
            else:
                who = f"the best {keep} of {trials} go on"
            parts.append(f"after epoch {rung} {who}")
            trials = min(trials, keep)
        return ", ".join(parts)

    def bracket(self, trials: Mapping[int, Observation], *, epochs: int) -> int | None:
        """The newest bracket while it has a free place and has not been judged, else the next one."""
        newest = _newest(trials)
        if newest is None:
            return 0
        shape = bracket_of(newest, epochs, float(self.reduction_factor))
        return newest if is_open(shape, _members(trials, newest)) else newest + 1

    def decide(
        self, trials: Mapping[int, Observation], *, trial: int, epoch: int, loss: float, epochs: int
    ) -> Decision:
        """Go on, be held or stop, after `trial` has reported `loss` at `epoch`; see `Scheduler.decide`."""
        known = trials.get(trial)
        if known is None or known.bracket is None:
            return Decision(action="continue")
        if epoch not in bracket_of(known.bracket, epochs, float(self.reduction_factor)).rungs:
            return Decision(action="continue")
        reported = dataclasses.replace(known, losses={**known.losses, epoch: loss})
        now = {**trials, trial: reported}
        return next(
            standing.decision(trial)
            for standing in self._standings(now, known.bracket, epochs=epochs, more_to_come=True)
            if standing.rung == epoch
        )

    def judge(
        self, trials: Mapping[int, Observation], held: Mapping[int, int], *, epochs: int, more_to_come: bool
    ) -> dict[int, Decision]:
        """The fate of the held trials whose bracket is complete at their rung; see `Scheduler.judge`."""
        fates: dict[int, Decision] = {}
        for number in sorted({each for trial in held if (each := trials[trial].bracket) is not None}):
            for standing in self._standings(trials, number, epochs=epochs, more_to_come=more_to_come):
                here = [trial for trial in standing.order if held.get(trial) == standing.rung]
                fates |= {trial: standing.decision(trial) for trial in here if standing.settled}
        return fates

    def _standings(
        self, trials: Mapping[int, Observation], number: int, *, epochs: int, more_to_come: bool
    ) -> Iterator[Standing]:
        shape, members = bracket_of(number, epochs, float(self.reduction_factor)), _members(trials, number)
        closed = not more_to_come or number != _newest(trials) or not is_open(shape, members)
        return standings(shape, members, closed=closed)


def _newest(trials: Mapping[int, Observation]) -> int | None:
    return max((each.bracket for each in trials.values() if each.bracket is not None), default=None)


def _members(trials: Mapping[int, Observation], bracket: int) -> list[Observation]:
    return sorted((each for each in trials.values() if each.bracket == bracket), key=lambda each: each.trial)
