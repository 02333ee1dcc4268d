"""First in, first out: no comparison, no early stopping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments._sweep.policy import Decision
from experiments.schedulers._words import budget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from experiments._sweep.policy import Observation

__all__ = ["FIFO"]


@dataclass(frozen=True, kw_only=True)
class FIFO:
    """Trains every trial for its whole budget: the baseline against which early stopping is measured.

    Use it to measure what early stopping costs, or where early epochs say nothing about late ones.
    """

    def faults(self, epochs: int, num_trials: int) -> list[str]:
        """Nothing: every budget fits."""
        return []

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """None."""
        return ()

    def in_words(self, epochs: int, num_trials: int) -> list[str]:
        """What it will do, in one sentence."""
        return [f"Every trial trains its whole budget of {budget(epochs)}."]

    def bracket(self, trials: Mapping[int, Observation], *, epochs: int) -> int | None:
        """None: there are no brackets."""
        return None

    def decide(
        self, trials: Mapping[int, Observation], *, trial: int, epoch: int, loss: float, epochs: int
    ) -> Decision:
        """Go on, always."""
        return Decision(action="continue")

    def judge(
        self, trials: Mapping[int, Observation], held: Mapping[int, int], *, epochs: int, more_to_come: bool
    ) -> dict[int, Decision]:
        """Nothing: no trial is ever held."""
        return {}
