"""What is wrong with a space: every fault at once, one sentence or two each, before anything starts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from search_spaces._space.branches import entries, has_branches, is_inner
from search_spaces._space.config import leaves
from search_spaces._space.declared import declared
from search_spaces._space.range_faults import range_faults
from search_spaces._space.values import DEEPEST, plain, text, value_faults

LONGEST_KEY = 100  # characters; keys become names of TensorBoard columns and of files
LARGEST_VALUE = 64 * 1024  # characters of JSON; every trial's record repeats the constants


def space_faults(space: Any) -> list[str]:
    """What must be mended before the space can be searched, each fault with its path; empty when it is sound.

    Takes anything: what is no space at all has a fault that says so.
    """
    if not isinstance(space, Mapping):
        return [f"space: expected a dict of names to values and ranges, got {text(space)}."]
    if _depth(space) > DEEPEST:
        return [f"space: nested more than {DEEPEST} levels deep. Does a dict contain itself?"]
    faults = list(_key_faults(space, "space"))
    anything_searched = False
    for path, value, range_ in leaves(space):
        where = f"space.{'.'.join(path)}"
        found = value_faults(where, value) if range_ is None else range_faults(where, range_)
        faults += found or _size_faults(where, value if range_ is None else range_.categories)
        anything_searched |= range_ is not None
    if not anything_searched:
        faults.append(
            f"space: nothing to search: every value is fixed ({', '.join(map(str, space)) or 'the space is empty'}). "
            "Give at least one of them a range, such as tune.loguniform(1e-4, 1e-1)."
        )
    return faults


def _depth(value: Any, depth: int = 0) -> int:
    """Levels of dicts, counted no further than is needed."""
    if not isinstance(value, Mapping) or depth > DEEPEST:
        return depth
    return max((_depth(item, depth + 1) for item in value.values()), default=depth)


def _key_faults(space: Any, where: str) -> Iterator[str]:
    """Keys that could not be told apart, written to a ledger or shown as a column."""
    for key, value in entries(space):
        if type(key) is not str:
            yield f"{where}: the key {key!r} is not a string. Write it in quotes."
        elif not key:
            yield f"{where}: a key is the empty string. Give it a name."
        elif len(key) > LONGEST_KEY:
            yield (
                f"{where}: the key {key[:20]!r}... has {len(key)} characters; at most {LONGEST_KEY} are allowed. "
                "Shorten it."
            )
        elif not key.isprintable() or "." in key or "/" in key:
            yield (
                f"{where}: the key {key!r} contains {_forbidden(key)!r}; dots, slashes and control characters are "
                "not allowed. Use an underscore, or a nested dict."
            )
        if is_inner(value):
            yield from _key_faults(value, f"{where}.{key}")
        range_ = declared(value)
        if range_ is not None and has_branches(range_):
            for place, option in enumerate(range_.categories):
                if is_inner(option):
                    yield from _key_faults(option, f"{where}.{key}[{place}]")


def _forbidden(key: str) -> str:
    return next(character for character in key if character in "./" or not character.isprintable())


def _size_faults(where: str, value: Any) -> list[str]:
    """Values too large to be repeated in records; `value` has no other fault."""
    if value is None or callable(value):
        return []
    length = len(json.dumps(plain(value), default=str))
    if length <= LARGEST_VALUE:
        return []
    allowed = f"{length} characters as JSON; at most {LARGEST_VALUE} are allowed"
    return [f"{where}: takes {allowed}. Give a name here, and load the value inside the trainable."]
