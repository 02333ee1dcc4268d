"""The image data sets by name: where each lies, which files it is made of, what they contain; without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainables._training.data.cache.decoded import digest_of
from trainables._training.data.images.class_folders import class_folders
from trainables._training.data.place import data_dir, image_folder_path, missing_data
from trainables.datasets import cifar10, digits, fashion_mnist, image_folder, mnist

if TYPE_CHECKING:
    from pathlib import Path

DATASETS = {"digits": digits, "mnist": mnist, "fashion_mnist": fashion_mnist, "cifar10": cifar10}
"""Those whose images all have one size."""

VALIDATION_FRACTIONS = {name: dataset.VALIDATION_FRACTION for name, dataset in DATASETS.items()} | {
    "image_folder": image_folder.VALIDATION_FRACTION
}


@dataclass(frozen=True, kw_only=True)
class Source:
    """One data set, there and whole, fitted to a size; two that are equal have the same images."""

    dataset: str
    """Its name."""

    place: Path
    """The folder of the data sets, or of image_folder its own."""

    image_size: int | None
    """Height and width in pixels that its images are fitted to; None: as they are."""

    content: str
    """Digest of names and content of all its files."""


def source_of(dataset: str, folder: str | Path | None, image_size: int | None = None) -> Source:
    """Return a data set.

    Raises:
        FileNotFoundError: The files are not there, or not whole; says what to do.
        ValueError: There is no such data set.
    """
    if dataset not in VALIDATION_FRACTIONS:
        message = f"there is no image data set {dataset!r}; there are {', '.join(VALIDATION_FRACTIONS)}"
        raise ValueError(message)
    if dataset == "image_folder" and folder is not None:
        place = image_folder_path(folder)
        of_folder = class_folders(place)
        faults, files = [f"image_folder: {fault}" for fault in of_folder.faults], of_folder.paths
    else:
        faults, place = missing_data(dataset, folder), data_dir()
        files = DATASETS[dataset].files() if dataset in DATASETS else []
    if faults:
        raise FileNotFoundError("\n".join(faults))
    return Source(dataset=dataset, place=place, image_size=image_size, content=digest_of(files))


def image_classes(dataset: str, folder: str | Path | None = None) -> tuple[str, ...]:
    """Return the names of the classes of a data set that is there; a class is its place among them."""
    if dataset in DATASETS:
        names: tuple[str, ...] = DATASETS[dataset].CLASSES
        return names
    return class_folders(image_folder_path(folder or "")).classes


def image_content(dataset: str, folder: str | Path | None = None) -> str:
    """Return a digest of all that a data set contains: names and content of its files.

    Raises:
        FileNotFoundError: The files are not there, or not whole; says what to do.
    """
    return source_of(dataset, folder).content
