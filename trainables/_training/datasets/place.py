"""Where data sets are kept, and whether they are there; without torch: it is asked before a sweep starts."""

from __future__ import annotations

import math
import os
import shlex
from pathlib import Path

_MNIST_FILES = {
    "train-images-idx3-ubyte": 3,
    "train-labels-idx1-ubyte": 1,
    "t10k-images-idx3-ubyte": 3,
    "t10k-labels-idx1-ubyte": 1,
}
"""File in MNIST/raw -> number of dimensions its header names."""


def data_dir() -> Path:
    """Return the folder of the data sets: the environment variable RAYSWEEPS_DATA, or ~/.cache/raysweeps."""
    return Path(os.environ.get("RAYSWEEPS_DATA") or "~/.cache/raysweeps").expanduser().absolute()


def broken_files(folder: Path) -> dict[Path, str]:
    """Return what is wrong with the files of MNIST in a folder of data sets, by file: not there, or not whole."""
    files = {folder / "MNIST" / "raw" / name: dimensions for name, dimensions in _MNIST_FILES.items()}
    return {path: fault for path, dimensions in files.items() if (fault := _idx_fault(path, dimensions))}


def missing_data(dataset: str) -> list[str]:
    """Return what is missing or cut of a data set, with the command that fetches it; empty when all is there."""
    if dataset != "mnist":
        return []  # digits comes with scikit-learn
    folder = data_dir()
    broken = broken_files(folder)
    if not broken:
        return []
    place = f"mnist is not in {folder / 'MNIST' / 'raw'} ({'; '.join(broken.values())})"
    fetch = f"python -m trainables fetch mnist --data-dir {shlex.quote(str(folder))}"
    return [f"{place}. Fetch it: {fetch}, or say where it is in RAYSWEEPS_DATA"]


def _idx_fault(path: Path, dimensions: int) -> str | None:
    """Compare a file of the IDX format with the size its header promises."""
    if not path.is_file():
        return f"no {path.name}"
    header_size = 4 + 4 * dimensions
    with path.open("rb") as file:
        header = file.read(header_size)
    sizes = [int.from_bytes(header[start : start + 4], "big") for start in range(4, header_size, 4)]
    promised = header_size + math.prod(sizes)
    size = path.stat().st_size
    if header[:4] == bytes((0, 0, 8, dimensions)) and size == promised:
        return None
    return f"{path.name} has {size:,} bytes, which is not a whole IDX file"
