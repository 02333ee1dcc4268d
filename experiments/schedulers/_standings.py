"""How the trials of one HyperBand bracket stand at its rungs, read from what they reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments._sweep.policy import Decision

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from experiments._sweep.policy import Observation
    from experiments.schedulers._brackets import Bracket


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Who got to a rung, and whether everybody did who will."""

    rung: int
    order: tuple[int, ...]
    """The trials that got there, the best first; of equals the higher number, as in Ray."""
    losses: tuple[float, ...]
    """Theirs."""
    keep: int
    """How many go on."""
    settled: bool
    """Whether nobody is waited for: each one's fate is known."""

    def decision(self, trial: int) -> Decision:
        """What happens to a trial that got there."""
        place = self.order.index(trial)
        return Decision(
            action="hold" if not self.settled else "continue" if place < self.keep else "stop",
            rung=self.rung,
            rank=place + 1,
            of=len(self.order),
            cutoff=self.losses[min(self.keep, len(self.losses)) - 1] if self.settled else None,
            ahead=self.order[: min(place, 3)],
        )


def standings(bracket: Bracket, members: Sequence[Observation], *, closed: bool) -> Iterator[Standing]:
    """The standing at each rung of the bracket.

    Whoever leaves a rung does so when it is settled, and nobody comes to it afterwards: those who have a loss there are
    those who were compared, whatever became of them since. So each comparison is found again at any later time.

    Args:
        bracket: Its rungs.
        members: Its trials in ascending order of their numbers.
        closed: Whether no other trial will come into the bracket before its first rung is settled.
    """
    alive, settled = list(members), closed
    for rung, keep in zip(bracket.rungs, bracket.keep, strict=True):
        there = sorted((each for each in alive if rung in each.losses), key=lambda each: -each.losses[rung])
        there.reverse()
        settled = settled and not any(each.ending is None and rung not in each.losses for each in alive)
        order = tuple(each.trial for each in there)
        losses = tuple(each.losses[rung] for each in there)
        yield Standing(rung=rung, order=order, losses=losses, keep=keep, settled=settled)
        chosen = set(order[:keep]) if settled else set()
        alive = sorted(
            (each for each in there if _went_on(each, rung) or (each.trial in chosen and each.ending is None)),
            key=lambda each: each.trial,
        )


def is_open(bracket: Bracket, members: Sequence[Observation]) -> bool:
    """Whether it has a free place and has not been judged.

    A trial that failed before its first rung leaves its place to another, as in Ray; one that completed by itself does
    not: where all trials do so, no bracket would ever be full.
    """
    taken = sum(each.ending is None or bracket.first in each.losses or each.ending == "completed" for each in members)
    judged = any(bracket.first in each.losses and _left(each, bracket.first) for each in members)
    return taken < bracket.size and not (judged and bracket.rungs)


def _left(trial: Observation, rung: int) -> bool:
    return max(trial.losses) > rung or trial.ending is not None


def _went_on(trial: Observation, rung: int) -> bool:
    """Whether it was seen to go on from a rung that it got to: nobody ends there but who is stopped."""
    return max(trial.losses) > rung or trial.ending not in (None, "stopped")
