"""Image files, decoded and fitted to one size in threads: the same pixels for the cache and for streaming."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from trainables._training.data.images.normalization import pixel_sums
from trainables._training.data.progress import Progress
from trainables._training.threads import cpu_share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

VERSION = 1
"""Counts the changes of this file after which the same image gives other pixels."""

_SHOWN = 10
_CHUNK = 64
_GREY, _DEEP = ("1", "L"), ("I", "F")


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What all decoded images of a folder have in common."""

    channels: int
    """1 (greyscale) or 3 (RGB)."""

    height: int
    """In pixels."""

    width: int
    """In pixels."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        return self.channels, self.height, self.width


def fitted(image: Image.Image, size: int) -> Image.Image:
    """Return an image with its shorter side resized to `size` pixels (bilinear, antialiased) and its middle cut out.

    Equal to torchvision's `Resize(size)` and `CenterCrop(size)` on the same image.
    """
    shorter = min(image.size)
    width, height = (int(size * side / shorter) for side in image.size)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    if width == height:
        return image
    left, top = round((width - size) / 2), round((height - size) / 2)
    return image.crop((left, top, left + size, top + size))


def fitted_array(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return images (rows, channels, height, width), 1 or 3 channels, fitted to (rows, channels, size, size)."""
    done = np.empty((len(images), images.shape[1], size, size), np.uint8)

    def fit(rows: range) -> None:
        for row in rows:
            pixels = images[row, 0] if images.shape[1] == 1 else images[row].transpose(1, 2, 0)
            done[row] = _channels_first(fitted(Image.fromarray(np.ascontiguousarray(pixels)), size))

    for _ in _in_threads(f"resizing images to {size}x{size}", len(images), fit):
        pass
    return done


def decode(path: str, channels: int, image_size: int | None) -> NDArray[np.uint8]:
    """Return one image file as (channels, height, width).

    Raises:
        OSError: It is not there, or not a whole image.
    """
    with Image.open(path) as opened:
        # Pillow warns where a palette has transparency and is made into RGB at once; the colours are the same
        image = opened.convert("RGBA") if "transparency" in opened.info and opened.mode == "P" else opened
        image = image.convert("L" if channels == 1 else "RGB")
    return _channels_first(image if image_size is None else fitted(image, image_size))


def decode_all(paths: Sequence[str], frame: Frame, image_size: int | None, into: NDArray[np.uint8]) -> None:
    """Decode files into rows of an array (rows, channels, height, width).

    Raises:
        ValueError: Some cannot be read; names them.
    """

    def decode_rows(rows: range) -> list[str]:
        return _decode_some(paths, rows, frame, image_size, into[rows.start : rows.stop])

    _refuse([fault for some in _in_threads("decoding images", len(paths), decode_rows) for fault in some])


def decode_sums(paths: Sequence[str], frame: Frame, image_size: int | None, into: NDArray[np.int64]) -> None:
    """Decode files one after another, and keep the sums of their pixels and squares: (rows, channels, 2).

    Raises:
        ValueError: Some cannot be read; names them.
    """

    def sum_rows(rows: range) -> list[str]:
        pixels = np.zeros((len(rows), *frame.shape), np.uint8)
        faults = _decode_some(paths, rows, frame, image_size, pixels)
        pixel_sums(pixels, into[rows.start : rows.stop])
        return faults

    what = "images do not fit and are streamed; measuring them once"
    _refuse([fault for some in _in_threads(what, len(paths), sum_rows) for fault in some])


