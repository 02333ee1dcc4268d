"""The hyperparameters of a sweep as columns of the HParams tab: flat, with their domains, one kind of value in each."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from experiments._sweep.ledger.trial_history import flat
from experiments._sweep.views.words import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from search_spaces import Dimension, SearchSpace

    Kind = Literal["number", "flag", "text"]
    Value = float | bool | str

SWEEP, ENDING = "sweep", "ending"
"""Columns that are no hyperparameters: where several sweeps are shown together, and once trials have ended."""
_MOST_VALUES = 9
"""Numbers that are offered one by one; of more, from where to where."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One hyperparameter."""

    name: str
    kind: Kind
    """`number`, `flag` (true or false) or `text`."""
    values: tuple[Value, ...] = ()
    """All that it can have, empty for a range."""
    lower: float | None = None
    upper: float | None = None
    """Bounds of a range, themselves included; None where there are none."""
    description: str = ""

    def value(self, given: Any) -> Value | None:
        """What a cell of it has; None for what has no place on its axis, such as NaN."""
        if self.kind == "text":
            return text_of(given)
        if self.kind == "flag":
            return given if isinstance(given, bool) else None
        return given if _is_number(given) else None


class Columns:
    """The columns of one sweep, and what each trial has in them."""

    def __init__(self, asks: Mapping[str, Any], configs: Sequence[Mapping[str, Any]] = ()) -> None:
        """Reads the space.

        Args:
            asks: What the sweep asks, as its ledger has it.
            configs: The configurations so far. What lies outside the space, of one that it had before, widens a column;
                of a space that cannot be read they are all that is known.
        """
        self._space = _space(asks.get("space"))
        dimensions = self._space.dimensions if self._space else ()
        described = _described(asks.get("space")) if self._space else {}
        by_name = {each.name: _column(each, described.get(each.name, "")) for each in dimensions}
        seen: dict[str, list[Any]] = {}
        for config in configs:
            for name, value in self._row(config).items():
                seen.setdefault(name, []).append(value)
        if self._space is None:
            by_name = {name: _guessed(name, given) for name, given in seen.items() if _differ(given)}
        self._by_name = {
            name: _guessed(name, seen[name], column.description)
            if column.kind == "number"
            and not column.values
            and column.lower is None
            and name in seen
            and not all(map(_is_number, seen[name]))
            else _widened(column, seen.get(name, ()))
            for name, column in by_name.items()
        }

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """All of them, those that every trial has first."""
        conditional = {each.name for each in self._space.dimensions if each.when} if self._space else set()
        return tuple(sorted(self._by_name.values(), key=lambda column: column.name in conditional))

    def shared(self, columns: Iterable[Column]) -> None:
        """Takes over the columns that several sweeps have together, so that the cells of each are of one kind."""
        self._by_name |= {column.name: column for column in columns}

    def of(self, config: Mapping[str, Any]) -> dict[str, Value]:
        """What a configuration has, by the names of columns; and its constants, which other sweeps may search."""
        cells = {}
        for name, value in self._row(config).items():
            column = self._by_name.get(name) or _guessed(name, [value])
            cell = column.value(value)
            if cell is not None:
                cells[clean(name)] = cell
        return cells

    def _row(self, config: Mapping[str, Any]) -> dict[str, Any]:
        found = self._space.values_of(config) if self._space else None
        row = flat(dict(config))
        if self._space is None or found is None:  # of a space that the sweep had before
            return row
        searched = {each.name: _value(each, found[each.path]) for each in self._space.dimensions if each.path in found}
        return searched | {name: value for name, value in row.items() if not self._is_searched(name)}

    def _is_searched(self, name: str) -> bool:
        """Whether a key of a flat configuration is searched, or a part of it is, or it is a part of what is."""
        return any(
            name == key or name.startswith(f"{key}.") or key.startswith(f"{name}.") for key in self._searched_keys
        )

    @cached_property
    def _searched_keys(self) -> frozenset[str]:
        return frozenset(".".join(each.keys) for each in self._space.dimensions) if self._space else frozenset()


