"""What the tests of the trainables share: one thread, and a small MNIST in the real file format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

if TYPE_CHECKING:
    from pathlib import Path

torch.set_num_threads(1)


@pytest.fixture
def small_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with an MNIST of 120 training and 30 test images in the real file format, and use it."""
    folder = tmp_path / "data"
    write_mnist(folder, train_rows=120, test_rows=30)
    monkeypatch.setenv("RAYSWEEPS_DATA", str(folder))
    return folder


def write_mnist(folder: Path, *, train_rows: int, test_rows: int) -> None:
    """Write random images with classes 0 to 9 in turn as the four files of MNIST, uncompressed IDX."""
    generator = np.random.default_rng(0)
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, rows in (("train", train_rows), ("t10k", test_rows)):
        images = generator.integers(0, 256, (rows, 28, 28), dtype=np.uint8)
        classes = np.arange(rows, dtype=np.uint8) % 10
        for name, values in (("images-idx3", images), ("labels-idx1", classes)):
            sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
            (raw / f"{part}-{name}-ubyte").write_bytes(bytes((0, 0, 8, values.ndim)) + sizes + values.tobytes())
