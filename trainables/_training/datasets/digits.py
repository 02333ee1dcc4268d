"""Handwritten digits, 8x8, 1,797 rows: scikit-learn's `load_digits`, which needs no file and no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from trainables._training.datasets.splits import stratified_split

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VALIDATION_FRACTION = 0.2
"""Share of the development images that a trial is validated on."""

_TEST_FRACTION, _TEST_SEED = 0.2, 20_260_101


def development() -> tuple[torch.Tensor, torch.Tensor]:
    """Return the images (uint8, 0 to 16, rows x 1 x 8 x 8) and classes that training and validation are made of."""
    return _rows(test=False)


def test() -> tuple[torch.Tensor, torch.Tensor]:
    """Return the images and classes of the test part: a fixed, stratified fifth."""
    return _rows(test=True)


def _rows(*, test: bool) -> tuple[torch.Tensor, torch.Tensor]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    labels: NDArray[np.int64] = digits.target.astype("int64")
    rows = stratified_split(labels, held_out=_TEST_FRACTION, seed=_TEST_SEED)[int(test)]
    images = digits.images.astype("uint8")[rows]
    return torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels[rows])
