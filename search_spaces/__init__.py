"""Where do we look? Named ranges over a configuration's fields, written as ordinary `ray.tune` domains.

Names are imported on first use, so that `import search_spaces` alone loads neither Ray nor anything else.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search_spaces import augmentation, cnn, forest, mlp, optimizers, regularization, resnet, tabular
    from search_spaces._space.config import constants, searched
    from search_spaces._space.dimension import Dimension
    from search_spaces._space.faults import space_faults
    from search_spaces._space.from_json import from_json
    from search_spaces._space.search_space import SearchSpace, Values
    from search_spaces._space.start_points import start_point_faults, started
    from search_spaces._space.words import as_json, describe

__all__ = [
    "Dimension",
    "SearchSpace",
    "Values",
    "as_json",
    "augmentation",
    "cnn",
    "constants",
    "describe",
    "forest",
    "from_json",
    "mlp",
    "optimizers",
    "regularization",
    "resnet",
    "searched",
    "space_faults",
    "start_point_faults",
    "started",
    "tabular",
]

_HOME = {
    "Dimension": "dimension",
    "SearchSpace": "search_space",
    "Values": "search_space",
    "as_json": "words",
    "constants": "config",
    "describe": "words",
    "from_json": "from_json",
    "searched": "config",
    "space_faults": "faults",
    "start_point_faults": "start_points",
    "started": "start_points",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}._space.{_HOME[name]}"), name)
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
