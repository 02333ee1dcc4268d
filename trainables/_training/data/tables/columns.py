"""What the columns of a table file become: numbers as they are, texts as one column each, dates refused by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Columns = Mapping[str, NDArray[np.float64]]
    Targets = NDArray[np.float64] | NDArray[np.int64]

MOST_TEXTS = 100
"""Different texts in a column, at most: more are names or sentences, of which a column each says nothing."""

MOST_CLASSES = 1000
"""Different values of a target that is a class, at most."""

_DECIMAL_COMMAS = "has numbers with a decimal comma ({!r}), a point is taken: write the file with points"

_LARGEST = float(np.finfo(np.float32).max)


def tabulated(
    table: pa.Table, *, file: Path, target: str, task: str
) -> tuple[Columns, Targets, tuple[str, ...] | None]:
    """Return the columns by name, the target, and the names of the classes where it is one.

    Booleans become 0 and 1; a column of texts becomes one column of zeros and ones for each text, called
    `column=text`, all 0 where the text is missing; missing numbers are NaN, and so are those that float32 cannot hold
    (infinities, and beyond 3.4e38). The texts and classes are those of the whole table, as its columns are: they decide
    how wide a row is, and no weight.

    Args:
        table: The file's columns, without those that are dropped.
        file: Named in messages.
        target: Name of the column to predict.
        task: "regression" or "classification".

    Raises:
        ValueError: With every column that cannot be used, and what to do.
    """
    faults: list[str] = []
    columns: dict[str, NDArray[np.float64]] = {}
    for name in table.column_names:
        if name != target:
            found = _feature(name, table.column(name), faults)
            taken = sorted(columns.keys() & found)
            if taken:
                faults.append(f"two columns would be called {taken[0]!r} (a text's is called column=text): rename one")
            columns |= found
    column = table.column(target)
    named: tuple[Targets, tuple[str, ...] | None]
    named = _classes(target, column, faults) if task == "classification" else (_numbers(target, column, faults), None)
    if not faults and table.num_rows == 0:
        faults.append("it has no rows")
    if faults:
        raise ValueError(f"{file}: " + "; ".join(faults))
    return columns, *named


def _feature(name: str, column: pa.ChunkedArray, faults: list[str]) -> dict[str, NDArray[np.float64]]:
    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if _is_number(kind):
        numbers = _float64(column)
        with np.errstate(invalid="ignore"):
            return {name: np.where(np.abs(numbers) <= _LARGEST, numbers, np.nan)}
    if _is_text(kind):
        return _one_hot(name, column, faults)
    faults.append(f"column {name!r} holds {_said(kind)}; numbers, booleans and texts are taken: drop=[{name!r}]")
    return {}


def _one_hot(name: str, column: pa.ChunkedArray, faults: list[str]) -> dict[str, NDArray[np.float64]]:
    texts = sorted(text for text in pc.unique(column).to_pylist() if text)
    if _are_decimals(texts):
        faults.append(f"column {name!r} {_DECIMAL_COMMAS.format(texts[0])}")
        return {}
    if len(texts) > MOST_TEXTS:
        faults.append(
            f"column {name!r} has {len(texts):,} different texts, at most {MOST_TEXTS} are taken (one column each): "
            f"drop=[{name!r}]"
        )
        return {}
    return {f"{name}={text}": _float64(pc.fill_null(pc.equal(column, text), False)) for text in texts}


def _numbers(target: str, column: pa.ChunkedArray, faults: list[str]) -> NDArray[np.float64]:
    if not _is_number(column.type):
        remedy = "task='classification' takes it as a class" if _is_category(column.type) else "choose another target"
        faults.append(f"the target {target!r} holds {_said(column.type)}, regression takes numbers: {remedy}")
        return np.empty(0)
    numbers = _float64(column)
    # what float32 cannot hold, no network can answer
    with np.errstate(invalid="ignore"):
        is_known = np.abs(numbers) <= _LARGEST
    _refuse_missing(target, int((~is_known).sum()), len(numbers), faults)
    return numbers


def _classes(
    target: str, column: pa.ChunkedArray, faults: list[str]
) -> tuple[NDArray[np.int64], tuple[str, ...] | None]:
    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    none: tuple[NDArray[np.int64], None] = (np.empty(0, dtype=np.int64), None)
    if _is_text(column.type):
        column = pc.if_else(pc.equal(column, ""), None, column)
    elif not _is_number(column.type):
        faults.append(f"the target {target!r} holds {_said(column.type)}; classes are texts, booleans or numbers")
        return none
    missing = column.null_count + (
        int((~np.isfinite(_float64(column.drop_null()))).sum()) if _is_real(column.type) else 0
    )
    _refuse_missing(target, missing, len(column), faults)
    if missing:
        return none
    names, targets = np.unique(column.to_numpy(), return_inverse=True)
    if _is_text(column.type) and _are_decimals(names):
        faults.append(f"the target {target!r} {_DECIMAL_COMMAS.format(names[0])}")
        return none
    if not 2 <= len(names) <= MOST_CLASSES:
        many = f"the target {target!r} has {len(names):,} different values"
        faults.append(f"{many}; classification takes 2 to {MOST_CLASSES:,}: choose another target or task='regression'")
        return none
    return targets.astype(np.int64), tuple(map(str, names))


def _refuse_missing(target: str, missing: int, rows: int, faults: list[str]) -> None:
    if missing:
        faults.append(
            f"the target {target!r} is missing, infinite or beyond 3.4e38 in {missing:,} of {rows:,} rows: "
            "remove these rows"
        )


def _float64(column: pa.ChunkedArray) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy()
    return numbers


def _is_number(kind: pa.DataType) -> bool:
    # a column without any value has no type: a number that is always missing
    is_exact = types.is_boolean(kind) or types.is_integer(kind) or types.is_decimal(kind) or types.is_null(kind)
    return bool(is_exact or types.is_floating(kind))


def _is_real(kind: pa.DataType) -> bool:
    return bool(types.is_floating(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_category(kind: pa.DataType) -> bool:
    return bool(_is_text(kind) or types.is_boolean(kind))


def _are_decimals(texts: Iterable[str]) -> bool:
    """Tell whether texts are numbers as they are written where a comma separates the decimals."""
    return any("," in text for text in texts) and all(re.fullmatch(r"[-+]?\d+(,\d+)?", text) for text in texts)


def _said(kind: Any) -> str:
    is_time = types.is_temporal(kind)
    return f"dates or times ({kind})" if is_time else "texts" if _is_category(kind) else f"values of type {kind}"
