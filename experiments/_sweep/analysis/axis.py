"""One searched dimension: its range or its categories, and how people read its values."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_RATIO_OF_A_LOG_SCALE = 100
"""Guessed numbers above 0 that differ by so much are put on one."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One searched dimension."""

    name: str
    """For people: `lr`, `optimizer[adam].lr`; as hostile as any text of the ledger."""
    kind: str
    """`float`, `int`, `choice`, `branch` (a choice between branches), `grid` or `other` (computed)."""
    lower: float | None = None
    """The smallest value that can be drawn, None where there is none, as for choices."""
    upper: float | None = None
    """The largest one, itself included."""
    log: bool = False
    """Whether equal ratios are equally probable."""
    step: float | None = None
    """Values are multiples of it, None for the continuous."""
    mean: float | None = None
    """Of a normal distribution."""
    sd: float | None = None
    """Standard deviation of a normal distribution."""
    categories: tuple[Any, ...] = ()
    """The different values of a choice in the order written; of a branch its labels."""
    probabilities: tuple[float, ...] = ()
    """Of the categories."""
    labels: tuple[str, ...] = ()
    """The categories as texts, no two alike."""
    conditional: bool = False
    """Whether only some configurations have it."""
    read: bool = True
    """Whether it was read from the space; else it was guessed from the values that were seen, bounds included."""

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers on a line, and no categories."""
        return self.kind in ("float", "int")

    def label(self, value: Any) -> str:
        """The text of one of its values: that of the category, or a number in full."""
        number = self._numbers.get(identity(value))
        return text_of(value) if number is None else self.labels[number]

    def number_of(self, value: Any) -> int | None:
        """The number of a category, None where it is none."""
        return self._numbers.get(identity(value))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {identity(category): number for number, category in enumerate(self.categories)}


def text_of(value: Any) -> str:
    """A value as a text: a string as it is, anything else as in JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def from_values(name: str, seen: Sequence[Any], *, conditional: bool) -> Axis | None:
    """An axis that has the values which were seen; None where there are none."""
    if not seen:
        return None
    known: dict[str, Any] = {"name": name, "conditional": conditional, "read": False}
    if all(map(is_number, seen)):
        lower, upper = min(seen), max(seen)
        kind = "int" if all(isinstance(value, int) for value in seen) else "float"
        log = lower > 0 and upper / lower >= _RATIO_OF_A_LOG_SCALE
        return Axis(**known, kind=kind, lower=lower, upper=upper, log=log, step=1 if kind == "int" else None)
    values = tuple({identity(value): value for value in seen}.values())
    share = (1 / len(values),) * len(values)
    return Axis(**known, kind="choice", categories=values, labels=told_apart(values), probabilities=share)


def told_apart(values: Sequence[Any]) -> tuple[str, ...]:
    """The values as texts, no two alike: in quotes where "1" and 1 stand side by side."""
    texts = [text_of(value) for value in values]
    if max(Counter(texts).values(), default=0) > 1:
        texts = [json.dumps(value) for value in values]
    return tuple(texts)


def is_number(value: Any) -> bool:
    """Whether a value is a finite number that a float can hold, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def identity(value: Any) -> str:
    """The same text for the same value: 1, 1.0 and true are three."""
    return json.dumps(value, sort_keys=True, default=repr)
