"""What a record says of several folds, and of the epochs so far."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from trainables._training.trainable import Record


def over_folds(metrics: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each metric over the folds, and the standard error of each `val_` one; one fold as it is."""
    if len(metrics) == 1:
        return dict(metrics[0])
    result: dict[str, float] = {}
    for name in metrics[0]:
        values = [of_fold[name] for of_fold in metrics]
        result[name] = math.fsum(values) / len(values) if all(map(math.isfinite, values)) else sum(values) / len(values)
        if name.startswith("val_"):
            result[f"{name}_se"] = standard_error(values)
    return result


def standard_error(values: Sequence[float]) -> float:
    """Return the standard error of the mean: the standard deviation (n - 1) over the root of n; 0 for one value."""
    if len(values) == 1:
        return 0.0
    if not all(map(math.isfinite, values)):
        return math.nan
    return statistics.stdev(values) / math.sqrt(len(values))


def best_so_far(
    validation: Mapping[str, float], epoch: int, previous: Record | None, lower_is_better: Collection[str]
) -> dict[str, float]:
    """Return the best value of each validation metric and its epoch: those named lowest, all others highest.

    The first of equals counts. NaN is best only as long as there is nothing else.
    """
    best: dict[str, float] = {}
    for name, value in validation.items():
        key = f"best_val_{name}"
        best[key], best[f"{key}_epoch"] = value, epoch
        if previous is not None:
            old = previous[key]
            is_better = math.isnan(old) or (value < old if name in lower_is_better else value > old)
            if math.isnan(value) or not is_better:
                best[key], best[f"{key}_epoch"] = old, previous[f"{key}_epoch"]
    return best
