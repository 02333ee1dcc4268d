"""Where data sets are kept, and whether they are there and whole; without torch: it is asked before a sweep starts."""

from __future__ import annotations

import math
import os
import shlex
import zlib
from pathlib import Path

from trainables._training.data.images.class_folders import class_folders

_IDX = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_FILES: dict[str, tuple[str, tuple[str, ...]]] = {
    "mnist": ("MNIST/raw", _IDX),
    "fashion_mnist": ("FashionMNIST/raw", _IDX),
    "cifar10": ("cifar-10-batches-py", (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch", "batches.meta")),
    "california_housing": ("scikit_learn_data", ("cal_housing_py3.pkz",)),
}
"""Of each data set that is fetched: its folder below that of the data sets, and its files, as its usual loader has
them. The others come with scikit-learn or are the user's own."""

_DOWNLOAD_MB = {"mnist": 12, "fashion_mnist": 31, "cifar10": 170, "california_housing": 1}

FETCHED = tuple(_FILES)
"""Names of the data sets that `python -m trainables fetch` knows."""


def data_dir() -> Path:
    """Return the folder of the data sets: the environment variable RAYSWEEPS_DATA, or ~/.cache/raysweeps."""
    return Path(os.environ.get("RAYSWEEPS_DATA") or "~/.cache/raysweeps").expanduser().absolute()


def files_of(dataset: str, folder: Path | None = None) -> list[Path]:
    """Return the files that a fetched data set is made of, there or not, in a folder of data sets or `data_dir()`."""
    below, names = _FILES[dataset]
    return [(folder or data_dir()) / below / name for name in names]


def image_folder_path(folder: str | Path) -> Path:
    """Return the folder that `image_folder` means: relative to the folder of the data sets, or absolute."""
    # Path.expanduser raises where there is no such user; this leaves the path as it is
    return data_dir() / os.path.expanduser(folder)  # noqa: PTH111 - the reason is above


def broken_files(dataset: str, folder: Path) -> dict[Path, str]:
    """Return what is wrong with the files of a fetched data set in a folder, by file: not there, or not whole."""
    return {path: fault for path in files_of(dataset, folder) if (fault := _fault(path))}


def missing_data(dataset: str, folder: str | Path | None = None) -> list[str]:
    """Return what is missing or cut of a data set, with what to do about it; empty when all is there.

    Args:
        dataset: Its name; of one that needs no files nothing can be missing.
        folder: The folder of image_folder, relative to that of the data sets or absolute.
    """
    if dataset == "image_folder":
        return _image_folder_faults(folder)
    if dataset not in _FILES:
        return []  # it comes with scikit-learn, or is a file that its own reader checks
    place = data_dir()
    broken = broken_files(dataset, place)
    if not broken:
        return []
    where = f"{dataset} is not in {place / _FILES[dataset][0]} ({'; '.join(broken.values())})"
    fetch = f"python -m trainables fetch {dataset} --data-dir {shlex.quote(str(place))}"
    return [
        f"{where}. Fetch it: {fetch}, or say where it is in RAYSWEEPS_DATA ({_DOWNLOAD_MB[dataset]} MB to download)"
    ]


def _image_folder_faults(folder: str | Path | None) -> list[str]:
    if folder is None:
        fault = (
            "image_folder: folder is left out; it takes a folder of class folders, absolute or below that of the data "
            f"sets ({data_dir()}), for example folder='flowers'"
        )
        return [fault]
    return [f"image_folder: {fault}" for fault in class_folders(image_folder_path(folder)).faults]


def _fault(path: Path) -> str | None:
    if not path.is_file():
        return f"no {path.name}"
    if "-idx" in path.name:
        return _idx_fault(path, dimensions=int(path.name.partition("-idx")[2][0]))
    if path.suffix == ".pkz":
        return None if _is_whole_zlib(path) else f"{path.name} is cut or not a file of scikit-learn's"
    with path.open("rb") as file:
        start, size = file.read(1), path.stat().st_size
        file.seek(max(0, size - 1))
        # Python 3's and 2's binary protocols; the checksums are torchvision's to verify, before it loads anything
        is_whole = start == b"\x80" and file.read(1) == b"."
    return None if is_whole else f"{path.name} has {size:,} bytes, which is not a whole file"


def _idx_fault(path: Path, *, dimensions: int) -> str | None:
    """Compare a file of the IDX format with the size its header promises."""
    header_size = 4 + 4 * dimensions
    with path.open("rb") as file:
        header = file.read(header_size)
    sizes = [int.from_bytes(header[start : start + 4], "big") for start in range(4, header_size, 4)]
    promised = header_size + math.prod(sizes)
    size = path.stat().st_size
    if header[:4] == bytes((0, 0, 8, dimensions)) and size == promised:
        return None
    return f"{path.name} has {size:,} bytes, which is not a whole IDX file"


def _is_whole_zlib(path: Path) -> bool:
    stream = zlib.decompressobj()
    try:
        stream.decompress(path.read_bytes())
    except zlib.error:
        return False
    return stream.eof
