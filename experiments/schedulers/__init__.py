"""Which trials go on? One file per scheduler; the file's name is its name on the command line (`--scheduler asha`)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from experiments._sweep.lookup import names_in, value_called

if TYPE_CHECKING:
    from experiments._sweep.policy import Scheduler
    from experiments.schedulers.asha import ASHA
    from experiments.schedulers.fifo import FIFO
    from experiments.schedulers.hyperband import HyperBand
    from experiments.schedulers.median import MedianStopping

__all__ = ["ASHA", "FIFO", "HyperBand", "MedianStopping", "by_name", "names"]

_FILE = {"ASHA": "asha", "FIFO": "fifo", "HyperBand": "hyperband", "MedianStopping": "median"}


def names() -> list[str]:
    """The schedulers' names on the command line, in alphabetical order."""
    return names_in(__path__)


def by_name(name: str) -> Scheduler:
    """The scheduler with this name, in any case of letters, with its default arguments.

    Raises:
        ValueError: There is none; the names there are, and the nearest, are in the message.
    """
    found: Scheduler = value_called(name, package=__name__, folder=__path__, kind="scheduler")
    return found


def __getattr__(name: str) -> Any:
    if name not in _FILE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has: {', '.join(__all__)}")
    return getattr(importlib.import_module(f"{__name__}.{_FILE[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
