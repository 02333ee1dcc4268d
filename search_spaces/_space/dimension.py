"""The searched dimensions of a space, with exact bounds, grids and probabilities."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

from search_spaces._space.config import Path, find, leaves
from search_spaces._space.declared import Declared, integer_bounds
from search_spaces._space.faults import space_faults
from search_spaces._space.values import is_number, plain

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

Kind = Literal["float", "int", "choice", "grid", "function"]


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """One searched value of a space. Its values are those that `domain.sample` gives, with the same probabilities."""

    path: Path
    """Keys from the top of the space."""
    domain: Any
    """The `ray.tune` domain as written; the dict of a `grid_search`."""
    kind: Kind
    """`grid` for `grid_search`, `function` for `sample_from`: neither can be drawn from."""
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

    @property
    def name(self) -> str:
        """The path with dots."""
        return ".".join(self.path)

    @property
    def size(self) -> int | None:
        """How many different values there are, None where they cannot be counted."""
        if self.kind in ("choice", "grid"):
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
            return self.identity(value) in map(self.identity, self.categories)
        if not is_number(value) or not math.isfinite(value):
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

    def find(self, config: Mapping[str, Any]) -> Any:
        """This dimension's value in a configuration; KeyError where it has none."""
        return find(config, self.path)

    def _integers(self) -> int:
        return int((self.upper - self.lower) // self.step) + 1


def dimensions(space: Mapping[str, Any]) -> tuple[Dimension, ...]:
    """What is searched in a space, nested dicts opened, in its own order.

    Raises:
        ValueError: The space has faults; they are named, one a line.
    """
    if faults := space_faults(space):
        raise ValueError("\n".join(faults))
    return tuple(_dimension(path, value, range_) for path, value, range_ in leaves(space) if range_ is not None)


def multiple(index: int, step: float) -> float:
    """`index` times `step` as one would write it: 0.3 for 3 times 0.1, not 0.30000000000000004."""
    return float(Decimal(repr(float(step))) * index)


def _dimension(path: Path, domain: Any, range_: Declared) -> Dimension:
    """The dimension of a range without faults."""
    function, log = range_.function, "log" in range_.function
    if function == "sample_from":
        return Dimension(path=path, domain=domain, kind="function")
    if function in ("choice", "grid_search"):
        values = {json.dumps(value, sort_keys=True): value for value in map(plain, range_.categories)}
        counts = Counter(json.dumps(plain(value), sort_keys=True) for value in range_.categories)
        return Dimension(
            path=path,
            domain=domain,
            kind="choice" if function == "choice" else "grid",
            categories=tuple(values.values()),
            probabilities=tuple(counts[key] / counts.total() for key in values),
        )
    step = None if range_.step is None else plain(range_.step)
    if function.endswith("randn"):
        mean, sd = float(range_.mean), float(range_.sd)
        return Dimension(path=path, domain=domain, kind="float", step=step, mean=mean, sd=sd)
    if function.endswith("randint"):
        step = 1 if step is None else int(step)
        lower, upper = integer_bounds(int(range_.lower), int(range_.upper), step)
        return Dimension(path=path, domain=domain, kind="int", lower=lower, upper=upper, log=log, step=step)
    return Dimension(
        path=path,
        domain=domain,
        kind="float",
        lower=float(range_.lower),
        upper=float(range_.upper),
        log=log,
        step=step,
    )
