"""A range as it was written: `ray.tune`'s domain objects and grids, read back into function and arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ray.tune.search.sample import Categorical, Domain, Float, Function, Grid, Integer, LogUniform, Normal, Quantized

from search_spaces._space.values import text


@dataclass(frozen=True, kw_only=True)
class Declared:
    """The call that made a range, unchecked: `loguniform(1, 0.001)` is as good as any other here."""

    function: str
    """Name of the function in `ray.tune`; that of the class for a kind of domain that is not known here."""
    lower: Any = None
    upper: Any = None
    step: Any = None
    """The quantum q of the quantised functions."""
    mean: Any = None
    sd: Any = None
    categories: Any = None
    """What `choice` or `grid_search` was given; the function of a `sample_from`."""

    @property
    def arguments(self) -> list[Any]:
        """The arguments in the order of the call."""
        if self.categories is not None:
            return [self.categories]
        bounds = [self.mean, self.sd] if self.function.endswith("randn") else [self.lower, self.upper]
        return bounds if self.step is None else [*bounds, self.step]

    def __str__(self) -> str:
        return f"{self.function}({', '.join(text(argument) for argument in self.arguments)})"


def declared(value: Any) -> Declared | None:
    """The range that a value of a space stands for, None for a constant."""
    if is_grid(value):
        return Declared(function="grid_search", categories=value["grid_search"])
    if not isinstance(value, Domain):
        return None
    sampler, step = value.get_sampler(), None
    if isinstance(sampler, Quantized):
        sampler, step = sampler.get_sampler(), sampler.q
    if isinstance(value, Categorical):
        function = "grid_search" if isinstance(sampler, Grid) else "choice"
        return Declared(function=function, categories=value.categories)
    if isinstance(value, Function):
        return Declared(function="sample_from", categories=value.func)
    if isinstance(value, Float | Integer):
        return _numeric(value, sampler, step)
    return Declared(function=type(value).__name__, categories=value)


def _numeric(value: Any, sampler: Any, step: Any) -> Declared:
    """The range of floats or integers with an inner sampler and, where it is quantised, its quantum."""
    quantised = "" if step is None else "q"
    if isinstance(sampler, Normal):
        bounds = {"lower": value.lower, "upper": value.upper}
        return Declared(function=f"{quantised}randn", mean=sampler.mean, sd=sampler.sd, step=step, **bounds)
    logarithmic = "log" if isinstance(sampler, LogUniform) else ""
    kind = "uniform" if isinstance(value, Float) else "randint"
    return Declared(function=f"{quantised}{logarithmic}{kind}", lower=value.lower, upper=value.upper, step=step)


def is_grid(value: Any) -> bool:
    """Whether a value is what `tune.grid_search` returns: a dict with that one key."""
    return isinstance(value, Mapping) and len(value) == 1 and "grid_search" in value


def integer_bounds(lower: int, upper: int, step: int) -> tuple[int, int]:
    """The smallest and the largest integer that Tune's sampler gives: multiples of `step`, `upper` only if above 1."""
    largest = upper - 1 if step == 1 else upper
    return -(-lower // step) * step, largest // step * step
