"""Breast cancer (Wisconsin): 569 tumours, 30 measurements of their cells, malignant or benign; with scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TASK = "classification"


def read() -> tuple[dict[str, NDArray[np.float64]], NDArray[np.int64], tuple[str, ...]]:
    """Return the columns by name, the class of each row, and the classes: malignant, benign."""
    from sklearn.datasets import load_breast_cancer

    table = load_breast_cancer()
    columns = dict(zip(map(str, table.feature_names), table.data.T, strict=True))
    return columns, table.target.astype("int64"), tuple(map(str, table.target_names))
