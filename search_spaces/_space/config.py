"""Takes a space apart into constants and ranges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from search_spaces._space.branches import entries, holds_ranges, is_inner
from search_spaces._space.declared import Declared, declared
from search_spaces._space.values import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

Keys = tuple[str, ...]


def leaves(space: Any, path: Keys = ()) -> Iterator[tuple[Keys, Any, Declared | None]]:
    """Path, value and range (None for a constant) of everything in a space, in its own order; branches stay closed."""
    for key, value in entries(space):
        here = (*path, str(key))
        if is_inner(value):
            yield from leaves(value, here)
        else:
            yield here, value, declared(value)


def constants(space: Mapping[str, Any]) -> dict[str, Any]:
    """The constants of a space, nested as they stand there; fresh, tuples as lists."""
    return {key: plain(value) for key, value in _part(space, with_ranges=False).items()}


def searched(space: Mapping[str, Any]) -> dict[str, Any]:
    """The ranges of a space as `ray.tune` domains, and lists that hold some, nested as they stand there."""
    return _part(space, with_ranges=True)


def _part(space: Mapping[str, Any], *, with_ranges: bool) -> dict[str, Any]:
    part: dict[str, Any] = {}
    for key, value in space.items():
        if isinstance(value, Mapping) and is_inner(value):
            if inner := _part(value, with_ranges=with_ranges):
                part[key] = inner
        elif holds_ranges(value) == with_ranges:
            part[key] = value
    return part
