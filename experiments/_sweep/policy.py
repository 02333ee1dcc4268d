"""What a searcher and a scheduler are asked, and what they answer.

Both are frozen values and pure functions: everything they know comes in as arguments, made from the ledger, so a
resumed sweep decides as an uninterrupted one. *Loss* means the experiment's metric, negated where the mode is ``max``:
lower is always better.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from search_spaces import SearchSpace

Action = Literal["continue", "hold", "stop"]


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What a searcher or a scheduler may know of a trial."""

    trial: int
    """Number of the trial, from 0."""
    config: Mapping[str, Any]
    """Its whole configuration, constants included."""
    losses: Mapping[int, float]
    """Finite losses by epoch (from 1), in ascending order of epochs; empty while nothing was reported."""
    ending: str | None
    """How the trial ended (`completed`, `stopped`, `diverged`, `error`, ...), None while it has not."""
    counts: Literal["best", "last"] = "best"
    """Which of the losses stands for the trial: its best, or its last, an estimate from all epochs so far."""
    bracket: int | None = None
    """The bracket that the scheduler put it in, None where there are none."""

    def loss(self, until: float = math.inf) -> float:
        """The loss that stands for the trial as it was at an epoch; infinite where it had none."""
        losses = [loss for epoch, loss in self.losses.items() if epoch <= until]
        return (losses[-1] if self.counts == "last" else min(losses)) if losses else math.inf


class Trials(dict[int, Observation]):
    """All trials by number, with their losses by epoch at hand: a sweep may have a thousand that report at once."""

    def __init__(self, by_epoch: Mapping[int, Mapping[int, float]]) -> None:
        """None yet; `by_epoch` is epoch to trial to its finite loss, kept up by whoever adds the trials."""
        super().__init__()
        self.by_epoch = by_epoch


def losses_at(trials: Mapping[int, Observation], epoch: int) -> Mapping[int, float]:
    """Trial to its loss at `epoch`, of those that have one."""
    if isinstance(trials, Trials):
        return trials.by_epoch.get(epoch, {})
    return {number: trial.losses[epoch] for number, trial in trials.items() if epoch in trial.losses}


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """The configuration of a new trial and where it came from."""

    config: dict[str, Any]
    """The whole configuration, constants included; one that the space has."""
    origin: str
    """In the field's words: `start point`, `grid`, `random`, `tpe`, `gp`."""
    details: dict[str, Any] = field(default_factory=dict)
    """What made it the choice, by name, in JSON's types: the acquisition function and its value, for example."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What happens to a trial after an epoch."""

    action: Action
    rung: int | None = None
    """The epoch at which trials were compared, None where the scheduler does not compare."""
    rank: int | None = None
    """Place among the trials that have reached the rung, from 1, this one included."""
    of: int | None = None
    """How many trials have reached the rung, this one included."""
    cutoff: float | None = None
    """The loss above which a trial does not go on; None where too few have reached the rung."""
    ahead: tuple[int, ...] = ()
    """Numbers of the trials that were ahead of it there, the best first, at most three."""


@runtime_checkable
class Searcher(Protocol):
    """Proposes configurations."""

    def faults(self, space: SearchSpace) -> list[str]:
        """What is wrong with its parameters and what it cannot do with the space, one sentence each."""
        ...

    def in_words(self, space: SearchSpace) -> list[str]:
        """What it will do with the space, one plain sentence a line, for `sweep show`."""
        ...

    def propose(
        self, space: SearchSpace, observations: Sequence[Observation], *, trial: int, seed: int
    ) -> Proposal | None:
        """The configuration of trial number `trial`, or None when a finite space is exhausted.

        Args:
            space: Where to look; what it requires of a configuration holds for the answer.
            observations: The earlier trials in ascending order of their numbers.
            trial: Number of the new trial.
            seed: The sweep's seed; the answer is a function of the four arguments.
        """
        ...


@runtime_checkable
class Scheduler(Protocol):
    """Compares trials at rungs and says which go on."""

    def faults(self, epochs: int, num_trials: int) -> list[str]:
        """What does not fit a budget of `epochs` and so many trials, one sentence each."""
        ...

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """The epochs at which trials are compared, ascending, all below `epochs`."""
        ...

    def in_words(self, epochs: int, num_trials: int) -> list[str]:
        """What it will do, one plain sentence a line, for `sweep show`."""
        ...

    def bracket(self, trials: Mapping[int, Observation], *, epochs: int) -> int | None:
        """The bracket, from 0, of the next new trial; None where trials are not put into brackets.

        The answer is recorded with the trial and comes back as its `Observation.bracket`.
        """
        ...

    def decide(
        self, trials: Mapping[int, Observation], *, trial: int, epoch: int, loss: float, epochs: int
    ) -> Decision:
        """What happens to `trial`, which has just reported `loss` at `epoch`.

        Args:
            trials: All trials by number, this one included, as they were before this result.
            trial: The trial that reports.
            epoch: Its epoch, below `epochs`.
            loss: Its finite loss.
            epochs: The budget of a trial.
        """
        ...

    def judge(
        self, trials: Mapping[int, Observation], held: Mapping[int, int], *, epochs: int, more_to_come: bool
    ) -> dict[int, Decision]:
        """Held trials whose turn has come: `continue` promotes, `stop` ends them for good; the others stay held.

        Args:
            trials: All trials by number.
            held: Held trial to the epoch it is held at.
            epochs: The budget of a trial.
            more_to_come: Whether new trials will still be proposed; without them no bracket waits to be filled.
        """
        ...
