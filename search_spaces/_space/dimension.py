"""One searched dimension of a space, with exact bounds, grid and probabilities."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

from search_spaces._space.branches import has_branches, labels
from search_spaces._space.declared import Declared, integer_bounds
from search_spaces._space.values import is_finite, plain

if TYPE_CHECKING:
    from collections.abc import Hashable

Kind = Literal["float", "int", "choice", "branch", "grid", "function"]
Path = tuple[str | int, ...]
"""Keys from the top of a space; where a choice is between branches, the number of the branch stands between them."""


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """One searched value of a space. Its values are those that `domain.sample` gives, with the same probabilities."""

    path: Path
    """Where it stands in the space; no two dimensions share one."""
    name: str
    """For people: the keys with dots, branches in brackets (`optimizer[adam].lr`)."""
    domain: Any
    """The `ray.tune` domain as written; the dict of a `grid_search`."""
    kind: Kind
    """`branch` for a choice of which an option holds ranges of its own: its values are the numbers of the options;
    `grid` for `grid_search`, `function` for `sample_from`: neither can be drawn from."""
    lower: Any = None
    """The smallest value that can be drawn; None where there is none (normal, choices)."""
    upper: Any = None
    """The largest value that can be drawn, itself included: 3 for `randint(0, 4)`."""
    log: bool = False
    """Whether equal ratios are equally probable, rather than equal differences."""
    step: Any = None
    """Values are multiples of it: 1 for integers, q for the quantised, None for the continuous."""
    mean: float | None = None
    """Of a normal distribution."""
    sd: float | None = None
    """Standard deviation of a normal distribution."""
    categories: tuple[Any, ...] = ()
    """The different values of a choice or a grid, in the order written."""
    probabilities: tuple[float, ...] = ()
    """Of the categories; they differ where a choice was written with repeated values."""
    when: tuple[tuple[Path, int], ...] = ()
    """The choices between branches on which it depends: path, and the number that must be chosen; all must hold."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Where its value stands in a configuration: two branches may use the same keys."""
        return tuple(key for key in self.path if isinstance(key, str))

    @property
    def labels(self) -> tuple[str, ...]:
        """How people tell the branches of a `branch` apart, by their numbers; empty for any other kind."""
        return tuple(labels(self.domain.categories)) if self.kind == "branch" else ()

    @property
    def size(self) -> int | None:
        """How many different values there are, None where they cannot be counted."""
        if self.kind in ("choice", "branch", "grid"):
            return len(self.categories)
        if self.step is None or self.lower is None:
            return None
        return round((self.upper - self.lower) / self.step) + 1 if self.kind == "float" else self._integers()

    def value_at(self, index: int) -> Any:
        """Value number `index`, from 0 to `size - 1`, in ascending order."""
        if self.categories:
            return plain(self.categories[index])
        if self.kind == "int":
            return self.lower + index * self.step
        return multiple(round(self.lower / self.step) + index, self.step)

    def number_of(self, value: Any) -> int:
        """The number of a category, as in `value_at`.

        Raises:
            KeyError: It is none of them.
        """
        return self._numbers[self.identity(value)]

    def settle(self, value: Any) -> Any:
        """A number in the dimension's own type, on its grid and inside its bounds; a category as it is."""
        if self.kind not in ("float", "int"):
            return plain(value)
        settled = int(value) if self.kind == "int" else float(value)
        if self.kind == "float" and self.step is not None:
            settled = multiple(round(settled / self.step), self.step)
        return settled if self.lower is None else min(max(settled, self.lower), self.upper)

    def contains(self, value: Any) -> bool:
        """Whether the value can be drawn here."""
        if self.categories:
            return self.identity(value) in self._numbers
        if not is_finite(value):
            return False
        if self.lower is not None and not self.lower <= value <= self.upper:
            return False
        if self.kind == "int":
            return isinstance(value, Integral) and int(value) % self.step == 0
        return self.step is None or math.isclose(self.settle(value), value)

    def identity(self, value: Any) -> Hashable:
        """The same for values that are the same here: 1 and 1.0 in a float range, not in a choice."""
        if self.kind == "float" and isinstance(value, Real):
            return float(value)
        return json.dumps(plain(value), sort_keys=True)

    @cached_property
    def _numbers(self) -> dict[Hashable, int]:
        """Numbers of the categories by identity: a choice may hold hundreds."""
        return {self.identity(category): number for number, category in enumerate(self.categories)}

    def _integers(self) -> int:
        return int((self.upper - self.lower) // self.step) + 1


def multiple(index: int, step: float) -> float:
    """`index` times `step` as one would write it: 0.3 for 3 times 0.1, not 0.30000000000000004."""
    return float(Decimal(repr(float(step))) * index)


def read_dimension(
    domain: Any, range_: Declared, *, path: Path, name: str, when: tuple[tuple[Path, int], ...]
) -> Dimension:
    """The dimension of a range without faults; `range_` is what `domain` declares."""
    known: Any = {"path": path, "name": name, "domain": domain, "when": when}
    function, log = range_.function, "log" in range_.function
    if function == "sample_from":
        return Dimension(**known, kind="function")
    if has_branches(range_):
        count = len(range_.categories)
        return Dimension(**known, kind="branch", categories=tuple(range(count)), probabilities=(1 / count,) * count)
    if function in ("choice", "grid_search"):
        values = {json.dumps(value, sort_keys=True): value for value in map(plain, range_.categories)}
        counts = Counter(json.dumps(plain(value), sort_keys=True) for value in range_.categories)
        return Dimension(
            **known,
            kind="choice" if function == "choice" else "grid",
            categories=tuple(values.values()),
            probabilities=tuple(counts[key] / counts.total() for key in values),
        )
    step = None if range_.step is None else plain(range_.step)
    if function.endswith("randn"):
        mean, sd = float(range_.mean), float(range_.sd)
        return Dimension(**known, kind="float", step=step, mean=mean, sd=sd)
    if function.endswith("randint"):
        step = 1 if step is None else int(step)
        lower, upper = integer_bounds(int(range_.lower), int(range_.upper), step)
        return Dimension(**known, kind="int", lower=lower, upper=upper, log=log, step=step)
    return Dimension(
        **known,
        kind="float",
        lower=float(range_.lower),
        upper=float(range_.upper),
        log=log,
        step=step,
    )
