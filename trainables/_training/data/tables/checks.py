"""What is wrong with a table before anything is read of it but its header; without torch, numpy and pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables._training.configuration import nearest_name
from trainables._training.data.place import missing_data
from trainables.datasets import breast_cancer, california_housing, diabetes, table_file, wine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TABLES = {
    "california_housing": california_housing,
    "diabetes": diabetes,
    "breast_cancer": breast_cancer,
    "wine": wine,
}
"""The tables with a name of their own; a `table_file` is any other."""


def table_files(dataset: str, path: str | None) -> list[Path]:
    """Return the files that a table is made of; none for those that come with scikit-learn."""
    if dataset == "table_file":
        return [table_file.located(path)] if path is not None else []
    return california_housing.files() if dataset == "california_housing" else []


def table_conflicts(dataset: str, *, path: str | None, target: str | None, task: str, drop: Sequence[str]) -> list[str]:
    """Return what does not go together, without looking at any file."""
    if dataset not in TABLES and dataset != "table_file":
        near = nearest_name(dataset, [*TABLES, "table_file"])
        offer = f". Did you mean {near!r}?" if near else ""
        return [f"there is no table {dataset!r}; there are {', '.join(TABLES)} and table_file{offer}"]
    if dataset == "table_file":
        faults = []
        if path is None:
            faults.append("table_file needs 'path': a CSV or Parquet file, absolute or relative to the data folder")
        if target is None:
            faults.append("table_file needs 'target': the name of the column to predict")
        elif target in drop:
            faults.append(f"'drop' leaves out {target!r}, which is the target; drop other columns")
        return faults
    given = {"path": path, "target": target, "drop": list(drop) or None, "task": None if task == "auto" else task}
    own = [f"{name!r} is {value!r}" for name, value in given.items() if value is not None]
    if not own:
        return []
    return [f"{', '.join(own)}, but the dataset is {dataset!r}, which has its own; they go with dataset='table_file'"]


def table_faults(
    dataset: str, *, path: str | None, target: str | None, task: str = "auto", drop: Sequence[str] = ()
) -> list[str]:
    """Return what is wrong with a table's file and its header, and what does not go together."""
    faults = table_conflicts(dataset, path=path, target=target, task=task, drop=drop)
    if faults:
        return faults
    if dataset == "table_file" and path is not None and target is not None:
        return table_file.faults(path, target, drop)
    return missing_data(dataset)


def table_task(dataset: str, *, path: str | None, target: str | None, task: str) -> str | None:
    """Return "regression" or "classification"; None where only the file could say, and it does not.

    Reads the target's column where `task` is "auto".
    """
    if dataset != "table_file":
        own: str = TABLES[dataset].TASK
        return own
    if task != "auto":
        return task
    if path is None or target is None or table_file.faults(path, target, ()):
        return None
    try:
        has_categories = table_file.has_categories(table_file.located(path), target)
    except ValueError:  # a broken line beyond the header: `missing` says which
        return None
    return "classification" if has_categories else "regression"
