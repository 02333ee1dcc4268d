"""MNIST: handwritten digits, 28x28, 60,000 rows for development and 10,000 for the test, through torchvision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables._training.datasets.place import broken_files, data_dir, missing_data

if TYPE_CHECKING:
    from pathlib import Path

    import torch

VALIDATION_FRACTION = 1 / 6
"""Share of the development images that a trial is validated on: as many as the official test part has."""


def development() -> tuple[torch.Tensor, torch.Tensor]:
    """Return the images (uint8, 0 to 255, rows x 1 x 28 x 28) and classes of the official training part."""
    return _rows(train=True)


def test() -> tuple[torch.Tensor, torch.Tensor]:
    """Return the images and classes of the official test part."""
    return _rows(train=False)


def fetch(folder: Path) -> None:
    """Download what is missing into a folder; torchvision verifies the checksums."""
    from torchvision.datasets import MNIST

    for path in broken_files(folder):
        path.unlink(missing_ok=True)  # torchvision takes any file of the right name for the data
    for train in (True, False):
        MNIST(str(folder), train=train, download=True)


def _rows(*, train: bool) -> tuple[torch.Tensor, torch.Tensor]:
    faults = missing_data("mnist")
    if faults:
        raise FileNotFoundError(faults[0])
    from torchvision.datasets import MNIST

    dataset = MNIST(str(data_dir()), train=train, download=False)
    return dataset.data.unsqueeze(1), dataset.targets.long()
