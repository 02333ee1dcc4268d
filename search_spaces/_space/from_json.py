"""A space read back from what a record has of it: `as_json` the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ray import tune

if TYPE_CHECKING:
    from collections.abc import Mapping

_FUNCTIONS = (
    *("uniform", "quniform", "loguniform", "qloguniform", "randn", "qrandn"),
    *("randint", "qrandint", "lograndint", "qlograndint"),
)


def from_json(written: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The space that `as_json` has written, with the same dimensions.

    Of a `sample_from` only its name is known: it stands for a function that cannot be called. A branch with the keys
    "0", "1" ... is read as a list.

    Raises:
        ValueError: If it is not such a record, or was written by a version that knows more ranges.
    """
    space: dict[str, Any] = {}
    for name, item in written.items():
        *outer, last = name.split(".")
        place = space
        for key in outer:
            place = place.setdefault(key, {})
        place[last] = _item(item)
    return {key: _lists(value) for key, value in space.items()}


def _item(item: Any) -> Any:
    """One value of a space: a constant, a range, or an inner value of a branch."""
    if not isinstance(item, dict):
        raise ValueError(f"{item!r} is no part of a space")  # noqa: TRY004 - a record with a fault, not a call
    if len(item) == 1:
        [(function, arguments)] = item.items()
        if function == "constant":
            return arguments
        if isinstance(arguments, list):
            return _range(function, arguments)
    return _lists(from_json(item))


def _range(function: str, arguments: list[Any]) -> Any:
    if function in _FUNCTIONS:
        return getattr(tune, function)(*arguments)
    if function == "grid_search":
        return tune.grid_search(arguments[0])
    if function == "sample_from":
        return tune.sample_from(_not_recorded)
    if function == "choice":
        return tune.choice([_item(option) if _has_ranges(arguments[0]) else option for option in arguments[0]])
    raise ValueError(f"unknown range {function!r}")


def _has_ranges(options: list[Any]) -> bool:
    """Whether these are branches, each written like a space of its own, and not plain values."""
    return all(isinstance(option, dict) for option in options) and any(map(_is_range, options))


def _is_range(item: Any) -> bool:
    """Whether an item that was written is a range, or holds one."""
    if not isinstance(item, dict):
        return False
    if len(item) == 1:
        [(function, arguments)] = item.items()
        if function == "constant":
            return False
        if isinstance(arguments, list):
            return function in (*_FUNCTIONS, "grid_search", "sample_from", "choice")
    return any(map(_is_range, item.values()))


def _lists(value: Any) -> Any:
    """Dicts whose keys are the places of a list, as that list."""
    if not isinstance(value, dict) or not value or set(value) == {"grid_search"}:
        return value
    inner = {key: _lists(each) for key, each in value.items()}
    return [*inner.values()] if [*inner] == [str(place) for place in range(len(inner))] else inner


def _not_recorded(_: Any) -> Any:
    raise TypeError("a record has the name of the function of sample_from, and not the function")
