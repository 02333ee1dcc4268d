"""How many numbers each network has, by arithmetic: what a checkpoint takes is known before torch is imported."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """The numbers of a network and the tensors that they stand in."""

    parameters: int = 0
    """Those that are trained."""

    parameter_tensors: int = 0

    buffers: int = 0
    """Those that are not: running means and variances."""

    buffer_tensors: int = 0

    def __add__(self, other: Numbers) -> Numbers:
        """Return those of two networks together."""
        return Numbers(**{name: value + getattr(other, name) for name, value in vars(self).items()})


def mlp_numbers(features: int, outputs: int, *, layers: Sequence[int], batch_norm: bool = False) -> Numbers:
    """Return those of `models.mlp.mlp`."""
    total, width = Numbers(), features
    for units in layers:
        total += _weights(width * units, units, batch_norm=batch_norm)
        width = units
    return total + _weights(width * outputs, outputs)


def cnn_numbers(
    input_shape: Sequence[int],
    outputs: int,
    *,
    channels: Sequence[int],
    layers: Sequence[int],
    batch_norm: bool = False,
) -> Numbers:
    """Return those of `models.cnn.cnn`."""
    widest = 8
    depth, height, width = input_shape
    total = Numbers()
    for count in channels:
        total += _weights(depth * count * 9, count, batch_norm=batch_norm)
        if min(height, width) >= 2:
            height, width = height // 2, width // 2
        depth = count
    height, width = (math.ceil(side / math.ceil(side / widest)) for side in (height, width))
    return total + mlp_numbers(depth * height * width, outputs, layers=layers, batch_norm=batch_norm)


def resnet18_numbers(input_shape: Sequence[int], outputs: int) -> Numbers:
    """Return those of `models.resnet.resnet18`."""
    channels, height, width = input_shape
    stem = channels * 64 * (9 if max(height, width) <= 64 else 49)
    blocks = Numbers(parameters=11_167_104, parameter_tensors=59, buffers=9_620, buffer_tensors=60)
    return blocks + Numbers(parameters=stem, parameter_tensors=1) + _weights(512 * outputs, outputs)


def _weights(weights: int, units: int, *, batch_norm: bool = False) -> Numbers:
    """Return those of a layer: weights with a bias for each unit, or with batch normalization in its place."""
    if not batch_norm:
        return Numbers(parameters=weights + units, parameter_tensors=2)
    return Numbers(parameters=weights + 2 * units, parameter_tensors=3, buffers=2 * units + 2, buffer_tensors=3)
