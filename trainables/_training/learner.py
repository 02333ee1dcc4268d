"""A network with its optimizer: what one pass over the training or the validation part does to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from trainables._training.denormals import without_denormals
from trainables._training.measuring import autocast, measured, measures_of, precision_of
from trainables._training.optimizers import direct_step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch import nn

    from trainables._training.data.part import Batch, Part
    from trainables._training.measuring import Score


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a step does beside following the gradient of the loss."""

    l1: float = 0.0
    """Weight of the L1 penalty: the sum of the absolute values of all weights of layers, biases left out."""

    gradient_clip: float | None = None
    """Largest L2 norm of the gradient of all parameters together; a larger gradient is scaled down to it."""

    mixed_precision: bool = False
    """On CUDA, compute in bfloat16 where the GPU has it, else in float16 with a scaled loss; elsewhere no effect."""

    compile: bool = False
    """Compile the network with `torch.compile`: minutes at first, then faster steps."""


class Learner:
    """A network that is being trained."""

    def __init__(
        self,
        *,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        objective: Score,
        measures: Mapping[str, Score],
        step: Step,
        device: torch.device,
    ) -> None:
        """Put the pieces together.

        Args:
            network: On the device.
            optimizer: Of the network's parameters.
            objective: Mean loss of (outputs, targets) that is minimized, before penalties.
            measures: What is reported of (outputs, targets), by name.
            step: What a step does beside.
            device: Where the batches are.
        """
        self.network, self.optimizer, self.objective, self.measures = network, optimizer, objective, measures
        self._step = step
        # One graph for each size of a batch: else the first batches of a resumed trial would go through another graph
        # than those of one that has seen a second size, and round otherwise.
        compiled = torch.compile(network, dynamic=False) if step.compile else network
        self._forward: Callable[[torch.Tensor], torch.Tensor] = compiled
        self._parameters = list(network.parameters())
        # Biases and the scales of normalization layers are vectors; everything else is a weight.
        self._weights = [parameter for parameter in self._parameters if parameter.ndim > 1]
        self._precision = precision_of(device) if step.mixed_precision else None
        self.device = device
        is_half = self._precision is torch.float16
        self._scaler = torch.amp.GradScaler(device.type) if is_half else None
        self._take_step: Callable[[], object] = optimizer.step

    def train(self, batches: Iterable[Batch], *, lr: float) -> dict[str, float]:
        """Take one step per batch; return the measures of all rows, as they were when their step was taken."""
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.network.train()
        self._take_step = direct_step(self.optimizer)
        all_outputs, all_targets = [], []
        with without_denormals():
            for inputs, targets in batches:
                for parameter in self._parameters:
                    parameter.grad = None  # what zero_grad does, without its twentieth of the time of a small step
                with autocast(self.device, self._precision):
                    outputs = self._forward(inputs)
                self._update(self._penalized(self.objective(outputs.float(), targets)))
                # Kept, not measured: one pass at the end costs less than a sum and a wait for the device at each step.
                all_outputs.append(outputs.detach())
                all_targets.append(targets)
        return measures_of(all_outputs, all_targets, self.measures)

    def measured(self, part: Part) -> dict[str, float]:
        """Return the measures of all rows of a part; the network stays as it is."""
        self.network.eval()
        return measured(self._forward, part, self.measures, self.device, self._precision)

    def state(self) -> dict[str, Any]:
        """Return weights and moments of the optimizer, for a checkpoint."""
        state = {"model": self.network.state_dict(), "optimizer": self.optimizer.state_dict()["state"]}
        return state if self._scaler is None else state | {"scaler": self._scaler.state_dict()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Load weights and moments, not hyperparameters: population-based training continues with others."""
        self.network.load_state_dict(state["model"])
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state["optimizer"], "param_groups": groups})
        if self._scaler is not None and "scaler" in state:
            self._scaler.load_state_dict(state["scaler"])

    def _penalized(self, loss: torch.Tensor) -> torch.Tensor:
        if not self._step.l1:
            return loss
        return loss + self._step.l1 * sum(weight.abs().sum() for weight in self._weights)

    def _update(self, loss: torch.Tensor) -> None:
        if self._scaler is not None:
            self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
            self._scaler.unscale_(self.optimizer)
        else:
            loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        if self._step.gradient_clip is not None:
            torch.nn.utils.clip_grad_norm_(self._parameters, self._step.gradient_clip)
        if self._scaler is not None:
            self._scaler.step(self.optimizer)
            self._scaler.update()
        else:
            self._take_step()
