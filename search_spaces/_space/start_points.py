"""Start points: configurations, or parts of them, that are tried first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING, Any

from search_spaces._space.branches import entries, is_inner
from search_spaces._space.values import plain, text
from search_spaces._space.words import describe

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from search_spaces._space.dimension import Dimension, Path
    from search_spaces._space.search_space import SearchSpace, Values

_DRAWS = 200  # all of which were tried before: nothing may be left to draw


def start_point_faults(space: SearchSpace, points: Any, rng: np.random.Generator) -> list[str]:
    """What is wrong with start points, each with its place: `start_points[0].lr: 5 is outside ...`.

    With `rng` it is tried whether each can be completed as the space requires.
    """
    if isinstance(points, Mapping) or not isinstance(points, Sequence) or isinstance(points, str):
        return [f"start_points: expected a list of dicts, got {text(points)}. Write [{{'lr': 1e-3}}]."]
    faults = []
    for place, point in enumerate(points):
        where = f"start_points[{place}]"
        if not isinstance(point, Mapping):
            faults.append(f"{where}: expected a dict of names to values, got {text(point)}.")
            continue
        found = _Reader(space).read(space.space, (), point, where)[1]
        faults += found or _requirement_faults(space, point, where, rng)
    return faults


def started(
    space: SearchSpace,
    point: Mapping[str, Any],
    rng: np.random.Generator,
    is_new: Callable[[Values], bool] = lambda _: True,
) -> Values | None:
    """A new configuration with a start point's values, the missing ones drawn from the space; None if none is new.

    Raises:
        ValueError: The start point has faults.
    """
    readings, faults = _Reader(space).read(space.space, (), point, "start point")
    if faults:
        raise ValueError("\n".join(faults))
    completed = None
    for completed in islice(space.allowed_draws(rng, readings), _DRAWS):
        if is_new(completed):
            return completed
    if completed is None:
        raise ValueError(f"start point {text(dict(point))}: no way was found to complete it that `require` allows.")
    return None


def _requirement_faults(
    space: SearchSpace, point: Mapping[str, Any], where: str, rng: np.random.Generator
) -> list[str]:
    try:
        started(space, point, rng)
    except ValueError:
        given = text(dict(point))
        return [f"{where}: {given} is not allowed by `require`, however it is completed. Change it, or remove it."]
    except Exception:  # noqa: BLE001 - a predicate that raises is a fault of its own, named elsewhere
        return []
    return []


class _Reader:
    """Reads a start point against the space; a part of a branch may fit several branches: several readings."""

    def __init__(self, space: SearchSpace) -> None:
        self._dimensions: dict[Path, Dimension] = {dimension.path: dimension for dimension in space.dimensions}
        self._meaning = dict(describe(space.space))

    def read(self, item: Any, path: Path, given: Any, where: str) -> tuple[list[Values], list[str]]:
        """The ways to read `given` as a part of one item of the space, and what is wrong where there is none."""
        if is_inner(item):
            return self._read_inner(item, path, given, where)
        dimension = self._dimensions.get(path)
        if dimension is None:
            fits = plain(given) == plain(item)
            return [{}], [] if fits else [f"{where}: {text(given)} is given where the space has {text(item)}."]
        if dimension.kind == "branch":
            return self._read_branches(dimension, given, where)
        if dimension.kind != "function" and dimension.contains(given):
            return [{path: dimension.settle(given)}], []
        return [{}], [f"{where}: {text(given)} is outside the space: {self._meaning[dimension.name]}."]

    def _read_inner(self, item: Any, path: Path, given: Any, where: str) -> tuple[list[Values], list[str]]:
        if isinstance(item, list | tuple):
            if not isinstance(given, list | tuple) or len(given) != len(item):
                return [{}], [f"{where}: {text(given)} is given where a list of {len(item)} values is needed."]
            given, item = dict(entries(given)), dict(entries(item))
        if not isinstance(given, Mapping):
            return [{}], [f"{where}: {text(given)} is given where a dict of {', '.join(item)} is needed."]
        readings: list[Values] = [{}]
        faults = []
        for key, value in given.items():
            if key not in item:
                near = get_close_matches(str(key), list(item), n=1)
                meant = f" Did you mean {near[0]!r}?" if near else ""
                faults.append(f"{where}: the space has no {key!r}; it has {', '.join(item)}.{meant}")
                continue
            ways, wrong = self.read(item[key], (*path, key), value, f"{where}.{key}")
            faults += wrong
            readings = [{**before, **way} for before in readings for way in ways]
        return readings, faults

    def _read_branches(self, dimension: Dimension, given: Any, where: str) -> tuple[list[Values], list[str]]:
        readings: list[Values] = []
        faults: list[str] = []
        for number, option in enumerate(dimension.domain.categories):
            ways, wrong = self.read(option, (*dimension.path, number), given, where)
            if wrong:
                faults += wrong
            else:
                readings += [{dimension.path: number, **way} for way in ways]
        if readings:
            return readings, []
        reasons = " ".join(faults)
        return [{}], [f"{where}: {text(given)} fits none of the branches. {reasons}"]
