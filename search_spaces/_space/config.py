"""Takes a space apart into constants and ranges, and puts a configuration together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from search_spaces._space.declared import Declared, declared, is_grid
from search_spaces._space.values import plain

Path = tuple[str, ...]


def leaves(space: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, Any, Declared | None]]:
    """Path, value and range (None for a constant) of everything in a space, nested dicts opened, in its own order."""
    for key, value in space.items():
        here = (*path, str(key))
        if isinstance(value, Mapping) and value and not is_grid(value):
            yield from leaves(value, here)
        else:
            yield here, value, declared(value)


def nested(values: Mapping[Path, Any]) -> dict[str, Any]:
    """The dict of dicts that holds each value at its path: `{("a", "b"): 1}` gives `{"a": {"b": 1}}`."""
    config: dict[str, Any] = {}
    for path, value in values.items():
        inner = config
        for key in path[:-1]:
            inner = inner.setdefault(key, {})
        inner[path[-1]] = value
    return config


def constants(space: Mapping[str, Any]) -> dict[str, Any]:
    """The constants of a space, nested as they stand there; fresh, tuples as lists."""
    return nested({path: plain(value) for path, value, range_ in leaves(space) if range_ is None})


def searched(space: Mapping[str, Any]) -> dict[str, Any]:
    """The ranges of a space as `ray.tune` domains, nested as they stand there."""
    return nested({path: value for path, value, range_ in leaves(space) if range_ is not None})


def merge(space: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A whole configuration: the space with `values` in the place of its ranges; fresh, tuples as lists.

    Raises:
        ValueError: A range of the space has no value, or a value no range.
    """
    config: dict[Path, Any] = {}
    left = {path: value for path, value, _ in leaves(values)}
    missing = []
    for path, value, range_ in leaves(space):
        if range_ is None:
            config[path] = plain(value)
            continue
        try:
            config[path] = plain(find(values, path))
        except KeyError:
            missing.append(f"space.{'.'.join(path)}: no value was proposed for it.")
        left = {other: item for other, item in left.items() if other[: len(path)] != path}
    unknown = [f"space.{'.'.join(path)}: a value was proposed, but nothing is searched there." for path in left]
    if missing or unknown:
        raise ValueError("\n".join([*missing, *unknown]))
    return nested(config)


def find(config: Mapping[str, Any], path: Path) -> Any:
    """The value at a path; KeyError where there is none."""
    value: Any = config
    for key in path:
        if not isinstance(value, Mapping):
            raise KeyError(path)
        value = value[key]
    return value
