"""Configurations with which an experiment is tried out before anything starts: its corners, and random ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from experiments._sweep.experiment import Experiment
    from search_spaces import Dimension, SearchSpace, Values

_DRAWS = 100
"""Random configurations for which a predicate must not raise."""
_MISSES = 10_000
"""Random configurations of which a predicate must allow one: half as many as searchers try before they give up."""


def corner_configurations(experiment: Experiment, space: SearchSpace | None = None) -> Iterator[dict[str, Any]]:
    """Configurations that between them take each searched value's bounds, each category and each branch once.

    Those that `require` does not allow are left out.

    Args:
        experiment: The experiment.
        space: In place of its own, where its `require` cannot be asked.
    """
    space = space or experiment.searched
    changes = [{}, *({d.path: value, **dict(d.when)} for d in space.dimensions for value in extremes(d))]
    seen = []
    for change in changes:
        config = configuration_with(experiment, change, space)
        if config is not None and config not in seen:
            seen.append(config)
            yield config


def configuration_with(
    experiment: Experiment, change: Mapping[Any, Any], space: SearchSpace | None = None
) -> dict[str, Any] | None:
    """The first corner with some searched values changed; None where `require` does not allow it."""
    space = space or experiment.searched
    values: Values = {}
    for each in space.dimensions:
        if all(values.get(path) == number for path, number in each.when):
            values[each.path] = change.get(each.path, extremes(each)[0])
    if not space.allows(values):
        return None
    config = space.configuration(values)
    if "epochs" not in experiment.space and experiment.takes("epochs"):
        config["epochs"] = experiment.epochs if isinstance(experiment.epochs, int) and experiment.epochs > 0 else 1
    return config


def extremes(dimension: Dimension) -> list[Any]:
    """The values at which a dimension is most likely to be wrong: each category, or the bounds."""
    if dimension.categories:
        return list(dimension.categories)
    if dimension.lower is None:
        return [dimension.settle(dimension.mean or 0.0)]
    return [dimension.lower, dimension.upper]


def requirement_faults(space: SearchSpace) -> Iterator[str]:
    """A predicate that raises, or that no random configuration meets."""
    require: Any = space.require  # whatever was given
    if require is None:
        return
    if not callable(require):
        yield f"require must be a function of a configuration that returns True or False, got {require!r}."
        return
    if any(dimension.kind == "function" for dimension in space.dimensions):
        return  # refused elsewhere: nothing can be drawn
    rng = np.random.default_rng(0)
    for _ in range(_DRAWS):
        config = space.configuration(space.draw(rng))
        try:
            answer = require(config)
        except Exception as error:  # noqa: BLE001 - whatever the predicate raises is the fault
            yield f"require raised {type(error).__name__}: {error} for the configuration {config}. Correct it."
            return
        if not isinstance(answer, bool | np.bool_):
            yield f"require must return True or False, got {answer!r} for the configuration {config}."
            return
    if next(space.allowed_draws(rng, misses=_MISSES), None) is None:
        yield f"require allowed none of {_MISSES:,} random configurations. Correct it, or change the ranges."
