"""Diabetes: 442 patients, 10 measurements, and how far the disease has gone a year later; comes with scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TASK = "regression"


def read() -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64], None]:
    """Return the columns by name and the target: a score of the disease's progression, 25 to 346, without a unit."""
    from sklearn.datasets import load_diabetes

    table = load_diabetes()
    return dict(zip(table.feature_names, table.data.T, strict=True)), table.target.astype("float64"), None
