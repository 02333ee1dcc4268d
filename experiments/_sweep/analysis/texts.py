"""Texts of a ledger as files and databases take them."""

from __future__ import annotations

from typing import Any


def storable(value: Any) -> Any:
    """A value in which every text can be written as UTF-8: half a character, which JSON can hold, is replaced."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    if isinstance(value, dict):
        return {storable(key): storable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [storable(each) for each in value]
    return value
