"""The fields of a configuration that say which table is learnt from, and which part of it is kept for the test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from trainables._training.hyperparameters import Hyperparameters

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUICKLY_READ = 50_000_000
"""Bytes of a file that is read in a second or so."""


class TableSource(Hyperparameters):
    """Which table is learnt from."""

    dataset: Literal["california_housing", "diabetes", "breast_cancer", "wine", "table_file"] = "diabetes"
    """Table to learn: california_housing (20,640 rows, fetched once), diabetes (442), breast_cancer (569), wine (178),
    which are embedded, or table_file: a file of one's own, which `path` names."""

    path: str | None = None
    """The CSV or Parquet file of a table_file: absolute, or relative to the folder of the data sets."""

    target: str | None = None
    """Name of the column of a table_file that is predicted."""

    task: Literal["auto", "regression", "classification"] = "auto"
    """What the target of a table_file is: a number, a class, or auto: a class where it is a text or a boolean."""

    drop: tuple[str, ...] = ()
    """Columns of a table_file that are left out, such as an identifier."""

    test_fraction: float = Field(default=0.2, ge=0, lt=1)
    """Fraction of the rows (of each class) that no trial sees, always the same rows, in [0, 1); 0 keeps none back."""

    def conflicts(self) -> Iterator[str]:
        """Add what does not go together among these."""
        from trainables._training.data.tables.checks import table_conflicts

        yield from super().conflicts()
        yield from table_conflicts(**self.source())

    def source(self) -> dict[str, Any]:
        """Return the fields that say which table it is, as `read_table` takes them."""
        return {name: getattr(self, name) for name in ("dataset", "path", "target", "task", "drop")}

    def table(self) -> dict[str, Any]:
        """Return all of these fields, as `load_table` and `load_folds` take them."""
        return self.source() | {"test_fraction": self.test_fraction}

    def untestable(self) -> list[str]:
        """Return why no row is kept for the test, and what to do; empty when some are."""
        fault = (
            "test_fraction is 0: every row has been trained on or has chosen between configurations, and none is left "
            "to test with; run a new sweep with a test_fraction in (0, 1), such as 0.2"
        )
        return [] if self.test_fraction else [fault]

    def missing(self, *, folds: int = 0, validation_fraction: float = 0.2) -> list[str]:
        """Return what is missing or wrong of the table, before anything starts.

        A small file is read to its end, with every column that cannot be used, and its rows are counted; of a large one
        only the header.

        Args:
            folds: Folds that the rows must suffice for; 0: they must suffice for a validation part.
            validation_fraction: Of that part, in (0, 1).
        """
        from trainables._training.data.tables.checks import table_faults, table_files

        faults = table_faults(**self.source())
        if faults:
            return faults
        files = table_files(self.dataset, self.path)
        if sum(file.stat().st_size for file in files) > _QUICKLY_READ:
            return []
        from trainables._training.data.tables.rows import check_sizes, read_table

        try:
            table = read_table(**self.source())
        except ValueError as error:
            return [f"{self.dataset}: {error}"]
        try:
            check_sizes(table, self.test_fraction, folds=folds, validation_fraction=validation_fraction)
        except ValueError as error:
            return [": ".join([self.dataset, *map(str, files), str(error)])]
        return []

    def resolved_task(self) -> str | None:
        """Return "regression" or "classification"; None where the file that would say so cannot be read."""
        from trainables._training.data.tables.checks import table_task

        return table_task(self.dataset, path=self.path, target=self.target, task=self.task)
