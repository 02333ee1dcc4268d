"""A network for regression that answers in the target's unit: what it learns is the standardized target."""

from __future__ import annotations

import torch
from torch import nn


class Rescaled(nn.Module):
    """A network whose outputs are multiplied by the target's standard deviation and moved to its mean.

    Both are buffers: they are saved with the weights, so that a saved network predicts in the target's unit, and no
    optimizer changes them.
    """

    target_mean: torch.Tensor
    target_std: torch.Tensor

    def __init__(self, network: nn.Module, *, target_mean: float, target_std: float) -> None:
        """Put the scale behind a network.

        Args:
            network: Gives outputs of about mean 0 and standard deviation 1.
            target_mean: Mean of the training part's targets, in their unit.
            target_std: Their standard deviation, in their unit, above 0.
        """
        super().__init__()
        self.network = network
        self.register_buffer("target_mean", torch.tensor(target_mean, dtype=torch.float32))
        self.register_buffer("target_std", torch.tensor(target_std, dtype=torch.float32))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return outputs in the target's unit, of the network's shape; in float32 whatever the precision before."""
        standardized: torch.Tensor = self.network(inputs)
        return standardized.float() * self.target_std + self.target_mean
