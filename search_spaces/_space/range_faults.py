"""What is wrong with one range, read from the domain object: `ray.tune` itself accepts many that cannot work."""

from __future__ import annotations

import math
from itertools import pairwise
from numbers import Integral
from typing import TYPE_CHECKING, Any

from search_spaces._space.branches import entries, holds_ranges, is_inner
from search_spaces._space.declared import Declared, declared, integer_bounds
from search_spaces._space.values import is_finite, number, text, value_faults

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST_INTEGER = 2**63 - 1  # numpy draws integers of 64 bits


def range_faults(where: str, range_: Declared) -> list[str]:
    """What is wrong with a range; `where` names its place in the space."""
    if range_.function in ("choice", "grid_search"):
        return list(_choice_faults(where, range_))
    if range_.function == "sample_from":
        return []
    if not any(family in range_.function for family in ("uniform", "randint", "randn")):
        known = "tune.uniform, tune.loguniform, tune.randint, tune.choice and their relatives"
        return [f"{where}: {range_.function} is a kind of range that is not known here. Known are {known}."]
    numbers = _number_faults(where, range_)
    if numbers or range_.function.endswith("randn"):
        return numbers
    return [fault for fault in (_order_fault(where, range_), _span_fault(where, range_)) if fault][:1]


def _number_faults(where: str, range_: Declared) -> list[str]:
    """Arguments that are no numbers, or not of the kind that the function needs."""
    normal, integers = range_.function.endswith("randn"), range_.function.endswith("randint")
    names = ("mean", "sd") if normal else ("lower", "upper")
    given = {name: getattr(range_, name) for name in names} | ({} if range_.step is None else {"q": range_.step})
    faults = []
    for name, value in given.items():
        if not is_finite(value):
            wanted = "a finite number"
        elif integers and not isinstance(value, Integral) and not float(value).is_integer():
            wanted = "a whole number"
        elif name in ("q", "sd") and value <= 0:
            wanted = "above 0"
        elif integers and abs(value) > LARGEST_INTEGER:
            wanted = "a number of at most 64 bits"
        else:
            continue
        faults.append(f"{where}: {name} must be {wanted}, got {text(value)} in {range_}.")
    if normal and (range_.lower not in (None, -math.inf) or range_.upper not in (None, math.inf)):
        faults.append(
            f"{where}: a normal distribution with bounds cannot be sampled. Use tune.uniform with the bounds."
        )
    return faults


def _order_fault(where: str, range_: Declared) -> str | None:
    """Bounds that are equal or the wrong way round."""
    lower, upper, function = range_.lower, range_.upper, range_.function
    if "log" in function and lower <= 0:
        return f"{where}: a log scale needs a lower bound above 0, got {range_}. Use a small one, such as 1e-6."
    if lower < upper:
        return None
    step = "" if range_.step is None else f", {number(range_.step)}"
    if lower > upper:
        return (
            f"{where}: the lower bound {number(lower)} is not below the upper bound {number(upper)} in {range_}. "
            f"Swap them: tune.{function}({number(upper)}, {number(lower)}{step})."
        )
    if function.endswith("randint") and range_.step not in (None, 1):
        return None  # q makes the upper bound inclusive, so that equal bounds can hold one value
    return (
        f"{where}: no values to choose from: both bounds of {range_} are {number(lower)}. Write the constant instead."
    )


def _span_fault(where: str, range_: Declared) -> str | None:
    """Bounds between which nothing, or too much, lies."""
    lower, upper = range_.lower, range_.upper
    if not range_.function.endswith("randint"):
        if math.isfinite(float(upper) - float(lower)):
            return None
        return f"{where}: the bounds of {range_} are too far apart for a float. Use tune.loguniform, or smaller bounds."
    step = 1 if range_.step is None else int(range_.step)
    smallest, largest = integer_bounds(int(lower), int(upper), step)
    if smallest <= largest:
        return None
    return (
        f"{where}: no values to choose from: no multiple of {step} lies in {range_}. "
        f"The nearest are {smallest - step} and {smallest}."
    )


def _choice_faults(where: str, range_: Declared) -> Iterator[str]:
    """What is wrong with the values of a choice or a grid."""
    values = range_.categories
    if isinstance(values, str):
        yield f'{where}: expected a list, got the string "{values}". Did you mean ["{values}"]?'
        return
    if not isinstance(values, list | tuple | range):
        yield f"{where}: expected a list of values, got {text(values)}."
        return
    if not values:
        yield f"{where}: no values to choose from: {range_} is empty. List at least one value."
    if _looks_like_a_string(values):
        word = "".join(map(str, values))
        yield (
            f'{where}: expected a list, got the string "{word}". Did you mean ["{word}"]? '
            "(Single characters that are meant as such: list them in ascending order.)"
        )
        return
    for place, value in enumerate(values):
        if range_.function == "grid_search" and holds_ranges(value):
            yield f"{where}[{place}]: grid_search cannot choose between ranges. Use tune.choice for branches."
        else:
            yield from _option_faults(f"{where}[{place}]", value)


def _option_faults(where: str, value: Any) -> Iterator[str]:
    """What is wrong with one value of a choice: a constant, a range, or a branch that holds ranges of its own."""
    range_ = declared(value)
    if range_ is not None:
        yield from range_faults(where, range_)
    elif is_inner(value) and holds_ranges(value):
        for key, item in entries(value):
            yield from _option_faults(f"{where}.{key}", item)
    else:
        yield from value_faults(where, value)


def _looks_like_a_string(values: Any) -> bool:
    """Whether a choice was given a word: Ray makes `["a", "d", "a", "m"]` of `choice("adam")`."""
    if len(values) < 3 or not all(isinstance(value, str) and len(value) == 1 for value in values):
        return False
    return any(first >= second for first, second in pairwise(values))
