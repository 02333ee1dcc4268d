"""Any table of one's own: a CSV or Parquet file whose first line, or schema, names the columns."""

from __future__ import annotations

import contextlib
import csv
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from trainables._training.configuration import nearest_name
from trainables._training.data.place import data_dir

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

SUFFIXES = (".csv", ".tsv", ".parquet")
"""Kinds of files; the separator of a CSV file may be a comma, semicolon, tab or bar."""

ROW_NUMBERS = frozenset({"", "__index_level_0__"})
"""Columns in which pandas writes its row numbers; they say nothing of a row and are left out."""


def located(path: str) -> Path:
    """Return the file: a relative path begins in the folder of the data sets."""
    # Path.expanduser raises where there is no such user; this leaves the path as it is
    return (data_dir() / os.path.expanduser(path)).absolute()  # noqa: PTH111 - the reason is above


def column_names(file: Path) -> list[str]:
    """Return the names of the columns, of which those with row numbers are left out, without reading the rows.

    Raises:
        ValueError: It is not such a file; says why.
    """
    with _readable(file):
        if file.suffix.lower() == ".parquet":
            import pyarrow.parquet as pq

            names = list(pq.read_schema(file).names)
        else:
            names = _header(file)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        message = f"{file} has several columns called {_listed(repeated)}; give each column a name of its own"
        raise ValueError(message)
    return [name for name in names if name not in ROW_NUMBERS]


def faults(path: str, target: str, drop: Collection[str]) -> list[str]:
    """Return what is wrong with a file and what is asked of it, as far as can be told from its header."""
    file = located(path)
    if file.suffix.lower() not in SUFFIXES:
        kinds = ", ".join(SUFFIXES)
        return [f"table_file: 'path' is {path!r}; it takes a file of the kinds {kinds}; save the table as one of these"]
    try:
        is_there = file.is_file()
        near = None if is_there else nearest_name(file.name, _file_names(file.parent))
    except OSError as error:
        return [
            f"table_file: 'path' is {path!r}, which cannot be looked up ({error.strerror}); give the path of a file"
        ]
    if not is_there:
        place = f"'path' is absolute, or relative to the folder of the data sets, {data_dir()}"
        return [f"table_file: there is no file {file}; {place}, which RAYSWEEPS_DATA names.{_did_you_mean(near)}"]
    try:
        names = column_names(file)
    except ValueError as error:
        return [f"table_file: {error}"]
    unknown = [("target", target)] if target not in names else []
    unknown += [("drop", name) for name in drop if name not in names]
    found = [
        f"table_file: {field!r} names a column {name!r} that {file} does not have (it has {_listed(names)})."
        f"{_did_you_mean(nearest_name(name, names))}"
        for field, name in unknown
    ]
    if not found and not set(names) - {target, *drop}:
        found = [f"table_file: {file} has no column left to learn from: {_listed(names)} are the target or dropped"]
    return found


def read(file: Path, columns: Sequence[str] | None = None) -> Any:
    """Return the table, or some of its columns, as a `pyarrow.Table`; what the columns hold is told from all rows.

    Raises:
        ValueError: A line has another number of fields than the first, or the file is damaged; says where.
    """
    names = list(column_names(file) if columns is None else columns)
    with _readable(file):
        if file.suffix.lower() == ".parquet":
            import pyarrow.parquet as pq

            return pq.ParquetFile(file).read(columns=names, use_threads=False)
        from pyarrow import csv as arrow_csv

        return arrow_csv.read_csv(
            file,
            read_options=arrow_csv.ReadOptions(use_threads=False),
            parse_options=arrow_csv.ParseOptions(delimiter=_separator(file), newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(include_columns=names),
        )


def has_categories(file: Path, target: str) -> bool:
    """Tell whether the target is a class when nothing is said about it; reads its column.

    Raises:
        ValueError: The file cannot be read.
    """
    stamp = file.stat()
    return _has_categories(file, target, (stamp.st_size, stamp.st_mtime_ns, stamp.st_ino))


@lru_cache(maxsize=16)
def _has_categories(file: Path, target: str, _stamp: object) -> bool:
    import pyarrow as pa
    from pyarrow import types

    kind = read(file, [target]).schema.field(target).type
    kind = kind.value_type if types.is_dictionary(kind) else kind
    return kind in {pa.string(), pa.large_string(), pa.string_view(), pa.bool_()}


def _header(file: Path) -> list[str]:
    separator = _separator(file)
    with file.open(encoding="utf-8-sig", newline="") as lines:
        names = next(csv.reader(lines, delimiter=separator), [])
    if not names:
        message = f"{file} is empty; its first line must name the columns"
        raise ValueError(message)
    if all(map(_is_number, names)):
        message = f"the first line of {file} has numbers only ({_listed(names)}); it must name the columns"
        raise ValueError(message)
    return names


def _separator(file: Path) -> str:
    """Return the separator that makes most fields of the first line."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        first = lines.readline()
    return max((",", ";", "\t", "|"), key=lambda separator: len(next(csv.reader([first], delimiter=separator), [])))


@contextlib.contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Say which file it was that cannot be read."""
    import pyarrow as pa

    try:
        yield
    except (OSError, UnicodeDecodeError, csv.Error, pa.ArrowException) as error:
        message = f"{file} cannot be read as {file.suffix.lower()[1:]} ({error}); check it, or write it again"
        raise ValueError(message) from error


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _file_names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir() if file.is_file()] if folder.is_dir() else []


def _listed(names: Iterable[str], most: int = 30) -> str:
    given = list(names)
    return ", ".join(map(repr, given[:most])) + (f" and {len(given) - most} more" if len(given) > most else "")


def _did_you_mean(near: str | None) -> str:
    return f" Did you mean {near!r}?" if near else ""
