"""The six questions that a sweep is asked, answered from its ledger and that of its confirmation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments._sweep.analysis.asking import asked
from experiments._sweep.analysis.confirmed import Confirmed, confirmed
from experiments._sweep.analysis.edges import at_edges
from experiments._sweep.analysis.importance import importance
from experiments._sweep.analysis.mattering import mattered
from experiments._sweep.analysis.progress import progress
from experiments._sweep.analysis.proving import real
from experiments._sweep.analysis.repeating import repeat
from experiments._sweep.analysis.searched import searched
from experiments._sweep.analysis.suggesting import next_steps, suggestions
from experiments._sweep.analysis.winning import won
from experiments._sweep.derived.finding import searched_sweep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiments._sweep.analysis.answer import Answer
    from experiments._sweep.analysis.importance import Importance
    from experiments._sweep.sweep import Sweep


@dataclass(frozen=True, kw_only=True)
class Answers:
    """In the order in which a reader asks."""

    asked: Answer
    won: Answer
    real: Answer
    mattered: Answer
    next: Answer
    repeat: Answer
    confirmed: Confirmed
    """What `real` rests on."""

    def __iter__(self) -> Iterator[Answer]:
        """The six of them."""
        yield from (self.asked, self.won, self.real, self.mattered, self.next, self.repeat)


def answers(sweep: Sweep, important: Importance | None = None) -> Answers:
    """The answers about a sweep; of a confirmation or a replay, those about the sweep that it was made of.

    Args:
        sweep: The sweep.
        important: What `importance` has said of it, where that is known already.
    """
    sweep = searched_sweep(sweep)
    history = sweep.history
    found = searched(history)
    weighed = importance(history) if important is None else important
    judged = confirmed(sweep)
    to_try = suggestions(
        sweep,
        found,
        important=weighed,
        edges=at_edges(history),
        far=progress(history),
        confirmed=judged,
    )
    return Answers(
        asked=asked(sweep, found),
        won=won(sweep, found, judged.answer),
        real=real(sweep, judged),
        mattered=mattered(history, found, weighed),
        next=next_steps(to_try),
        repeat=repeat(sweep, judged.answer),
        confirmed=judged,
    )
