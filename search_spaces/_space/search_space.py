"""A space to search: draws configurations from it, counts them, and reads a configuration back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any

from ray.tune.search.sample import Categorical

from search_spaces._space.branches import entries, has_branches, is_inner, labels
from search_spaces._space.declared import declared
from search_spaces._space.dimension import Dimension, Path, read_dimension
from search_spaces._space.faults import space_faults
from search_spaces._space.values import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

Values = dict[Path, Any]
"""The searched values of one configuration by the paths of their dimensions; of a branch its number."""


@dataclass(frozen=True, eq=False)
class SearchSpace:
    """A space without faults, and what is required of its configurations.

    Raises:
        ValueError: The space has faults; they are named, one a line.
    """

    space: Mapping[str, Any]
    """Names to constants, `ray.tune` domains and nested dicts of these, as written."""
    require: Callable[[Mapping[str, Any]], bool] | None = None
    """Whether a whole configuration may be tried; None allows all of them."""

    def __post_init__(self) -> None:
        """Looks for faults."""
        if faults := space_faults(self.space):
            raise ValueError("\n".join(faults))

    @cached_property
    def dimensions(self) -> tuple[Dimension, ...]:
        """Everything that is searched, in all branches, in the order written: a choice stands before its branches."""
        return tuple(_walk(self.space, (), "", ()))

    @cached_property
    def size(self) -> int | None:
        """The number of different configurations, before anything is required; None where they cannot be counted."""
        return self._count(self.space, ())

    def active(self, values: Mapping[Path, Any]) -> tuple[Dimension, ...]:
        """The dimensions of a configuration whose choices between branches are as in `values`."""
        return tuple(d for d in self.dimensions if all(values.get(path) == number for path, number in d.when))

    def draw(self, rng: np.random.Generator, given: Mapping[Path, Any] | None = None) -> Values:
        """A configuration with the probabilities of the space, by Tune's own samplers; `given` values are kept.

        What is required of configurations is not looked at.
        """
        values: Values = {}
        for each in self.dimensions:
            if any(values.get(path) != number for path, number in each.when):
                continue
            if given is not None and each.path in given:
                values[each.path] = given[each.path]
            elif each.kind in ("branch", "grid"):
                values[each.path] = each.value_at(int(rng.integers(len(each.categories))))
            else:
                values[each.path] = each.settle(each.domain.sample(random_state=rng))
        return values

    def allowed_draws(
        self, rng: np.random.Generator, given: Sequence[Mapping[Path, Any]] = ({},), *, misses: int = 10_000
    ) -> Iterator[Values]:
        """Draws that `require` allows, each with one of the `given` values; ends after so many misses in a row."""
        missed = 0
        while missed < misses:
            values = self.draw(rng, given[int(rng.integers(len(given)))])
            missed = 0 if (is_allowed := self.allows(values)) else missed + 1
            if is_allowed:
                yield values

    def at(self, index: int) -> Values:
        """Configuration number `index`, from 0 to `size - 1`; the last dimension changes fastest."""
        values: Values = {}
        self._place(self.space, (), index, values)
        return values

    def configuration(self, values: Mapping[Path, Any]) -> dict[str, Any]:
        """The whole configuration, constants included; fresh, tuples as lists.

        Raises:
            KeyError: A dimension that the configuration has is not among the values.
        """
        built: dict[str, Any] = self._build(self.space, (), values)
        return built

    def values_of(self, config: Mapping[str, Any]) -> Values | None:
        """The searched values of a configuration; None where this space does not have it.

        Keys at the top that the space does not have, and constants outside branches, are not looked at. Where several
        branches have the configuration, it is read as the first that would write it in the same way (1 is an integer
        before it is a float).
        """
        values: Values = {}
        return values if self._read(self.space, (), config, values) else None

    def known(self, config: Mapping[str, Any]) -> tuple[Values, str] | None:
        """`values_of` a configuration with their `identity`; None where this space does not have it.

        Kept by the object, which must not change: a searcher asks for those of all earlier trials each time.
        """
        kept = self._kept.get(id(config))
        if kept is None or kept[0] is not config:
            values = self.values_of(config)
            kept = config, None if values is None else (values, self.identity(values))
            self._kept[id(config)] = kept
            if kept[1] is not None:
                self._alike.setdefault(kept[1][1], set()).add(id(config))
        return kept[1]

    def among(self, values: Mapping[Path, Any], configs: Mapping[int, Mapping[str, Any]]) -> bool:
        """Whether one of many configurations, given by their `id`, is that of the values; they are kept as `known`."""
        for new in configs.keys() - self._kept.keys():
            self.known(configs[new])
        return not configs.keys().isdisjoint(self._alike.get(self.identity(values), ()))

    def identity(self, values: Mapping[Path, Any]) -> str:
        """A text that two choices of values share where they are the same configuration."""
        return json.dumps(self.configuration(values), sort_keys=True)

    def allows(self, values: Mapping[Path, Any]) -> bool:
        """Whether the configuration meets what is required of it."""
        return self.require is None or bool(self.require(self.configuration(values)))

    def replaced(self, change: Callable[[Dimension], Any]) -> SearchSpace:
        """The same space with `change(dimension)` in the place of each range that is no choice between branches."""
        return SearchSpace(self._change(self.space, (), change), self.require)

    @cached_property
    def _by_path(self) -> dict[Path, Dimension]:
        return {dimension.path: dimension for dimension in self.dimensions}

    @cached_property
    def _kept(self) -> dict[int, tuple[Mapping[str, Any], tuple[Values, str] | None]]:
        return {}

    @cached_property
    def _alike(self) -> dict[str, set[int]]:
        """Identity to the `id` of each configuration that is kept and has it."""
        return {}

    @cached_property
    def _counts(self) -> dict[Path, int | None]:
        return {}

    def _count(self, item: Any, path: Path) -> int | None:
        """Configurations of one item of the space; kept, since `at` asks for each of them again and again."""
        if path not in self._counts:
            self._counts[path] = self._counted(item, path)
        return self._counts[path]

    def _counted(self, item: Any, path: Path) -> int | None:
        if is_inner(item):
            counts = [self._count(value, (*path, key)) for key, value in entries(item)]
            return None if None in counts else prod(count for count in counts if count is not None)
        if path not in self._by_path:
            return 1
        dimension = self._by_path[path]
        if dimension.kind != "branch":
            return dimension.size
        counts = [self._count(option, (*path, number)) for number, option in enumerate(dimension.domain.categories)]
        return None if None in counts else sum(count for count in counts if count is not None)

    def _place(self, item: Any, path: Path, index: int, values: Values) -> None:
        if is_inner(item):
            for key, value in reversed(entries(item)):
                index, place = divmod(index, self._count(value, (*path, key)) or 1)
                self._place(value, (*path, key), place, values)
        elif path in self._by_path and self._by_path[path].kind != "branch":
            values[path] = self._by_path[path].value_at(index)
        elif path in self._by_path:
            for number, option in enumerate(self._by_path[path].domain.categories):
                count = self._count(option, (*path, number)) or 1
                if index < count:
                    values[path] = number
                    return self._place(option, (*path, number), index, values)
                index -= count
        return None

    def _change(self, item: Any, path: Path, change: Callable[[Dimension], Any]) -> Any:
        if is_inner(item):
            changed = {key: self._change(value, (*path, key), change) for key, value in entries(item)}
            return [*changed.values()] if isinstance(item, list | tuple) else changed
        if path not in self._by_path:
            return item
        dimension = self._by_path[path]
        if dimension.kind != "branch":
            return change(dimension)
        options = dimension.domain.categories
        return Categorical([self._change(option, (*path, n), change) for n, option in enumerate(options)]).uniform()

    def _build(self, item: Any, path: Path, values: Mapping[Path, Any]) -> Any:
        if is_inner(item):
            built = {key: self._build(value, (*path, key), values) for key, value in entries(item)}
            return [*built.values()] if isinstance(item, list | tuple) else built
        if path not in self._by_path:
            return plain(item)
        value = values[path]
        if self._by_path[path].kind != "branch":
            return plain(value)
        return self._build(self._by_path[path].domain.categories[value], (*path, value), values)

    def _read(self, item: Any, path: Path, given: Any, values: Values) -> bool:
        """Reads one item of the space; whether `given` is one of its values. Inside a branch all of it must fit."""
        if is_inner(item):
            return self._fits(item, path, given) and all(
                self._read(value, (*path, key), each, values)
                for (key, value), each in zip(entries(item), _taken(given, item), strict=True)
            )
        if path not in self._by_path:
            return not any(isinstance(key, int) for key in path) or _text(item) == _text(given)
        dimension = self._by_path[path]
        if dimension.kind != "branch":
            values[path] = dimension.settle(given) if (fits := dimension.contains(given)) else None
            return fits
        fitting: list[Values] = []
        for number, option in enumerate(dimension.domain.categories):
            inside: Values = {path: number}
            if self._read(option, (*path, number), given, inside):
                fitting.append(inside)
        if len(fitting) > 1:
            written = _text(given)
            fitting.sort(key=lambda inside: _text(self._build(item, path, inside)) != written)
        values.update(fitting[0] if fitting else {})
        return bool(fitting)

    def _fits(self, item: Any, path: Path, given: Any) -> bool:
        """Whether `given` has what an inner value of the space has; inside a branch, nothing else."""
        if isinstance(item, list | tuple):
            return isinstance(given, list | tuple) and len(given) == len(item)
        if not isinstance(given, Mapping):
            return False
        in_branch = any(isinstance(key, int) for key in path)
        return bool(item.keys() == given.keys() if in_branch else item.keys() <= given.keys())


def _taken(given: Any, item: Any) -> list[Any]:
    """The parts of a configuration in the order of the space's entries."""
    return list(given) if isinstance(item, list | tuple) else [given[key] for key in item]


def _walk(item: Any, path: Path, name: str, when: tuple[tuple[Path, int], ...]) -> Iterator[Dimension]:
    if is_inner(item):
        for key, value in entries(item):
            yield from _walk(value, (*path, key), f"{name}.{key}" if name else key, when)
        return
    range_ = declared(item)
    if range_ is None:
        return
    yield read_dimension(item, range_, path=path, name=name, when=when)
    if has_branches(range_):
        for number, (option, label) in enumerate(zip(range_.categories, labels(range_.categories), strict=True)):
            yield from _walk(option, (*path, number), f"{name}[{label}]", (*when, (path, number)))


def _text(value: Any) -> str:
    return json.dumps(plain(value), sort_keys=True, default=repr)
