"""A network with its optimizer: what one pass over the training or the validation part does to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch import nn

    from trainables._training.datasets.examples import Examples

    Score = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

_VALIDATION_ROWS = 4096
"""Rows per forward pass of validation: large enough for full speed, small enough for memory."""


@dataclass(kw_only=True, eq=False)
class Learner:
    """A network that is being trained."""

    network: nn.Module
    """On the device of its data."""

    optimizer: torch.optim.Optimizer
    """Of the network's parameters."""

    loss: Score
    """Mean loss of (outputs, targets) that is minimized."""

    scores: Mapping[str, Score]
    """Other metrics of (outputs, targets), by name."""

    def train(self, batches: Iterable[tuple[torch.Tensor, torch.Tensor]], *, lr: float) -> dict[str, float]:
        """Take one step per batch; return loss and scores of all rows, as they were when their step was taken."""
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.network.train()
        all_outputs, all_targets = [], []
        for inputs, targets in batches:
            outputs = self.network(inputs)
            self.optimizer.zero_grad()
            self.loss(outputs, targets).backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
            self.optimizer.step()
            # Kept, not measured: one pass at the end costs less than a sum and a wait for the device at each step.
            all_outputs.append(outputs.detach())
            all_targets.append(targets)
        return self._measure(torch.cat(all_outputs), torch.cat(all_targets))

    def validate(self, examples: Examples) -> dict[str, float]:
        """Return loss and scores of all rows; the network stays as it is."""
        self.network.eval()
        with torch.inference_mode():
            starts = range(0, len(examples), _VALIDATION_ROWS)
            outputs = [self.network(examples.normalized(slice(at, at + _VALIDATION_ROWS))) for at in starts]
        return self._measure(torch.cat(outputs), examples.targets)

    def state(self) -> dict[str, Any]:
        """Return weights and moments of the optimizer, for a checkpoint."""
        return {"model": self.network.state_dict(), "optimizer": self.optimizer.state_dict()["state"]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Load weights and moments, not hyperparameters: population-based training continues with others."""
        self.network.load_state_dict(state["model"])
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state["optimizer"], "param_groups": groups})

    def _measure(self, outputs: torch.Tensor, targets: torch.Tensor) -> dict[str, float]:
        with torch.inference_mode():
            scores = {name: float(score(outputs, targets)) for name, score in self.scores.items()}
            return {"loss": float(self.loss(outputs, targets)), **scores}
