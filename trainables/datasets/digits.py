"""Handwritten digits, 8x8, 1,797 rows: scikit-learn's `load_digits`, which needs no file and no network."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CLASSES = tuple("0123456789")

VALIDATION_FRACTION = 0.2
"""Share of the development images that a trial is validated on."""

_TEST_FRACTION, _TEST_SEED = 0.2, 20_260_101
"""There is no official test part: a fixed, stratified fifth is it."""


def files() -> list[Path]:
    """Return what it is made of: the file inside scikit-learn, found without importing it."""
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        message = "digits needs scikit-learn, which is not installed: pip install scikit-learn"
        raise ModuleNotFoundError(message)
    return [Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"]


def read(part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the images (0 to 16, rows x 1 x 8 x 8) and classes of "development" or "test"."""
    from sklearn.datasets import load_digits

    from trainables._training.data.splits import stratified_split

    digits = load_digits()
    labels: NDArray[np.int64] = digits.target.astype("int64")
    development, test = stratified_split(labels, held_out=_TEST_FRACTION, seed=_TEST_SEED)
    rows = test if part == "test" else development
    return digits.images.astype("uint8")[rows][:, None], labels[rows]
