"""The image data sets by name: decoded once per node, loaded once per process, normalized per batch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from trainables._training.data.cache.decoded import (
    Creating,
    NoRoomError,
    content_key,
    decoded,
    decoded_in_memory,
    digest_of,
)
from trainables._training.data.images.class_folders import class_folders
from trainables._training.data.images.decoding import VERSION, fitted_array
from trainables._training.data.images.folder import FolderImages, load_folder
from trainables._training.data.images.normalization import Normalization, pixel_sums
from trainables._training.data.images.stored import StoredImages
from trainables._training.data.part import TrainingData
from trainables._training.data.place import data_dir, image_folder_path, missing_data
from trainables._training.data.splits import stratified_split
from trainables.datasets import cifar10, digits, fashion_mnist, image_folder, mnist

if TYPE_CHECKING:
    from pathlib import Path

    from trainables._training.data.part import Part

_DATASETS = {"digits": digits, "mnist": mnist, "fashion_mnist": fashion_mnist, "cifar10": cifar10}
_FRACTIONS = {name: dataset.VALIDATION_FRACTION for name, dataset in _DATASETS.items()} | {
    "image_folder": image_folder.VALIDATION_FRACTION
}


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """Which images, fitted to which size; two that are equal have the same content."""

    dataset: str
    place: Path
    image_size: int | None
    content: str


def load_images(
    dataset: str,
    *,
    folder: str | Path | None = None,
    image_size: int | None = None,
    split_seed: int = 0,
    device: torch.device | None = None,
) -> TrainingData:
    """Return the training and the validation part of a data set; a process that asks again finds them in memory.

    Images are uint8 (rows, channels, height, width); batches are normalized per channel with the exact mean and
    standard deviation of the training part's pixels.

    Args:
        dataset: "digits", "mnist", "fashion_mnist", "cifar10" or "image_folder".
        folder: Of image_folder: a folder of class folders, relative to that of the data sets or absolute.
        image_size: Height and width in pixels; the shorter side is resized to it and the middle cut out.
        split_seed: Seed of the stratified split, 0 or above; the test part does not depend on it.
        device: Where batches are given; None: on the CPU, until `to` says otherwise.

    Raises:
        FileNotFoundError: The files are not there, or not whole; says the command that fetches them.
        ValueError: The data set is unknown, images of a folder cannot be read, or differ in size without `image_size`.
    """
    data = _training_data(_wanted(dataset, folder, image_size), split_seed)
    return data if device is None else data.to(device)


def test_images(
    dataset: str,
    *,
    folder: str | Path | None = None,  # noqa: PT028 - pytest never sees this function
    image_size: int | None = None,  # noqa: PT028
    split_seed: int = 0,  # noqa: PT028
    device: torch.device | None = None,  # noqa: PT028
) -> Part:
    """Return the test part, which no trial sees, normalized like the training part of `split_seed`.

    It takes what `load_images` does.
    """
    wanted = _wanted(dataset, folder, image_size)
    prepare = _normalization(wanted, split_seed)
    images = _loaded(wanted, "test").images
    part = images.part(torch.arange(len(images.labels)), prepare)
    return part if device is None else part.to(device)


def image_content(dataset: str, folder: str | Path | None = None) -> str:
    """Return a digest of all that a data set contains: names and content of its files.

    Raises:
        FileNotFoundError: The files are not there, or not whole; says what to do.
    """
    return _wanted(dataset, folder, None).content


def _wanted(dataset: str, folder: str | Path | None, image_size: int | None) -> _Wanted:
    if dataset not in _FRACTIONS:
        message = f"there is no image data set {dataset!r}; there are {', '.join(_FRACTIONS)}"
        raise ValueError(message)
    if dataset == "image_folder" and folder is not None:
        place = image_folder_path(folder)
        found = class_folders(place)
        faults, files = [f"image_folder: {fault}" for fault in found.faults], found.paths
    else:
        faults, place = missing_data(dataset, folder), data_dir()
        files = _DATASETS[dataset].files() if dataset in _DATASETS else []
    if faults:
        raise FileNotFoundError("\n".join(faults))
    return _Wanted(dataset=dataset, place=place, image_size=image_size, content=digest_of(files))


@lru_cache(maxsize=1)
def _training_data(wanted: _Wanted, split_seed: int) -> TrainingData:
    loaded = _loaded(wanted, "development")
    prepare = _normalization(wanted, split_seed)
    training, validation = (loaded.images.part(rows, prepare) for rows in _split(wanted, split_seed))
    return TrainingData(training=training, validation=validation, classes=loaded.classes)


def _normalization(wanted: _Wanted, split_seed: int) -> Normalization:
    images = _loaded(wanted, "development").images
    training_rows = _split(wanted, split_seed)[0]
    return Normalization.of(images.sums.index_select(0, training_rows).numpy(), images.pixels)


def _split(wanted: _Wanted, split_seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the training and the validation rows of the development images."""
    loaded = _loaded(wanted, "development")
    labels = loaded.images.labels
    if loaded.validation_rows:
        rows = torch.arange(len(labels))
        return rows[: -loaded.validation_rows], rows[-loaded.validation_rows :]
    kept, held = stratified_split(labels.numpy(), held_out=_FRACTIONS[wanted.dataset], seed=split_seed)
    return torch.from_numpy(kept), torch.from_numpy(held)


@lru_cache(maxsize=2)  # development and test
def _loaded(wanted: _Wanted, part: str) -> FolderImages:
    if wanted.dataset == "image_folder":
        return load_folder(wanted.place, part, wanted.image_size)
    dataset, options = _DATASETS[wanted.dataset], {"part": part, "image_size": wanted.image_size, "version": VERSION}

    def build(create: Creating) -> dict[str, Any]:
        pixels, labels = dataset.read(part)
        if wanted.image_size is not None:
            pixels = fitted_array(pixels, wanted.image_size)
        images = create("images", pixels.shape, "uint8")
        np.copyto(images, pixels)
        create("classes", labels.shape, "int64")[:] = labels
        pixel_sums(images, create("sums", (*pixels.shape[:2], 2), "int64"))
        return {}

    files = dataset.files()
    try:
        arrays = decoded(wanted.dataset, files, options, build).arrays
    except NoRoomError:  # none of these is so large that a process could not hold it
        arrays = decoded_in_memory(build, content_key(wanted.dataset, files, options)).arrays
    stored = StoredImages(images=arrays["images"], labels=arrays["classes"], sums=arrays["sums"])
    return FolderImages(images=stored, classes=dataset.CLASSES, validation_rows=0)
