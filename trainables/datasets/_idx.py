"""What data sets in MNIST's file format have in common: torchvision's loaders, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainables._training.data.place import broken_files, data_dir

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


def read(loader: str, part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images (rows, 1, 28, 28) and classes of "development" or "test" through a loader of torchvision."""
    dataset = _loader(loader)(str(data_dir()), train=part != "test", download=False)
    return dataset.data.unsqueeze(1).numpy(), dataset.targets.long().numpy()


def fetch(loader: str, dataset: str, folder: Path) -> None:
    """Download what is missing or cut of a data set into a folder; torchvision verifies the checksums."""
    for path in broken_files(dataset, folder):
        path.unlink(missing_ok=True)  # torchvision takes any file of the right name for the data
    for train in (True, False):
        _loader(loader)(str(folder), train=train, download=True)


def _loader(name: str) -> Any:
    from torchvision import datasets

    return getattr(datasets, name)
