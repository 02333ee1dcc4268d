"""Which trials go on? One file per scheduler; the file's name is its name on the command line (`--scheduler asha`)."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments._sweep.policy import Scheduler
    from experiments.schedulers.asha import ASHA
    from experiments.schedulers.fifo import FIFO

__all__ = ["ASHA", "FIFO", "by_name", "names"]

_FILE = {"ASHA": "asha", "FIFO": "fifo"}


def names() -> list[str]:
    """The schedulers' names on the command line, in alphabetical order."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def by_name(name: str) -> Scheduler:
    """The scheduler with this name, in any case of letters, with its default arguments.

    Raises:
        ValueError: There is none; the names there are, and the nearest, are in the message.
    """
    if name.lower() not in names():
        from experiments._sweep.names import nearest

        meant = nearest(name.lower(), names())
        raise ValueError(f"unknown scheduler {name!r}: there are {', '.join(names())}.{meant}")
    module = importlib.import_module(f"{__name__}.{name.lower()}")
    scheduler: Scheduler = getattr(module, module.__all__[0])()
    return scheduler


def __getattr__(name: str) -> Any:
    if name not in _FILE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has: {', '.join(__all__)}")
    return getattr(importlib.import_module(f"{__name__}.{_FILE[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
