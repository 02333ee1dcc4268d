"""Seeded splits of row numbers: stratified for classes, plain for numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def stratified_split(
    labels: NDArray[np.int64], *, held_out: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split row numbers in two so that each class gives the same share to both parts.

    In numpy, because importing `sklearn.model_selection` would cost each trial process a second.

    Args:
        labels: Class of each row.
        held_out: Fraction of each class, in (0, 1), that goes to the second part (rounded; at least one row).
        seed: The only source of chance, 0 or above.

    Returns:
        The rows that remain and the rows held out, each in ascending order.
    """
    generator = np.random.default_rng(seed)
    is_held_out = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        is_held_out[rows[: max(1, round(held_out * len(rows)))]] = True
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


def random_split(rows: int, *, held_out: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split row numbers in two, every row with the same chance.

    Args:
        rows: How many there are.
        held_out: Fraction, in (0, 1), that goes to the second part (rounded; at least one row).
        seed: The only source of chance, 0 or above.

    Returns:
        The rows that remain and the rows held out, each in ascending order.
    """
    order = np.random.default_rng(seed).permutation(rows)
    size = max(1, round(held_out * rows))
    return np.sort(order[size:]), np.sort(order[:size])
