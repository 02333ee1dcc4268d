"""Examples that stay where they are stored; a batch is gathered, augmented and prepared on the network's device."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from trainables._training.data.part import row_batches, sampled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainables._training.data.part import Batch, Change

_CPU = torch.device("cpu")

_NUMBERS_AT_ONCE = 200_000
"""Numbers in the inputs of batches that are prepared together, at most: they stay in a processor's cache."""


class AsFloat:
    """Leaves inputs as they are, in float32."""

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the same numbers as float32."""
        return inputs.to(torch.float32)

    def to(self, _device: torch.device) -> AsFloat:
        """Return itself."""
        return self


@dataclass(frozen=True, kw_only=True, eq=False)
class Examples:
    """Some rows of stored inputs and targets, shared by all trials of a process or a node: nobody writes to them."""

    inputs: torch.Tensor
    """Every stored row, of this part or not, as it is stored: images as uint8 (rows, channels, height, width)."""

    targets: torch.Tensor
    """One target per stored row: the class as int64, or a float."""

    rows: torch.Tensor
    """Which of the stored rows belong to this part, int64, on the device of the inputs."""

    prepare: Change
    """Makes float32 network inputs of stored ones; all it knows was learnt from the training part."""

    device: torch.device = _CPU
    """Where batches are given; the stored rows may stay elsewhere when they are too large for it."""

    @classmethod
    def of(cls, inputs: torch.Tensor, targets: torch.Tensor, prepare: Change | None = None) -> Examples:
        """Return all rows of two tensors, on their device; without `prepare` the inputs become float32 as they are.

        Raises:
            ValueError: The tensors have different numbers of rows.
        """
        if len(inputs) != len(targets):
            message = f"Examples.of: {len(inputs)} inputs but {len(targets)} targets; give one target for each row"
            raise ValueError(message)
        rows = torch.arange(len(targets), device=inputs.device)
        return cls(inputs=inputs, targets=targets, rows=rows, prepare=prepare or AsFloat(), device=inputs.device)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input, without the rows."""
        return tuple(self.inputs.shape[1:])

    def shuffled(self, batch_size: int, generator: torch.Generator, augment: Change | None = None) -> Iterator[Batch]:
        """Yield each row once as (prepared inputs, targets); a last batch of one row joins the one before it.

        Args:
            batch_size: Rows per batch.
            generator: Decides the order; lives on `device`.
            augment: Changes the stored inputs of a batch at random before they are prepared.
        """
        order = torch.randperm(len(self), generator=generator, device=self.device).to(self.rows.device)
        batches = row_batches(self.rows.index_select(0, order), batch_size)
        at_once = self._at_once(batch_size) if augment is None else 1
        for start in range(0, len(batches), at_once):
            some = batches[start : start + at_once]
            if len(some) == 1:
                yield self._batch(some[0], augment)
                continue
            sizes = [len(rows) for rows in some]
            inputs, targets = self._batch(torch.cat(some), None)
            yield from zip(torch.split(inputs, sizes), torch.split(targets, sizes), strict=True)

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """Yield each row once, in the order of `rows`, as (prepared inputs, targets)."""
        for rows in torch.split(self.rows, batch_size):
            yield self._batch(rows, None)

    def raw(self, size: int) -> torch.Tensor:
        """Return the inputs of the first rows, at most `size` of them, as they are stored."""
        return self.inputs.index_select(0, self.rows[:size])

    def sample(self, size: int, *, seed: int) -> Examples:
        """Return at most `size` of the rows, drawn without replacement; the seed alone decides which."""
        return replace(self, rows=sampled(self.rows, size, seed=seed))

    def to(self, device: torch.device) -> Examples:
        """Return the same examples, stored and given on a device."""
        if self.device == device:
            return self
        moved = {name: getattr(self, name).to(device) for name in ("inputs", "targets", "rows")}
        return replace(self, **moved, prepare=self.prepare.to(device), device=device)

    def _at_once(self, batch_size: int) -> int:
        """Return how many batches are prepared together: for a small one the calls cost more than the numbers."""
        return max(1, _NUMBERS_AT_ONCE // max(1, batch_size * torch.Size(self.input_shape).numel()))

    def _batch(self, rows: torch.Tensor, augment: Change | None) -> Batch:
        # index_select is six times as fast as indexing with a tensor
        inputs = self.inputs.index_select(0, rows).to(self.device, non_blocking=True)
        if augment is not None:
            inputs = augment(inputs)
        return self.prepare(inputs), self.targets.index_select(0, rows).to(self.device, non_blocking=True)
