"""Tables by name, read once per node, and their rows' parts: training, validation, folds, test. Without torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from trainables._training.data.cache.decoded import decoded, digest_of
from trainables._training.data.splits import random_split, stratified_split
from trainables._training.data.tables.checks import TABLES, table_faults, table_files
from trainables.datasets import table_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from trainables._training.data.cache.decoded import Creating

    Rows = NDArray[np.int64]

TEST_SEED = 20_260_101
"""Of the test part, which no configuration can choose."""

_DECODING = 2
"""Counts the ways in which this version has made numbers of a table; a new one makes new files in the cache."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """A table as numbers, mapped from the cache: its pages are shared by all processes of the node."""

    inputs: NDArray[np.float64]
    """(rows, columns); NaN where a number is missing."""

    targets: NDArray[np.float64] | NDArray[np.int64]
    """(rows,): numbers, or classes from 0."""

    columns: tuple[str, ...]
    """Names of the columns of the inputs."""

    classes: tuple[str, ...] | None
    """Names of the classes; None where the target is a number."""


def read_table(
    dataset: str,
    *,
    path: str | None = None,
    target: str | None = None,
    task: str = "auto",
    drop: Sequence[str] = (),
) -> Table:
    """Return a table as numbers; `load_table` says what the arguments are.

    Raises:
        ValueError: The file or a column of it cannot be used; says every fault and what to do.
        FileNotFoundError: A file of the data set is not there; says what to do.
    """
    faults = table_faults(dataset, path=path, target=target, drop=drop)
    files = table_files(dataset, path)
    if faults:
        message = "\n".join(faults)
        raise ValueError(message) if all(file.is_file() for file in files) else FileNotFoundError(message)
    stamps = tuple((file.stat().st_size, file.stat().st_mtime_ns, file.stat().st_ino) for file in files)
    return _read(dataset, tuple(files), stamps, target, task, tuple(drop))


def table_content(dataset: str, *, path: str | None = None) -> str:
    """Return a digest of the files of a table; that of none for a table that comes with scikit-learn.

    Raises:
        FileNotFoundError: The file is not there.
    """
    return digest_of(table_files(dataset, path))


def test_split(table: Table, fraction: float) -> tuple[Rows, Rows]:
    """Return the rows for development and the rows of the test part, each in ascending order.

    Args:
        table: The table.
        fraction: Of the rows (of each class, where the target is a class) in the test part, in [0, 1); always the same.
    """
    everything = np.arange(len(table.targets))
    return _held_out(table, everything, fraction, TEST_SEED) if fraction else (everything, everything[:0])


def validation_split(table: Table, development: Rows, *, fraction: float, seed: int) -> tuple[Rows, Rows]:
    """Return the rows for training and those for validation: a fraction in (0, 1) of the rows, or of each class.

    Raises:
        ValueError: A class, or the table, has too few rows to be in both.
    """
    training, validation = _held_out(table, development, fraction, seed)
    if table.classes is not None:
        counts = np.bincount(table.targets[training], minlength=len(table.classes))
        _refuse_rare(table, counts > 0, "a training, a validation and a test row (3, or 2 where test_fraction is 0)")
    if len(training) < 2:
        message = (
            f"{len(training)} of its {len(table.targets)} rows would be trained on, beside those for validation and "
            "test; training takes at least 2: give more rows, or make the other parts smaller"
        )
        raise ValueError(message)
    return training, validation


def check_sizes(table: Table, test_fraction: float, *, folds: int, validation_fraction: float) -> None:
    """Refuse a table that is too small for its parts, or for its folds where there are any; without scikit-learn.

    Raises:
        ValueError: As for `fold_splits`, or without folds as for `validation_split`.
    """
    development, _ = test_split(table, test_fraction)
    if folds:
        _refuse_few(table, development, folds)
    else:
        validation_split(table, development, fraction=validation_fraction, seed=0)


def fold_splits(
    table: Table, development: Rows, *, folds: int, shuffle: bool = True, seed: int = 0
) -> list[tuple[Rows, Rows]]:
    """Return the training and validation rows of each fold: scikit-learn's KFold, or StratifiedKFold for classes.

    Args:
        table: The table.
        development: Rows that are split, in ascending order.
        folds: At least 2.
        shuffle: Whether the rows are shuffled first; otherwise they stay in the order of the file.
        seed: `random_state` of the shuffling, 0 or above.

    Raises:
        ValueError: There are fewer rows, or fewer of a class, than folds.
    """
    _refuse_few(table, development, folds)
    from sklearn.model_selection import KFold, StratifiedKFold

    targets = table.targets[development]
    split = KFold if table.classes is None else StratifiedKFold
    # scikit-learn takes 32 bits of a seed; a longer one is given as two words
    state = seed if seed < 2**32 else np.random.RandomState([seed % 2**32, seed // 2**32])
    splitter = split(folds, shuffle=shuffle, random_state=state if shuffle else None)
    return [(development[training], development[held]) for training, held in splitter.split(development, targets)]


@lru_cache(maxsize=4)
def _read(
    dataset: str, files: tuple[Path, ...], _stamps: object, target: str | None, task: str, drop: tuple[str, ...]
) -> Table:
    options: dict[str, Any] = {"decoding": _DECODING}
    if dataset == "table_file":
        options |= {"target": target, "task": task, "drop": sorted(drop)}
    else:
        options["scikit-learn"] = version("scikit-learn")

    def build(create: Creating) -> dict[str, Any]:
        if target is not None:
            columns, targets, classes = _tabulated(files[0], target, task, drop)
        else:
            columns, targets, classes = TABLES[dataset].read()
        inputs = create("inputs", (len(targets), len(columns)), "float64")
        for at, values in enumerate(columns.values()):
            inputs[:, at] = values
        create("targets", targets.shape, targets.dtype.name)[:] = targets
        return {"columns": list(columns), "classes": None if classes is None else list(classes)}

    found = decoded(dataset, files, options, build)
    return Table(
        inputs=found.mapped["inputs"],
        targets=found.mapped["targets"],
        columns=tuple(found.facts["columns"]),
        classes=None if found.facts["classes"] is None else tuple(found.facts["classes"]),
    )


def _tabulated(file: Path, target: str, task: str, drop: tuple[str, ...]) -> Any:
    from trainables._training.data.tables.columns import tabulated

    if task == "auto":
        task = "classification" if table_file.has_categories(file, target) else "regression"
    table = table_file.read(file, [name for name in table_file.column_names(file) if name not in drop])
    return tabulated(table, file=file, target=target, task=task)


def _held_out(table: Table, rows: Rows, fraction: float, seed: int) -> tuple[Rows, Rows]:
    if table.classes is not None:
        labels = cast("NDArray[np.int64]", table.targets[rows])
        kept, held = stratified_split(labels, held_out=fraction, seed=seed)
    else:
        kept, held = random_split(len(rows), held_out=fraction, seed=seed)
    return rows[kept], rows[held]


def _refuse_few(table: Table, development: Rows, folds: int) -> None:
    if table.classes is not None:
        counts = np.bincount(table.targets[development], minlength=len(table.classes))
        _refuse_rare(
            table, counts >= folds, f"a row in each of the {folds} folds, beside its test rows", "give fewer folds, "
        )
    if len(development) < 2 * folds:
        message = (
            f"{len(development)} of its {len(table.targets)} rows are left beside the test rows for {folds} folds, "
            "each of which takes at least 2: give more rows, or fewer folds"
        )
        raise ValueError(message)


def _refuse_rare(table: Table, is_enough: NDArray[np.bool_], need: str, remedy: str = "") -> None:
    names = [repr(name) for name, enough in zip(table.classes or (), is_enough, strict=True) if not enough]
    if names:
        message = (
            f"{len(names)} of the {len(is_enough)} classes of the target have too few rows ({', '.join(names[:10])}): "
            f"each needs {need}; {remedy}remove their rows, or join them to other classes"
        )
        raise ValueError(message)
