"""Wine: 178 wines of one Italian region, 13 chemical measurements, three cultivars; comes with scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TASK = "classification"


def read() -> tuple[dict[str, NDArray[np.float64]], NDArray[np.int64], tuple[str, ...]]:
    """Return the columns by name, the class of each row, and the classes: the cultivars."""
    from sklearn.datasets import load_wine

    table = load_wine()
    columns = dict(zip(table.feature_names, table.data.T, strict=True))
    return columns, table.target.astype("int64"), tuple(map(str, table.target_names))