def common_frame(paths: Sequence[str], image_size: int | None) -> Frame:
    """Return the frame that all files fit, from their headers: greyscale when all are.

    Raises:
        ValueError: Some cannot be read, have more than 8 bits a channel, or differ in size and `image_size` is None.
    """

    def headers(rows: range) -> list[tuple[str, tuple[int, int]] | str]:
        return [_header(paths[row]) for row in rows]

    def check(rows: range) -> list[str]:
        return [fault for row in rows if (fault := _whole_fault(paths[row]))]

    modes: set[str] = set()
    example_of: dict[tuple[int, int], str] = {}
    faults = []
    for some, rows in zip(_in_threads("looking at images", len(paths), headers), _chunks(len(paths)), strict=True):
        for found, row in zip(some, rows, strict=True):
            if isinstance(found, str):
                faults.append(found)
            else:
                modes.add(found[0])
                example_of.setdefault(found[1], paths[row])
    if faults:  # an error shows all at once: those whose beginning is whole too
        faults = [fault for some in _in_threads("checking images", len(paths), check) for fault in some]
    _refuse(faults)
    channels = 1 if modes <= set(_GREY) else 3
    if image_size is not None:
        return Frame(channels=channels, height=image_size, width=image_size)
    if len(example_of) > 1:
        sizes = [f"{width}x{height} ({path})" for (width, height), path in sorted(example_of.items())]
        message = (
            f"the images have {len(sizes):,} different sizes, such as {sizes[0]} and {sizes[-1]}; without image_size "
            "all must have the same; set image_size, the height and width in pixels they are resized to, for example "
            "image_size=64"
        )
        raise ValueError(message)
    [(width, height)] = example_of
    return Frame(channels=channels, height=height, width=width)


def _header(path: str) -> tuple[str, tuple[int, int]] | str:
    """Return mode and size of a file, or what is wrong with it."""
    try:
        with Image.open(path) as image:
            mode, size = image.mode, image.size
    except Exception as error:  # noqa: BLE001 - Pillow's readers raise SyntaxError, struct.error and others
        return f"{path} ({error})"
    if mode.startswith(_DEEP):
        return f"{path} (mode {mode}: more than 8 bits a channel; convert it to 8 bits)"
    return mode, size


def _whole_fault(path: str) -> str | None:
    """Return what is wrong with a file, its pixels included."""
    header = _header(path)
    if isinstance(header, str):
        return header
    try:
        decode(path, 3, None)
    except Exception as error:  # noqa: BLE001 - Pillow's readers raise SyntaxError, struct.error and others
        return f"{path} ({error})"
    return None


def _decode_some(
    paths: Sequence[str], rows: range, frame: Frame, image_size: int | None, into: NDArray[np.uint8]
) -> list[str]:
    """Decode some of the files into an array that begins with the first of them; return what is wrong with others."""
    faults = []
    for row in rows:
        try:
            into[row - rows.start] = decode(paths[row], frame.channels, image_size)
        except Exception as error:  # noqa: BLE001 - Pillow's readers raise SyntaxError, struct.error and others
            faults.append(f"{paths[row]} ({error})")
    return faults


def _refuse(faults: list[str]) -> None:
    if faults:
        more = f"; and {len(faults) - _SHOWN:,} more" if len(faults) > _SHOWN else ""
        message = (
            f"{len(faults):,} images cannot be read: {'; '.join(faults[:_SHOWN])}{more}; "
            "they must be whole image files of 8 bits a channel: replace or remove them"
        )
        raise ValueError(message)


def _channels_first(image: Image.Image) -> NDArray[np.uint8]:
    pixels = np.asarray(image, dtype=np.uint8)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _chunks(rows: int) -> list[range]:
    return [range(start, min(start + _CHUNK, rows)) for start in range(0, rows, _CHUNK)]


def _in_threads(what: str, rows: int, work: Callable[[range], Any]) -> Iterator[Any]:
    """Give the results of work on chunks of rows, in order; Pillow lets other threads run while it decodes."""
    progress = Progress(what, rows)
    with ThreadPoolExecutor(cpu_share()) as threads:
        for chunk, result in zip(chunks := _chunks(rows), threads.map(work, chunks), strict=True):
            progress.advance(len(chunk))
            yield result
