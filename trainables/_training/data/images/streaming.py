"""Images that do not fit: decoded anew in each epoch by a `DataLoader`, whose workers end with it.

The workers come from a fork server. A fork of the trial's process would copy the locks of its threads in whatever
state they are: inside a Ray worker gRPC's, with CUDA the driver's, and the child hangs. Spawned workers would be as
safe, but import torch for each epoch anew; the server imports it once.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from trainables._training.data.images.decoding import Frame, decode
from trainables._training.data.part import row_batches, sampled
from trainables._training.threads import cpu_share

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.context import ForkServerContext

    from trainables._training.data.part import Batch, Change

_CPU = torch.device("cpu")
_starting = threading.Lock()


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ImageFiles:
    """Image files with their classes."""

    paths: Sequence[str]
    """One file per row."""

    frame: Frame
    """Channels, height and width that all are decoded to."""

    image_size: int | None
    """Height and width, in pixels, that they are resized to; None: they have it."""

    labels: torch.Tensor
    """Class of each, int64."""

    sums: torch.Tensor
    """Sum of the pixels and of their squares of each image and channel, int64, (rows, channels, 2)."""

    @property
    def pixels(self) -> int:
        """Pixels in one channel of an image."""
        return self.frame.height * self.frame.width

    def part(self, rows: torch.Tensor, prepare: Change) -> Streamed:
        """Return some rows, given on the CPU."""
        return Streamed(files=self, rows=rows, prepare=prepare)


@dataclass(frozen=True, kw_only=True, eq=False)
class Streamed:
    """Some rows of image files: the batches of `Examples` of the same rows, decoded by workers as they are asked for.

    The workers are the CPUs of the trial but one; with one CPU, images are decoded in this process. They are gone when
    an epoch ends, when its generator is closed and when this process is killed.
    """

    files: ImageFiles
    """What they are rows of."""

    rows: torch.Tensor
    """Which of the files belong to this part, int64, on the CPU."""

    prepare: Change
    """Makes float32 network inputs of uint8 pixels; all it knows was learnt from the training part."""

    device: torch.device = _CPU
    """Where batches are given."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Channels, height, width."""
        return self.files.frame.shape

    def shuffled(self, batch_size: int, generator: torch.Generator, augment: Change | None = None) -> Iterator[Batch]:
        """Yield each row once as (prepared inputs, targets); a last batch of one row joins the one before it.

        Args:
            batch_size: Rows per batch.
            generator: Decides the order, as that of `Examples`; lives on `device`.
            augment: Changes the pixels of a batch at random before they are prepared.
        """
        order = torch.randperm(len(self), generator=generator, device=self.device).cpu()
        return self._batches(row_batches(self.rows.index_select(0, order), batch_size), augment)

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """Yield each row once, in the order of `rows`, as (prepared inputs, targets)."""
        return self._batches(torch.split(self.rows, batch_size), None)

    def raw(self, size: int) -> torch.Tensor:
        """Return the pixels of the first rows, at most `size` of them, decoded in this process."""
        paths = [self.files.paths[row] for row in self.rows[:size].tolist()]
        return _Decoding(self.files.frame, self.files.image_size).__getitems__(paths)

    def sample(self, size: int, *, seed: int) -> Streamed:
        """Return at most `size` of the rows, drawn without replacement; the seed alone decides which."""
        return replace(self, rows=sampled(self.rows, size, seed=seed))

    def to(self, device: torch.device) -> Streamed:
        """Return the same rows, given on a device."""
        return self if device == self.device else replace(self, prepare=self.prepare.to(device), device=device)

    def _batches(self, batches: Sequence[torch.Tensor], augment: Change | None) -> Iterator[Batch]:
        decoded = self._decoded(batches)
        try:
            for rows, pixels in zip(batches, decoded, strict=True):
                inputs = pixels.to(self.device, non_blocking=True)
                if augment is not None:
                    inputs = augment(inputs)
                targets = self.files.labels.index_select(0, rows)
                yield self.prepare(inputs), targets.to(self.device, non_blocking=True)
        finally:
            # DataLoader has no method for it: its iterator ends the workers, and waits for them, when it goes.
            del decoded

    def _decoded(self, batches: Sequence[torch.Tensor]) -> Iterator[torch.Tensor]:
        paths = self.files.paths
        # A process of `multiprocessing.Pool` may have none of its own.
        workers = 0 if multiprocessing.current_process().daemon else min(cpu_share() - 1, len(batches))
        loader: DataLoader[Any] = DataLoader(
            _Decoding(self.files.frame, self.files.image_size),
            # What travels to a worker is the paths of a batch, not those of the data set
            batch_sampler=[[paths[row] for row in rows.tolist()] for rows in batches],
            num_workers=workers,
            collate_fn=_as_it_is,
            pin_memory=self.device.type == "cuda",
            worker_init_fn=_live_and_die_with_the_trial if workers else None,
            multiprocessing_context=_fork_server() if workers else None,
            # Else the loader draws from torch's global random state. Nothing that a worker does is random.
            generator=torch.Generator(),
        )
        with _main_left_out():
            return iter(loader)


class _Decoding(Dataset[torch.Tensor]):
    """Makes a tensor (rows, channels, height, width) of a list of paths."""

    def __init__(self, frame: Frame, image_size: int | None) -> None:
        self._frame, self._image_size = frame, image_size

    def __getitems__(self, paths: list[str]) -> torch.Tensor:
        pixels = np.empty((len(paths), *self._frame.shape), np.uint8)
        for row, path in enumerate(paths):
            image = decode(path, self._frame.channels, self._image_size)
            if image.shape != self._frame.shape:
                message = f"{path} was changed while it was in use: it is {image.shape} now, not {self._frame.shape}"
                raise ValueError(message)
            pixels[row] = image
        return torch.from_numpy(pixels)


def _as_it_is(batch: Any) -> Any:
    return batch


def _live_and_die_with_the_trial(_worker: int) -> None:
    """Let a worker end when the trial's process is gone, however it went, and not before."""
    # A Ctrl+C reaches every process of the terminal; an epoch that is being drained still needs its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # DataLoader's own watchdog waits for the worker's parent to change. That is the server, which lives as long as its
    # workers do: without this thread all of them would outlive a trial that is killed by SIGKILL, for ever.
    threading.Thread(target=_end_with_the_trial, daemon=True).start()


def _end_with_the_trial() -> None:
    trial = multiprocessing.parent_process()
    if trial is not None:
        trial.join()  # waits for the end of a pipe that only the trial's process holds open
        os._exit(1)


@cache
def _fork_server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    # Each by itself, because the server skips what it cannot find: it does not know every path of this process.
    context.set_forkserver_preload(["torch.utils.data", "PIL.Image", __name__])
    return context


@contextmanager
def _main_left_out() -> Iterator[None]:
    """Start processes that do not import the program's main file.

    They would run a script that trains without `if __name__ == "__main__":` again, and import Ray inside a Ray worker.
    multiprocessing finds the file through the main module and has no option for it.
    """
    with _starting:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main
