"""What the loop asks of a part of the data, wherever its rows are kept; and what a trial sees of a data set."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

Batch = tuple[torch.Tensor, torch.Tensor]
"""Inputs as the network takes them (float32, rows first), and their targets."""


class Change(Protocol):
    """Makes a batch of inputs into another."""

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the changed inputs, rows first; the given ones stay as they are."""

    def to(self, device: torch.device) -> Change:
        """Return the same change for inputs on a device."""


class Part(Protocol):
    """The training, validation or test rows of a data set: `Examples` in memory, or `Streamed` from files."""

    def __len__(self) -> int:
        """Rows."""

    @property
    def prepare(self) -> Change:
        """What makes network inputs of stored ones."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input, without the rows."""

    def shuffled(self, batch_size: int, generator: torch.Generator, augment: Change | None = None) -> Iterator[Batch]:
        """Yield each row once in an order that `generator` decides; a last batch of one row joins the one before."""

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """Yield each row once, always in the same order."""

    def raw(self, size: int) -> torch.Tensor:
        """Return the inputs of the first rows, at most `size` of them, as they are stored: not yet prepared."""

    def sample(self, size: int, *, seed: int) -> Part:
        """Return at most `size` of the rows; the seed alone decides which."""

    def to(self, device: torch.device) -> Part:
        """Return the same rows, given on a device."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingData:
    """What a trial sees: the training and the validation part, or both as one. The test part is not in it."""

    training: Part
    """Rows that change the weights."""

    validation: Part | None
    """Rows that choose between configurations; prepared with what was learnt from the training part. None where the
    choice is made, and these rows are trained on like the others."""

    classes: int | None = None
    """Number of classes; None where the target is a number."""

    target_mean: float = 0.0
    """Mean of the training part's targets, in their unit, where the target is a number."""

    target_std: float = 1.0
    """Their standard deviation, in their unit, above 0."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input: (channels, height, width) of an image, (features,) of a table's row."""
        return self.training.input_shape

    @property
    def features(self) -> int:
        """Numbers in one input."""
        return math.prod(self.input_shape)

    @property
    def outputs(self) -> int:
        """Numbers in one output of a network: one per class, or one."""
        return self.classes or 1

    def to(self, device: torch.device) -> TrainingData:
        """Return the same data, given on a device."""
        validation = None if self.validation is None else self.validation.to(device)
        return replace(self, training=self.training.to(device), validation=validation)


def row_batches(rows: torch.Tensor, batch_size: int) -> list[torch.Tensor]:
    """Split rows into batches; a last batch of one row joins the one before, as batch normalization needs two."""
    batches = list(torch.split(rows, batch_size))
    if batch_size > 1 and len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


def sampled(rows: torch.Tensor, size: int, *, seed: int) -> torch.Tensor:
    """Return at most `size` of the rows, drawn without replacement from a generator of their own."""
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))[:size]
    return rows.index_select(0, order.to(rows.device))
