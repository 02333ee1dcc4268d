"""The image data sets by name: decoded once per node, loaded once per process, normalized per batch."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from trainables._training.data.cache.decoded import Creating, NoRoomError, content_key, decoded, decoded_in_memory
from trainables._training.data.images.decoding import VERSION, fitted_array
from trainables._training.data.images.folder import FolderImages, load_folder
from trainables._training.data.images.normalization import Normalization, pixel_sums
from trainables._training.data.images.sources import DATASETS, VALIDATION_FRACTIONS, Source, source_of
from trainables._training.data.images.stored import StoredImages
from trainables._training.data.part import TrainingData
from trainables._training.data.splits import stratified_split

if TYPE_CHECKING:
    from pathlib import Path

    from trainables._training.data.part import Part


def load_images(
    dataset: str,
    *,
    folder: str | Path | None = None,
    image_size: int | None = None,
    split_seed: int = 0,
    joined: bool = False,
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
        joined: Whether the rows of both parts are trained on, and none validates.
        device: Where batches are given; None: on the CPU, until `to` says otherwise.

    Raises:
        FileNotFoundError: The files are not there, or not whole; says the command that fetches them.
        ValueError: The data set is unknown, images of a folder cannot be read, or differ in size without `image_size`.
    """
    data = _training_data(source_of(dataset, folder, image_size), split_seed, joined)
    return data if device is None else data.to(device)


def test_images(
    dataset: str,
    *,
    folder: str | Path | None = None,  # noqa: PT028 - pytest never sees this function
    image_size: int | None = None,  # noqa: PT028
    split_seed: int = 0,  # noqa: PT028
    joined: bool = False,  # noqa: PT028
    device: torch.device | None = None,  # noqa: PT028
) -> Part:
    """Return the test part, which no trial sees, normalized like the training part of `load_images`.

    It takes what that does.
    """
    source = source_of(dataset, folder, image_size)
    prepare = _normalization(source, _training_rows(source, split_seed, joined))
    images = _loaded(source, "test").images
    part = images.part(torch.arange(len(images.labels)), prepare)
    return part if device is None else part.to(device)


@lru_cache(maxsize=1)
def _training_data(source: Source, split_seed: int, joined: bool) -> TrainingData:
    loaded = _loaded(source, "development")
    rows = _training_rows(source, split_seed, joined)
    prepare = _normalization(source, rows)
    return TrainingData(
        training=loaded.images.part(rows, prepare),
        validation=None if joined else loaded.images.part(_split(source, split_seed)[1], prepare),
        classes=loaded.classes,
    )


def _normalization(source: Source, training_rows: torch.Tensor) -> Normalization:
    images = _loaded(source, "development").images
    return Normalization.of(images.sums.index_select(0, training_rows).numpy(), images.pixels)


def _training_rows(source: Source, split_seed: int, joined: bool) -> torch.Tensor:
    if joined:
        return torch.arange(len(_loaded(source, "development").images.labels))
    return _split(source, split_seed)[0]


def _split(source: Source, split_seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the training and the validation rows of the development images."""
    loaded = _loaded(source, "development")
    labels = loaded.images.labels
    if loaded.validation_rows:
        rows = torch.arange(len(labels))
        return rows[: -loaded.validation_rows], rows[-loaded.validation_rows :]
    kept, held = stratified_split(labels.numpy(), held_out=VALIDATION_FRACTIONS[source.dataset], seed=split_seed)
    return torch.from_numpy(kept), torch.from_numpy(held)


@lru_cache(maxsize=2)  # development and test
def _loaded(source: Source, part: str) -> FolderImages:
    if source.dataset == "image_folder":
        return load_folder(source.place, part, source.image_size)
    dataset, options = DATASETS[source.dataset], {"part": part, "image_size": source.image_size, "version": VERSION}

    def build(create: Creating) -> dict[str, Any]:
        pixels, labels = dataset.read(part)
        if source.image_size is not None:
            pixels = fitted_array(pixels, source.image_size)
        images = create("images", pixels.shape, "uint8")
        np.copyto(images, pixels)
        create("classes", labels.shape, "int64")[:] = labels
        pixel_sums(images, create("sums", (*pixels.shape[:2], 2), "int64"))
        return {}

    files = dataset.files()
    try:
        arrays = decoded(source.dataset, files, options, build).arrays
    except NoRoomError:  # none of these is so large that a process could not hold it
        arrays = decoded_in_memory(build, content_key(source.dataset, files, options)).arrays
    stored = StoredImages(images=arrays["images"], labels=arrays["classes"], sums=arrays["sums"])
    return FolderImages(images=stored, classes=len(dataset.CLASSES), validation_rows=0)