def united(sweeps: Mapping[str, Columns], rows: Mapping[str, Sequence[Mapping[str, Value]]]) -> tuple[Column, ...]:
    """The columns of several sweeps together: what they search, first what most of them do, and what tells them apart.

    Args:
        sweeps: Name of a sweep to its columns.
        rows: Name of a sweep to what its trials have, constants included.
    """
    searched: dict[str, list[Column]] = {}
    for column in (column for columns in sweeps.values() for column in columns.columns):
        searched.setdefault(column.name, []).append(column)
    cells: dict[str, dict[str, list[Value]]] = {}
    for sweep, trials in rows.items():
        for name, value in (cell for row in trials for cell in row.items()):
            cells.setdefault(name, {}).setdefault(sweep, []).append(value)
    constants = {
        name: [values[0] for values in given.values()]
        for name, given in cells.items()
        if name not in searched and not any(map(_differ, given.values()))
    }
    return (
        *(
            _united(searched[name], [value for values in cells.get(name, {}).values() for value in values])
            for name in sorted(searched, key=lambda name: (_is_mixed(searched[name]), -len(searched[name])))
        ),
        *(_guessed(name, values) for name, values in constants.items() if _differ(values)),
    )


def sweeps_column(names: Iterable[str]) -> Column:
    """The column that tells of which sweep a trial is."""
    return Column(name=SWEEP, kind="text", values=tuple(names), description="the sweep")


def endings(found: Iterable[str]) -> Column:
    """The column that tells how trials ended."""
    return Column(name=ENDING, kind="text", values=tuple(sorted(set(found))), description="how the trial ended")


def text_of(value: Any) -> str:
    """A value as a cell of text: words as they are, `None` and `True` as in Python, lists as in JSON."""
    if isinstance(value, str):
        return clean(value)
    return str(value) if value is None or isinstance(value, bool) else clean(json.dumps(value, default=str))


def _space(written: Any) -> SearchSpace | None:
    """The space of a ledger; None for one that this version cannot read."""
    from search_spaces import SearchSpace, from_json

    try:
        return SearchSpace(from_json(written))
    except (ValueError, TypeError, LookupError, AttributeError):  # whatever another version may have written
        return None


def _described(written: Any) -> dict[str, str]:
    from search_spaces import describe, from_json

    return {name: clean(meaning) for name, meaning in describe(from_json(written))}


def _column(dimension: Dimension, description: str) -> Column:
    known: dict[str, Any] = {"name": clean(dimension.name), "description": description}
    if dimension.kind in ("float", "int", "function"):
        return Column(**known, kind="number", lower=dimension.lower, upper=dimension.upper)
    options = dimension.labels if dimension.kind == "branch" else dimension.categories
    return replace(_guessed(known["name"], options), description=description)


def _value(dimension: Dimension, value: Any) -> Any:
    return dimension.labels[value] if dimension.kind == "branch" else value


def _guessed(name: str, seen: Sequence[Any], description: str = "") -> Column:
    """A column for the values that were seen, of which it can have no others."""
    known: dict[str, Any] = {"name": clean(name), "description": description}
    if all(isinstance(value, bool) for value in seen):
        return Column(**known, kind="flag", values=tuple(dict.fromkeys(seen)))
    if all(map(_is_number, seen)):
        if len(set(seen)) > _MOST_VALUES:
            return Column(**known, kind="number", lower=min(seen), upper=max(seen))
        return Column(**known, kind="number", values=tuple(dict.fromkeys(seen)))
    return Column(**known, kind="text", values=tuple(dict.fromkeys(map(text_of, seen))))


def _widened(column: Column, seen: Sequence[Any]) -> Column:
    """The column with room for all of its own kind that was seen."""
    if column.values:
        cells = [cell for cell in map(column.value, seen) if cell is not None]
        return replace(column, values=tuple(dict.fromkeys([*column.values, *cells])))
    if column.lower is None or column.upper is None:
        return column
    numbers = [column.lower, column.upper, *filter(_is_number, seen)]
    return replace(column, lower=min(numbers), upper=max(numbers))


def _united(columns: Sequence[Column], cells: Sequence[Value]) -> Column:
    """One column for what several sweeps call by the same name."""
    first = columns[0]
    if _is_mixed(columns) or not all(first.value(cell) == cell for cell in cells):
        # words here, numbers there: all of it words
        every = [*cells, *(value for column in columns for value in column.values)]
        return Column(name=first.name, kind="text", values=tuple(dict.fromkeys(map(text_of, every))))
    if all(column.values for column in columns):
        values = dict.fromkeys([value for column in columns for value in column.values] + [*cells])
        return replace(first, values=tuple(values))
    given = [*cells, *(each for column in columns for each in (*column.values, column.lower, column.upper))]
    numbers = [float(each) for each in given if each is not None and _is_number(each)]
    return Column(
        name=first.name,
        kind="number",
        lower=min(numbers, default=None),
        upper=max(numbers, default=None),
        description="; ".join(dict.fromkeys(column.description for column in columns if column.description)),
    )


def _is_mixed(columns: Sequence[Column]) -> bool:
    return len({column.kind for column in columns}) > 1


def _differ(values: Sequence[Any]) -> bool:
    return len(set(map(text_of, values))) > 1


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
