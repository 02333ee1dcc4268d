"""What is measured of a network on the rows of a part, while it is trained and afterwards."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from trainables._training.data.part import Part

    Score = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

_ROWS = 4096
"""Rows of a table per forward pass: large enough for full speed, small enough for memory."""

_NUMBERS = 400_000
"""Numbers in the inputs of such a pass, at most, on a CPU: they stay in its cache. A GPU takes ten times as many."""


def measured(
    forward: Callable[[torch.Tensor], torch.Tensor],
    part: Part,
    measures: Mapping[str, Score],
    device: torch.device,
    precision: torch.dtype | None = None,
) -> dict[str, float]:
    """Return the measures of all rows of a part.

    Args:
        forward: The network, in the mode of evaluation.
        part: The rows, given on the device.
        measures: Functions of (outputs, targets), by name.
        device: Where the network is.
        precision: In which its products are computed; None: in that of its weights.
    """
    outputs, all_targets = [], []
    numbers = _NUMBERS * (10 if device.type == "cuda" else 1)
    features = max(1, torch.Size(part.input_shape).numel())
    with torch.inference_mode():
        for inputs, targets in part.in_order(min(_ROWS, max(1, numbers // features))):
            with autocast(device, precision):
                outputs.append(forward(inputs))
            all_targets.append(targets)
    return measures_of(outputs, all_targets, measures)


def measures_of(
    outputs: Sequence[torch.Tensor], targets: Sequence[torch.Tensor], measures: Mapping[str, Score]
) -> dict[str, float]:
    """Return the measures of the rows of all batches together, in 32 bits."""
    with torch.inference_mode():
        all_outputs, all_targets = torch.cat(list(outputs)).float(), torch.cat(list(targets))
        return {name: float(measure(all_outputs, all_targets)) for name, measure in measures.items()}


def autocast(device: torch.device, precision: torch.dtype | None) -> AbstractContextManager[object]:
    """Return what computes matrix products in a precision of 16 bits; without one it changes nothing."""
    return torch.autocast(device.type, dtype=precision) if precision else nullcontext()


def precision_of(device: torch.device) -> torch.dtype | None:
    """Return the 16 bits that a device computes in, bfloat16 where a GPU has it; None on a CPU."""
    if device.type != "cuda":
        return None
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
