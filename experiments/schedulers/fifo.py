"""First in, first out: no comparison, no early stopping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments._sweep.policy import Decision

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FIFO"]


@dataclass(frozen=True, kw_only=True)
class FIFO:
    """Trains every trial for its whole budget: the baseline against which early stopping is measured."""

    def faults(self, epochs: int) -> list[str]:
        """Nothing: every budget fits."""
        return []

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """None."""
        return ()

    def in_words(self, epochs: int) -> list[str]:
        """What it will do, in one sentence."""
        return [f"Every trial trains its whole budget of {epochs} {'epoch' if epochs == 1 else 'epochs'}."]

    def decide(
        self,
        losses: Mapping[int, Mapping[int, float]],
        *,
        trial: int,
        epoch: int,
        loss: float,
        epochs: int,
    ) -> Decision:
        """Go on, always."""
        return Decision(action="continue")

    def promotable(
        self,
        losses: Mapping[int, Mapping[int, float]],
        held: Mapping[int, int],
        *,
        epochs: int,
        more_to_come: bool,
    ) -> int | None:
        """None: no trial is ever held."""
        return None
