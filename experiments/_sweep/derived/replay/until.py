"""A scheduler that stops every trial at an epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments._sweep.policy import Decision
from experiments.schedulers.fifo import FIFO

if TYPE_CHECKING:
    from collections.abc import Mapping

    from experiments._sweep.policy import Observation


@dataclass(frozen=True, kw_only=True)
class Until(FIFO):
    """Trains until an epoch of the budget, so that what depends on the budget (the learning rates) is as it was."""

    epoch: int
    """The last one, from 1."""

    @property
    def name(self) -> str:
        """What stopped a trial, in its story."""
        return f"the end of what is compared, epoch {self.epoch}"

    def in_words(self, epochs: int, num_trials: int) -> list[str]:
        """What it will do, in one sentence."""
        return [f"Every trial is stopped at epoch {self.epoch}."]

    def decide(
        self, trials: Mapping[int, Observation], *, trial: int, epoch: int, loss: float, epochs: int
    ) -> Decision:
        """Go on, and stop at the epoch."""
        return Decision(action="stop" if epoch >= self.epoch else "continue")
