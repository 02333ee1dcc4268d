"""California housing: 20,640 districts of the census of 1990, 8 features, the median price of a house; fetched once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables._training.data.place import files_of, missing_data

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

TASK = "regression"


def files() -> list[Path]:
    """Return the one file that it is made of, as scikit-learn's loader keeps it."""
    return files_of("california_housing")


def read() -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64], None]:
    """Return the columns by name and the target: the median price in 100,000 dollars.

    Raises:
        FileNotFoundError: The file is not there; says the command that fetches it.
    """
    faults = missing_data("california_housing")
    if faults:
        raise FileNotFoundError(faults[0])
    from sklearn.datasets import fetch_california_housing

    table = fetch_california_housing(data_home=str(files()[0].parent), download_if_missing=False)
    return dict(zip(table.feature_names, table.data.T, strict=True)), table.target.astype("float64"), None


def fetch(folder: Path) -> None:
    """Download it into a folder of data sets; scikit-learn verifies the checksum."""
    from sklearn.datasets import fetch_california_housing

    fetch_california_housing(data_home=str(folder / "scikit_learn_data"), download_if_missing=True)
