"""What is tried next? One file per searcher; the file's name is its name on the command line (`--search hyperopt`)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from experiments._sweep.lookup import names_in, value_called

if TYPE_CHECKING:
    from experiments._sweep.policy import Searcher
    from experiments.searchers._on_ray import BayesOptSearch, HyperOptSearch
    from experiments.searchers.bayesopt import BayesOpt
    from experiments.searchers.grid import Grid
    from experiments.searchers.hyperopt import HyperOpt
    from experiments.searchers.random import Random

__all__ = ["BayesOpt", "BayesOptSearch", "Grid", "HyperOpt", "HyperOptSearch", "Random", "by_name", "names"]

_FILE = {
    "BayesOpt": "bayesopt",
    "BayesOptSearch": "_on_ray",
    "Grid": "grid",
    "HyperOpt": "hyperopt",
    "HyperOptSearch": "_on_ray",
    "Random": "random",
}


def names() -> list[str]:
    """The searchers' names on the command line, in alphabetical order."""
    return names_in(__path__)


def by_name(name: str) -> Searcher:
    """The searcher with this name, in any case of letters, with its default arguments.

    Raises:
        ValueError: There is none; the names there are, and the nearest, are in the message.
    """
    found: Searcher = value_called(name, package=__name__, folder=__path__, kind="searcher")
    return found


def __getattr__(name: str) -> Any:
    if name not in _FILE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has: {', '.join(__all__)}")
    return getattr(importlib.import_module(f"{__name__}.{_FILE[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
