"""A plain convolutional network: blocks of convolution and pooling, then a perceptron."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn

from trainables.models.activations import activation_layer
from trainables.models.mlp import mlp

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDEST = 8
"""Pixels of each side, at most, that the perceptron sees: it has a weight for each of them in each channel."""


def cnn(
    input_shape: Sequence[int],
    outputs: int,
    *,
    channels: Sequence[int],
    layers: Sequence[int],
    activation: str = "relu",
    dropout: float = 0.0,
    batch_norm: bool = False,
    batch_norm_momentum: float = 0.1,
) -> nn.Module:
    """Return a convolutional network: (rows, channels, height, width) -> (rows, outputs).

    Each block is a 3x3 convolution, batch normalization where asked for, a nonlinearity, and max-pooling over 2x2
    pixels as long as height and width are at least 2. What is then wider than 8 pixels is averaged down to at most 8.
    The initial weights come from torch's global random state, which the loop seeds and restores.

    Args:
        input_shape: Channels, height and width of an image, in pixels.
        outputs: Numbers in one output (logits of the classes).
        channels: Channels of each block; empty gives the perceptron alone.
        layers: Units of each hidden layer of the perceptron.
        activation: Name of the nonlinearity after each convolution and hidden layer.
        dropout: Probability that a hidden unit of the perceptron is zeroed while training, in [0, 1).
        batch_norm: Whether convolutions and hidden layers are normalized over the batch.
        batch_norm_momentum: Weight of the newest batch in the running means and variances, in (0, 1].
    """
    modules: list[nn.Module] = []
    depth, height, width = input_shape
    for count in channels:
        # batch normalization takes the mean away, and a bias with it
        modules.append(nn.Conv2d(depth, count, kernel_size=3, padding=1, bias=not batch_norm))
        if batch_norm:
            modules.append(nn.BatchNorm2d(count, momentum=batch_norm_momentum))
        modules.append(activation_layer(activation))
        if min(height, width) >= 2:
            modules.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
        depth = count
    if max(height, width) > _WIDEST:
        # of a fixed size: unlike adaptive pooling its gradients are the same in each run on CUDA
        size = (math.ceil(height / _WIDEST), math.ceil(width / _WIDEST))
        modules.append(nn.AvgPool2d(size, ceil_mode=True))
        height, width = math.ceil(height / size[0]), math.ceil(width / size[1])
    head = mlp(
        depth * height * width,
        outputs,
        layers=layers,
        activation=activation,
        dropout=dropout,
        batch_norm=batch_norm,
        batch_norm_momentum=batch_norm_momentum,
    )
    # with the channels of a pixel side by side in memory, a step takes two thirds of its time on a CPU
    return nn.Sequential(*modules, head).to(memory_format=torch.channels_last)
