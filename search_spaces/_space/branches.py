"""Choices between branches: options that hold ranges of their own, searched only where the option is chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from search_spaces._space.declared import Declared, declared, is_grid

if TYPE_CHECKING:
    from collections.abc import Sequence


def is_inner(value: Any) -> bool:
    """Whether a value of a space holds values of the space in its turn: a dict, or a list with ranges in it."""
    if isinstance(value, list | tuple):
        return any(map(holds_ranges, value))
    return isinstance(value, Mapping) and bool(value) and not is_grid(value)


def entries(item: Any) -> list[tuple[str, Any]]:
    """What an inner value holds, by key; the places of a list are its keys, from "0"."""
    return (
        [(str(place), each) for place, each in enumerate(item)] if isinstance(item, list | tuple) else [*item.items()]
    )


def holds_ranges(value: Any) -> bool:
    """Whether a value is a range, or a dict or a list with one somewhere inside."""
    return declared(value) is not None or (is_inner(value) and any(holds_ranges(item) for _, item in entries(value)))


def has_branches(range_: Declared) -> bool:
    """Whether a range is a choice of which at least one option holds ranges."""
    options = range_.categories
    return range_.function == "choice" and isinstance(options, list | tuple) and any(map(holds_ranges, options))


def labels(options: Sequence[Any]) -> list[str]:
    """A name for each option, by which people tell them apart.

    The first string in a dict, the key of one with a single entry, or the length of a list, where these are all
    different (`sgd`, `adam`; `1 long`, `2 long`); otherwise the numbers from 0.
    """
    names = [_label(option) for option in options]
    told_apart = all(names) and max(Counter(names).values()) == 1
    return [str(name) for name in names] if told_apart else [str(number) for number in range(len(options))]


def _label(option: Any) -> str | None:
    if isinstance(option, str):
        return option
    if option is None:
        return "None"
    if isinstance(option, list | tuple):
        return f"{len(option)} long"
    if not is_inner(option) or not isinstance(option, Mapping):
        return None
    words = [value for value in option.values() if isinstance(value, str)]
    if not words and len(option) == 1:
        return str(next(iter(option)))
    return words[0] if words else None
