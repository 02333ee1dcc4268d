"""Tables for networks: the parts of `table_rows` as tensors, standardized with statistics of the training part only."""

# ruff: noqa: PT028 - test_rows is no test, and pytest never sees it
from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from trainables._training.data.examples import Examples
from trainables._training.data.part import TrainingData
from trainables._training.data.tables.rows import fold_splits, read_table, test_split, validation_split

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from trainables._training.data.part import Part
    from trainables._training.data.tables.rows import Rows, Table

_CHUNK_ROWS = 65_536
"""Rows whose statistics are gathered at a time: a table may be larger than what a trial may hold in memory."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Standardization:
    """Makes float32 inputs of mean 0 and standard deviation 1 of stored ones; 0 where a number is missing."""

    mean: torch.Tensor
    """Of each column of the training part, float64."""

    scale: torch.Tensor
    """1 / standard deviation of each column of the training part, float64; 0 for a column that is constant there."""

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return standardized inputs, (rows, columns)."""
        standardized = (inputs - self.mean).mul_(self.scale).to(torch.float32)
        return standardized.nan_to_num_(nan=0.0)

    def to(self, device: torch.device) -> Standardization:
        """Return the same for inputs on a device."""
        return Standardization(mean=self.mean.to(device), scale=self.scale.to(device))


def load_table(
    dataset: str,
    *,
    path: str | None = None,
    target: str | None = None,
    task: str = "auto",
    drop: Sequence[str] = (),
    split_seed: int = 0,
    validation_fraction: float = 0.2,
    test_fraction: float = 0.2,
) -> TrainingData:
    """Return the training and the validation part of a table, on the CPU.

    Args:
        dataset: "california_housing", "diabetes", "breast_cancer", "wine", or "table_file" for a file of one's own.
        path: The CSV or Parquet file of a table_file: absolute, or relative to the folder of the data sets.
        target: Name of its column to predict.
        task: "regression", "classification", or "auto": classification where its target is a text or a boolean.
        drop: Names of its columns to leave out.
        split_seed: Seed of the split into training and validation rows, 0 or above.
        validation_fraction: Of the rows that are not in the test part, in [0, 1); of each class, where there are; 0:
            all of them are trained on, and there is no validation part.
        test_fraction: Of all rows (of each class), in [0, 1): the test part, which is always the same.

    Raises:
        ValueError: The file or a column of it cannot be used, or has too few rows; says what to do.
        FileNotFoundError: The file is not there; says what to do.
    """
    table = read_table(dataset, path=path, target=target, task=task, drop=drop)
    return _split_data(table, test_fraction, validation_fraction, split_seed)


def load_folds(
    dataset: str,
    *,
    folds: int,
    path: str | None = None,
    target: str | None = None,
    task: str = "auto",
    drop: Sequence[str] = (),
    split_seed: int = 0,
    test_fraction: float = 0.2,
) -> list[TrainingData]:
    """Return the training and the validation part of each fold, standardized with that fold's training part.

    The rows that are not in the test part are split as scikit-learn's KFold, or StratifiedKFold for classes, splits
    them with `shuffle=True` and `random_state=split_seed`.

    Args:
        dataset: As for `load_table`, like everything that is not named here.
        folds: Number of folds, at least 2.
        path: As above.
        target: As above.
        task: As above.
        drop: As above.
        split_seed: Seed of the split into folds, 0 or above.
        test_fraction: As above.

    Raises:
        ValueError: As for `load_table`.
        FileNotFoundError: As for `load_table`.
    """
    table = read_table(dataset, path=path, target=target, task=task, drop=drop)
    return list(_folds_data(table, test_fraction, folds, split_seed))


