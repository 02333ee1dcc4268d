"""A network as somebody would write it for `image_classifier`."""

import torch
from torch import nn


def network(input_shape: tuple[int, ...], outputs: int, *, width: int) -> nn.Module:
    """One hidden layer of `width` units."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(torch.Size(input_shape).numel(), width), nn.Tanh(), nn.Linear(width, outputs)
    )
