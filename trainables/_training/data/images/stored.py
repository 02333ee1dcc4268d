"""Images that are stored decoded: mapped by every process of the node, and copied to a GPU once per process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import torch

from trainables._training.data.examples import Examples

if TYPE_CHECKING:
    from trainables._training.data.part import Change, Part


class LabelledImages(Protocol):
    """Images with classes, stored decoded or decoded as they are read."""

    @property
    def labels(self) -> torch.Tensor:
        """Class of each image, int64, on the CPU."""

    @property
    def sums(self) -> torch.Tensor:
        """Sum of the pixels and of their squares of each image and channel, int64, (rows, channels, 2)."""

    @property
    def pixels(self) -> int:
        """Pixels in one channel of an image."""

    def part(self, rows: torch.Tensor, prepare: Change) -> Part:
        """Return some rows, given on the CPU."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StoredImages:
    """Decoded images; every part of them and every split shares these tensors."""

    images: torch.Tensor
    """uint8, (rows, channels, height, width)."""

    labels: torch.Tensor
    """Class of each image, int64."""

    sums: torch.Tensor
    """Sum of the pixels and of their squares of each image and channel, int64, (rows, channels, 2)."""

    @property
    def pixels(self) -> int:
        """Pixels in one channel of an image."""
        return self.images.shape[2] * self.images.shape[3]

    def part(self, rows: torch.Tensor, prepare: Change) -> SharedExamples:
        """Return some rows, given on the CPU."""
        return SharedExamples(inputs=self.images, targets=self.labels, rows=rows, prepare=prepare, stored=self)


@dataclass(frozen=True, kw_only=True, eq=False)
class SharedExamples(Examples):
    """Rows of stored images: moved to a device, all parts of them share one copy there."""

    stored: StoredImages
    """What they are rows of."""

    def to(self, device: torch.device) -> SharedExamples:
        """Return the same rows, given on a device; stored there too, when the images leave half of its memory free."""
        if device == self.device:
            return self
        copied = (self.stored.images, self.stored.labels) if device.type == "cpu" else _copied(self.stored, device)
        inputs, targets = copied or (self.stored.images, self.stored.labels)
        return SharedExamples(
            inputs=inputs,
            targets=targets,
            rows=self.rows.to(inputs.device),
            prepare=self.prepare.to(device),
            device=device,
            stored=self.stored,
        )


@lru_cache(maxsize=1)  # a GPU's memory is the trial's: what another data set left there goes
def _copied(stored: StoredImages, device: torch.device) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Return images and classes on a device, or None where they would take half of its free memory or more."""
    if device.type == "cuda" and 2 * stored.images.nbytes >= torch.cuda.mem_get_info(device)[0]:
        return None
    return stored.images.to(device), stored.labels.to(device)