def test_rows(
    dataset: str,
    *,
    path: str | None = None,
    target: str | None = None,
    task: str = "auto",
    drop: Sequence[str] = (),
    split_seed: int = 0,
    validation_fraction: float = 0.2,
    test_fraction: float = 0.2,
    folds: int = 0,
    fold: int = 0,
) -> Part:
    """Return the test part of a table, which no trial sees, standardized like the training part that was learnt from.

    Args:
        dataset: As for `load_table`, like everything that is not named here.
        path: As above.
        target: As above.
        task: As above.
        drop: As above.
        split_seed: As above.
        validation_fraction: As above; without effect with folds.
        test_fraction: Above 0.
        folds: 0 for the training part of `load_table`, else the number of folds of `load_folds`.
        fold: Whose training part it is, from 0.

    Raises:
        ValueError: `test_fraction` is 0: there is no test part. Otherwise as for `load_table`.
        FileNotFoundError: As for `load_table`.
    """
    table = read_table(dataset, path=path, target=target, task=task, drop=drop)
    development, test = test_split(table, test_fraction)
    if not len(test):
        message = "test_fraction is 0, so there is no test part; train with a fraction in (0, 1) to keep one"
        raise ValueError(message)
    if folds:
        training, _ = fold_splits(table, development, folds=folds, seed=split_seed)[fold]
    else:
        training, _ = _split(table, development, validation_fraction, split_seed)
    return _examples(table, test, _standardization(table.inputs, training))


# A process that trains again finds its splits and statistics; a table that was read again is another one.
@lru_cache(maxsize=4)
def _split_data(table: Table, test_fraction: float, validation_fraction: float, seed: int) -> TrainingData:
    development, _ = test_split(table, test_fraction)
    return _training_data(table, *_split(table, development, validation_fraction, seed))


@lru_cache(maxsize=4)
def _folds_data(table: Table, test_fraction: float, folds: int, seed: int) -> tuple[TrainingData, ...]:
    development, _ = test_split(table, test_fraction)
    splits = fold_splits(table, development, folds=folds, seed=seed)
    return tuple(_training_data(table, training, validation) for training, validation in splits)


def _split(table: Table, development: Rows, validation_fraction: float, seed: int) -> tuple[Rows, Rows | None]:
    if not validation_fraction:
        return development, None
    return validation_split(table, development, fraction=validation_fraction, seed=seed)


def _training_data(table: Table, training: Rows, validation: Rows | None) -> TrainingData:
    prepare = _standardization(table.inputs, training)
    data = TrainingData(
        training=_examples(table, training, prepare),
        validation=None if validation is None else _examples(table, validation, prepare),
        classes=None if table.classes is None else len(table.classes),
    )
    if table.classes is not None:
        return data
    targets = table.targets[training]
    # a target that is the same in all rows has no scale of its own
    std = float(targets.std()) if targets.min() < targets.max() else 1.0
    return replace(data, target_mean=float(targets.mean()), target_std=std)


def _examples(table: Table, rows: Rows, prepare: Standardization) -> Examples:
    return Examples(
        inputs=torch.from_numpy(table.inputs),
        targets=torch.from_numpy(table.targets),
        rows=torch.from_numpy(rows),
        prepare=prepare,
    )


def _standardization(inputs: NDArray[np.float64], training: Rows) -> Standardization:
    """Learn from the training rows; a number that is missing there counts for nothing."""
    columns = inputs.shape[1]
    count, total, squares = (np.zeros(columns) for _ in range(3))
    lowest, highest = np.full(columns, np.inf), np.full(columns, -np.inf)
    for values, known in _chunks(inputs, training):
        count += known.sum(axis=0)
        total += np.where(known, values, 0).sum(axis=0)
        lowest = np.minimum(lowest, np.where(known, values, np.inf).min(axis=0))
        highest = np.maximum(highest, np.where(known, values, -np.inf).max(axis=0))
    mean = total / np.maximum(count, 1)
    for values, known in _chunks(inputs, training):
        squares += np.square(np.where(known, values - mean, 0)).sum(axis=0)
    # by its ends, because the mean of equal numbers may be off by a rounding, which would pass for a deviation
    varies = lowest < highest
    std = np.sqrt(squares / np.maximum(count, 1))
    scale = np.divide(1, std, out=np.zeros(columns), where=varies & (std > 0))
    return Standardization(mean=torch.from_numpy(mean), scale=torch.from_numpy(scale))


def _chunks(inputs: NDArray[np.float64], rows: Rows) -> Iterator[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """Yield some rows at a time, and which of their numbers are known."""
    for start in range(0, len(rows), _CHUNK_ROWS):
        values = inputs[rows[start : start + _CHUNK_ROWS]]
        yield values, ~np.isnan(values)
