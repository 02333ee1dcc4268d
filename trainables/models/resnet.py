"""torchvision's ResNet-18, with a stem that keeps small images large enough."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence

_SMALL = 64
"""Pixels of the longer side up to which an image is small: torchvision's stem would leave 2x2 of 64x64."""


def resnet18(
    input_shape: Sequence[int], outputs: int, *, dropout: float = 0.0, batch_norm_momentum: float = 0.1
) -> nn.Module:
    """Return an untrained ResNet-18: (rows, channels, height, width) -> (rows, outputs).

    He et al., "Deep Residual Learning for Image Recognition" (2016). Images of up to 64 pixels enter through a 3x3
    convolution with stride 1 and no pooling, as in the paper's networks for CIFAR-10; larger ones through the 7x7
    convolution with stride 2 and the pooling of its networks for ImageNet. The initial weights come from torch's global
    random state, which the loop seeds and restores.

    Args:
        input_shape: Channels (any number), height and width of an image, in pixels.
        outputs: Numbers in one output (logits of the classes).
        dropout: Probability that a feature before the last layer is zeroed while training, in [0, 1).
        batch_norm_momentum: Weight of the newest batch in the running means and variances, in (0, 1].
    """
    from torchvision import models  # takes a second to import, which other networks need not pay

    channels, height, width = input_shape
    norm_layer = partial(nn.BatchNorm2d, momentum=batch_norm_momentum)
    network: Any = models.resnet18(weights=None, num_classes=outputs, norm_layer=norm_layer)
    is_small = max(height, width) <= _SMALL
    if is_small or channels != 3:
        size, stride = (3, 1) if is_small else (7, 2)
        network.conv1 = nn.Conv2d(channels, 64, size, stride=stride, padding=size // 2, bias=False)
        nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
    if is_small:
        network.maxpool = nn.Identity()
    if dropout > 0:
        network.fc = nn.Sequential(nn.Dropout(dropout), network.fc)
    # with the channels of a pixel side by side in memory, a step is a sixth faster on a CPU
    return network.to(memory_format=torch.channels_last)  # type: ignore[no-any-return] # torchvision is shipped without types
