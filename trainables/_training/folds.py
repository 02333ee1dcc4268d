"""The loop of a cross-validated scikit-learn estimator: a generator over folds, one fold an epoch; without torch."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from trainables._training.trainable import Checkpoints, Record

    Rows = NDArray[np.int64]
    Measure = Callable[[Any, NDArray[np.float64], NDArray[Any]], Mapping[str, float]]


def cross_validate(
    *,
    inputs: NDArray[np.float64],
    targets: NDArray[Any],
    folds: Sequence[tuple[Rows, Rows]],
    estimator: Callable[[], Any],
    measure: Measure,
    epochs: int,
    seed: int,
    checkpoints: Checkpoints | None = None,
) -> Iterator[Record]:
    """Fit an estimator on one fold after another; yield a record after each.

    After fold k, `val_...` is the mean over the first k folds of what `measure` gives for their validation rows, and
    `val_..._se` its standard error: their standard deviation (k - 1 in the denominator) divided by the root of k, and
    0 while there is one fold. `fold_loss` is the loss of fold k alone; `train_loss` the mean over the folds of the loss
    of as many training rows as there are validation rows; `generalization_gap` is `val_loss` less `train_loss`.

    The record is all that the next fold needs: mean and standard error are carried on from it (Welford, "Note on a
    Method for Calculating Corrected Sums of Squares and Products", 1962), so a checkpoint has no other state.

    Args:
        inputs: (rows, columns).
        targets: (rows,).
        folds: Training and validation rows of each fold.
        estimator: Makes the estimator of a fold, not fitted yet.
        measure: Metrics of a fitted estimator on (inputs, targets), among them `loss`.
        epochs: Budget: folds that are fitted, at most all.
        seed: Draws the training rows that `train_loss` is measured on.
        checkpoints: Where each epoch is saved before its record is yielded, and what to continue from.
    """
    saved = checkpoints.newest() if checkpoints else None
    record: Record | None = None
    if saved is not None:
        record = saved.record
        yield dict(record)
    for epoch in range(record["epoch"] + 1 if record else 1, epochs + 1):
        start = time.perf_counter()
        training, validation = folds[epoch - 1]
        fitted = estimator().fit(inputs[training], targets[training])
        metrics = measure(fitted, inputs[validation], targets[validation])
        sample = _sampled(training, len(validation), seed)
        train_loss = measure(fitted, inputs[sample], targets[sample])["loss"]
        means = {f"val_{name}": value for name, value in metrics.items()} | {"train_loss": train_loss}
        running = {name: _running(value, name, epoch, record) for name, value in means.items()}
        errors = {
            f"{name}_se": _running_se(value, name, epoch, record)
            for name, value in means.items()
            if name != "train_loss"
        }
        record = {
            "epoch": epoch,
            **running,
            **errors,
            "fold_loss": float(metrics["loss"]),
            "generalization_gap": running["val_loss"] - running["train_loss"],
            "seconds": time.perf_counter() - start,
        }
        if checkpoints:
            checkpoints.save(epoch, record, None)
        yield dict(record)


def _running(value: float, name: str, fold: int, previous: Record | None) -> float:
    """Return the mean over the folds up to this one."""
    if previous is None:
        return float(value)
    mean: float = previous[name]
    return mean + (float(value) - mean) / fold


def _running_se(value: float, name: str, fold: int, previous: Record | None) -> float:
    """Return the standard error of that mean: the root of M2 / (k - 1) / k, of which the previous record has M2."""
    if previous is None:
        return 0.0
    mean, se = previous[name], previous[f"{name}_se"]
    deviation = float(value) - mean
    squares = se * se * (fold - 1) * (fold - 2) + deviation * deviation * (fold - 1) / fold
    return math.sqrt(squares / (fold - 1) / fold)


def _sampled(rows: Rows, size: int, seed: int) -> Rows:
    import numpy as np

    return np.sort(np.random.default_rng(seed).permutation(rows)[:size])
