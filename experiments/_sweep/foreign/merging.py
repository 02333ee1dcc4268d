"""A suggestion of searched values, completed with the constants of a space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merged(space: Any, suggested: Any) -> Any:
    """`suggested` with everything that `space` has and it has not, at every depth of dicts; nothing is copied."""
    if not isinstance(space, Mapping) or not isinstance(suggested, Mapping):
        return suggested
    inner = {key: merged(value, suggested[key]) if key in suggested else value for key, value in space.items()}
    return {**suggested, **inner}
