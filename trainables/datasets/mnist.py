"""MNIST: handwritten digits, 28x28 grey, 60,000 rows for development and 10,000 for the test, through torchvision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables._training.data.place import files_of
from trainables.datasets import _idx

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

CLASSES = tuple("0123456789")

VALIDATION_FRACTION = 1 / 6
"""Share of the development images that a trial is validated on: as many as the official test part has."""


def files() -> list[Path]:
    """Return what it is made of: four files of the IDX format."""
    return files_of("mnist")


def read(part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the images (0 to 255, rows x 1 x 28 x 28) and classes of "development" or "test", the official parts."""
    return _idx.read("MNIST", part)


def fetch(folder: Path) -> None:
    """Download what is missing into a folder; torchvision verifies the checksums."""
    _idx.fetch("MNIST", "mnist", folder)
