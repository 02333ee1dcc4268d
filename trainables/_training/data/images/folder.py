"""A folder of images as a data set: stored decoded where it fits, else decoded as it is read."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from trainables._training.data.cache import folder as cache_folder
from trainables._training.data.cache.decoded import Creating, NoRoomError, content_key, decoded, decoded_in_memory
from trainables._training.data.images.decoding import VERSION, Frame, common_frame, decode_all, decode_sums
from trainables._training.data.images.normalization import pixel_sums
from trainables._training.data.images.stored import StoredImages
from trainables._training.data.images.streaming import ImageFiles
from trainables.datasets import image_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trainables._training.data.images.stored import LabelledImages


@dataclass(frozen=True, kw_only=True)
class FolderImages:
    """One part of a folder, and what the folder says of it."""

    images: LabelledImages
    """The rows: of the development part, those of the folder `val` last."""

    classes: int
    """Number of classes of the folder."""

    validation_rows: int
    """How many rows come from the folder `val`; 0: the validation part is split from the others."""


def load_folder(folder: Path, part: str, image_size: int | None) -> FolderImages:
    """Return "development" or "test" of a folder of class folders.

    Raises:
        FileNotFoundError: The folder cannot be used; says everything that is wrong with it.
        ValueError: Images cannot be read, or differ in size while `image_size` is None.
    """
    classes, images = image_folder.read(folder)
    # Every part counts, so that all of them have the same channels and size; sorted as whoever looked for them first
    # has them, so that their content is read once
    files = [Path(path) for path in sorted(path for of_part in images.values() for path, _ in of_part)]
    validation = images["validation"] if part == "development" else []
    rows = [*images[part], *validation]
    paths = [path for path, _ in rows]
    labels = torch.tensor([label for _, label in rows], dtype=torch.int64)
    options: dict[str, Any] = {"image_size": image_size, "version": VERSION}
    facts = _or_in_memory(
        "image_folder_frame", files, options, lambda _: vars(common_frame([str(file) for file in files], image_size))
    ).facts
    frame = Frame(**facts)
    options = options | {"part": part}

    def build(create: Creating) -> dict[str, Any]:
        pixels = create("images", (len(paths), *frame.shape), "uint8")
        decode_all(paths, frame, image_size, pixels)
        create("classes", (len(paths),), "int64")[:] = labels.numpy()
        pixel_sums(pixels, create("sums", (len(paths), frame.channels, 2), "int64"))
        return {}

    def build_sums(create: Creating) -> dict[str, Any]:
        decode_sums(paths, frame, image_size, create("sums", (len(paths), frame.channels, 2), "int64"))
        return {}

    stored = _stored(len(paths) * math.prod(frame.shape), files, options, build)
    if stored is None:
        sums = _or_in_memory("image_folder_sums", files, options, build_sums).arrays["sums"]
        stored = ImageFiles(paths=paths, frame=frame, image_size=image_size, labels=labels, sums=sums)
    return FolderImages(images=stored, classes=len(classes), validation_rows=len(validation))


def _stored(
    size: int, files: Sequence[Path], options: dict[str, Any], build: Callable[[Creating], dict[str, Any]]
) -> LabelledImages | None:
    """Return images from the cache, or None where it has no room or where they would crowd out the node's memory."""
    if size > min(cache_folder.limit_bytes(), _machine_memory() // 2):
        return None
    try:
        arrays = decoded("image_folder", files, options, build).arrays
    except NoRoomError:
        return None
    return StoredImages(images=arrays["images"], labels=arrays["classes"], sums=arrays["sums"])


def _or_in_memory(
    name: str, files: Sequence[Path], options: dict[str, Any], build: Callable[[Creating], dict[str, Any]]
) -> Any:
    """Return something small, from the cache where it has room for it."""
    try:
        return decoded(name, files, options, build)
    except NoRoomError:
        return decoded_in_memory(build, content_key(name, files, options))


def _machine_memory() -> int:
    """Return the memory of this machine or container, in bytes."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text(encoding="ascii").strip() if limit.is_file() else "max"
    return min(memory, int(text)) if text.isdigit() else memory
