"""CIFAR-10: ten kinds of animals and vehicles, 32x32 RGB, 50,000 rows for development and 10,000 for the test.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables._training.data.place import data_dir, files_of

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

VALIDATION_FRACTION = 0.1
"""Share of the development images that a trial is validated on."""


def files() -> list[Path]:
    """Return what it is made of: the files of the official archive, unpacked."""
    return files_of("cifar10")


def read(part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the images (0 to 255, rows x 3 x 32 x 32) and classes of "development" or "test", the official parts.

    Raises:
        ValueError: A file has another checksum than the official one. The format could run code of a file's writer;
            torchvision loads nothing before it has verified all of them.
    """
    import numpy as np
    from torchvision.datasets import CIFAR10

    try:
        dataset = CIFAR10(str(data_dir()), train=part != "test", download=False)
    except RuntimeError as error:
        message = (
            f"cifar10 in {files()[0].parent} is not the official data set ({error}); its files must have the official "
            f"checksums; fetch them again: python -m trainables fetch cifar10 --data-dir {data_dir()}"
        )
        raise ValueError(message) from error
    return dataset.data.transpose(0, 3, 1, 2), np.asarray(dataset.targets, dtype=np.int64)


def fetch(folder: Path) -> None:
    """Download what is missing into a folder; torchvision verifies the checksums."""
    from torchvision.datasets import CIFAR10

    CIFAR10(str(folder), train=True, download=True)
