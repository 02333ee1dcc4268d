"""Augmentation: random changes of training images, drawn anew for each image, computed for a whole batch at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from trainables._training.data.part import Change


def augmentation(
    *,
    random_crop: int = 0,
    horizontal_flip: float = 0.0,
    rotation: float = 0.0,
    randaugment_ops: int = 0,
    randaugment_magnitude: int = 9,
) -> Change | None:
    """Return what changes a batch of images at random, or None when all is off.

    `torchvision.transforms.v2` draws once for all it is given: a whole batch would be changed in one and the same way.
    Here each image has draws of its own, and gets with them what torchvision's functions give it.

    It takes and gives uint8 (rows, channels, height, width), before normalization, on any device; what comes in from
    outside of an image is black. Random numbers come from torch's global CPU generator, which the loop seeds and
    restores.

    Args:
        random_crop: Pixels of padding on each side, of which a window of the image's own size is then cut at random.
        horizontal_flip: Probability that an image is mirrored, in [0, 1].
        rotation: Largest angle, in degrees; each image is turned by one between minus this and this, bilinearly.
        randaugment_ops: Changes that RandAugment makes to each image (Cubuk et al., "RandAugment", 2020); 0 is none.
        randaugment_magnitude: Their strength, 0 to 30.
    """
    if not (random_crop or horizontal_flip or rotation or randaugment_ops):
        return None
    return _Augmentation(
        random_crop=random_crop,
        horizontal_flip=horizontal_flip,
        rotation=rotation,
        randaugment_ops=randaugment_ops,
        randaugment_magnitude=randaugment_magnitude,
    )


@dataclass(frozen=True, kw_only=True)
class _Augmentation:
    random_crop: int
    horizontal_flip: float
    rotation: float
    randaugment_ops: int
    randaugment_magnitude: int

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        rows = len(inputs)
        if self.random_crop:
            offsets = torch.randint(2 * self.random_crop + 1, (rows, 2))
            inputs = cropped(inputs, offsets, padding=self.random_crop)
        if self.horizontal_flip:
            inputs = flipped(inputs, torch.rand(rows) < self.horizontal_flip)
        if self.rotation:
            inputs = rotated(inputs, (2 * torch.rand(rows) - 1) * self.rotation)
        if self.randaugment_ops:
            inputs = self._randaugment(inputs)
        return inputs

    def to(self, _device: torch.device) -> _Augmentation:
        return self  # what is drawn follows the images

    @cached_property
    def _randaugment(self) -> Any:
        from trainables._training.randaugment import RandAugmentBatch

        return RandAugmentBatch(num_ops=self.randaugment_ops, magnitude=self.randaugment_magnitude)


def cropped(images: torch.Tensor, offsets: torch.Tensor, *, padding: int) -> torch.Tensor:
    """Cut a window of the images' own size out of each padded image.

    Args:
        images: (rows, channels, height, width).
        offsets: Top and left edge of each window, (rows, 2), in pixels of the padded image: 0 to twice the padding.
        padding: Black pixels on each side.
    """
    height, width = images.shape[-2:]
    padded = functional.pad(images, [padding] * 4)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # a view: (rows, channels, top, left, height, width)
    top, left = offsets.to(images.device).unbind(1)
    return windows[torch.arange(len(images), device=images.device), :, top, left]


def flipped(images: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Mirror the chosen ones (rows, bool) of some images (rows, channels, height, width) left to right."""
    return torch.where(chosen.to(images.device)[:, None, None, None], images.flip(-1), images)


def rotated(images: torch.Tensor, degrees: torch.Tensor) -> torch.Tensor:
    """Turn each of some images (rows, channels, height, width) counter-clockwise by its angle (rows), bilinearly."""
    height, width = images.shape[-2:]
    angle = torch.deg2rad(degrees).to(images.device)
    cos, sin, nought = angle.cos(), angle.sin(), torch.zeros_like(angle)
    # affine_grid measures both sides from -1 to 1, so an image that is not square needs its proportions
    matrix = torch.stack([cos, -sin * height / width, nought, sin * width / height, cos, nought], dim=1)
    grid = functional.affine_grid(matrix.reshape(-1, 2, 3), list(images.shape), align_corners=False)
    turned = functional.grid_sample(images.float(), grid, mode="bilinear", align_corners=False)
    return turned.round_().to(images.dtype)
