"""Stored pixels made into network inputs with mean 0 and standard deviation 1 per channel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CHUNK_NUMBERS = 4_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Normalization:
    """Subtracts the mean of each channel and divides by its standard deviation: uint8 to float32."""

    mean: torch.Tensor
    """Mean of each channel, float32, (channels, 1, 1)."""

    std: torch.Tensor
    """Standard deviation of each channel, above 0, float32, (channels, 1, 1)."""

    factor: torch.Tensor
    """1 / std: a product is faster than a quotient."""

    @classmethod
    def of(cls, sums: NDArray[np.int64], pixels: int) -> Normalization:
        """Return the normalization of images with given sums; exact, as the sums are whole numbers.

        Args:
            sums: Of each image and channel the sum of its pixels and that of their squares, (rows, channels, 2).
            pixels: Pixels in one channel of an image.
        """
        count = len(sums) * pixels
        totals = [(int(first), int(second)) for first, second in sums.sum(axis=0)]
        mean = [first / count for first, _ in totals]
        # Whole numbers up to the root: no digits are lost. A channel with one value only has no scale: 1.
        std = [math.sqrt(count * second - first * first) / count or 1.0 for first, second in totals]
        mean_, std_ = (torch.tensor(each, dtype=torch.float64).reshape(-1, 1, 1) for each in (mean, std))
        return cls(mean=mean_.float(), std=std_.float(), factor=(1 / std_).float())

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return float32 inputs of stored or augmented pixels (rows, channels, height, width)."""
        return inputs.to(torch.float32, copy=True).sub_(self.mean).mul_(self.factor)

    def to(self, device: torch.device) -> Normalization:
        """Return the same normalization for pixels on a device."""
        if self.mean.device == device:
            return self
        return Normalization(mean=self.mean.to(device), std=self.std.to(device), factor=self.factor.to(device))


def pixel_sums(images: NDArray[np.uint8], into: NDArray[np.int64]) -> None:
    """Write the sum of the pixels and that of their squares of each image and channel into (rows, channels, 2).

    The statistics of any part of the images follow from them, so that no other split has to look at the images again.
    """
    step = max(1, _CHUNK_NUMBERS // max(1, math.prod(images.shape[1:])))
    for start in range(0, len(images), step):
        rows = slice(start, start + step)
        into[rows, :, 0] = images[rows].sum(axis=(2, 3), dtype=np.int64)
        into[rows, :, 1] = np.square(images[rows], dtype=np.uint32).sum(axis=(2, 3), dtype=np.int64)
