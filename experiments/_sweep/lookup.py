"""A searcher or a scheduler by its name on the command line, which is its file's name: the folder is the registry."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

from experiments._sweep.names import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable


def names_in(folder: Iterable[str]) -> list[str]:
    """The names in a package's folder (its `__path__`), in alphabetical order; nothing is imported."""
    return sorted(module.name for module in pkgutil.iter_modules(folder) if not module.name.startswith("_"))


def value_called(name: str, *, package: str, folder: Iterable[str], kind: str) -> Any:
    """The value with this name, in any case of letters, with its default arguments.

    Args:
        name: As it was given.
        package: The package's dotted name.
        folder: The package's `__path__`.
        kind: `searcher` or `scheduler`, for the message.

    Raises:
        ValueError: There is none; the names there are, and the nearest, are in the message.
    """
    names = names_in(folder)
    if name.lower() not in names:
        raise ValueError(f"unknown {kind} {name!r}: there are {', '.join(names)}.{nearest(name.lower(), names)}")
    module = importlib.import_module(f"{package}.{name.lower()}")
    return getattr(module, module.__all__[0])()
