"""Fashion-MNIST: ten kinds of clothes, 28x28 grey, 60,000 rows for development and 10,000 for the test.

Xiao, Rasul and Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms", 2017. The
file format is that of MNIST; it is harder, so that networks differ more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables._training.data.place import files_of
from trainables.datasets import _idx

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

CLASSES = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)

VALIDATION_FRACTION = 1 / 6
"""Share of the development images that a trial is validated on: as many as the official test part has."""


def files() -> list[Path]:
    """Return what it is made of: four files of the IDX format."""
    return files_of("fashion_mnist")


def read(part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the images (0 to 255, rows x 1 x 28 x 28) and classes of "development" or "test", the official parts."""
    return _idx.read("FashionMNIST", part)


def fetch(folder: Path) -> None:
    """Download what is missing into a folder; torchvision verifies the checksums."""
    _idx.fetch("FashionMNIST", "fashion_mnist", folder)
