"""Reads a configuration: all faults at once, in words, with the nearest name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Config = TypeVar("Config", bound=BaseModel)


class ConfigurationError(ValueError):
    """A configuration that a trainable does not take; `faults` has one sentence for each fault."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))

    def __reduce__(self) -> tuple[type[ConfigurationError], tuple[tuple[str, ...]]]:
        return ConfigurationError, (self.faults,)


def configured(trainable: str, config_type: type[Config], config: object) -> Config:
    """Return `config` as an instance of `config_type`.

    Raises:
        ConfigurationError: With every fault, each as one sentence that begins with the trainable's name.
    """
    if isinstance(config, config_type):
        return config
    if not isinstance(config, Mapping):
        fault = f"{trainable}: the configuration is of type {type(config).__name__}; it takes a mapping of its fields"
        raise ConfigurationError([f"{fault} or an instance of {config_type.__name__}"])
    try:
        return config_type.model_validate({name: _plain(value) for name, value in config.items()})
    except ValidationError as error:
        faults = [_sentence(trainable, config_type, config, fault) for fault in error.errors(include_url=False)]
        raise ConfigurationError(dict.fromkeys(faults)) from None


def nearest_name(name: str, names: Iterable[str]) -> str | None:
    """Return the one of `names` that `name` was probably meant to be: alike, or its initials."""
    known = sorted(names)
    alike = difflib.get_close_matches(name.lower(), known, n=1)
    if alike:
        return alike[0]
    for candidate in known:
        if _initials(name) == candidate or _initials(candidate) == name.lower():
            return candidate
    for candidate in known:
        if min(len(name), len(candidate)) > 2 and (candidate in name or name in candidate):
            return candidate
    return None


def _initials(name: str) -> str:
    return "".join(word[0] for word in name.lower().split("_") if word)


def _plain(value: Any) -> Any:
    """Turn the numpy numbers that searchers propose into Python's."""
    is_numpy_number = type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0
    return value.item() if is_numpy_number else value


def _sentence(trainable: str, config_type: type[BaseModel], config: Mapping[str, Any], fault: Mapping[str, Any]) -> str:
    location, kind = fault["loc"], fault["type"]
    fields = config_type.model_fields
    if not location:
        return f"{trainable}: {fault['ctx']['error'] if kind == 'value_error' else fault['msg']}"
    field = str(location[0])
    if kind == "extra_forbidden":
        return f"{trainable} has no {field!r} (it takes {', '.join(sorted(fields))}).{_did_you_mean(field, fields)}"
    described = fields[field].description if field in fields else None
    meaning = f" {' '.join(described.split())}" if described else ""  # a docstring has lines, a fault is one
    if kind == "missing":
        return f"{trainable}: {field!r} is missing; give it a value.{meaning}"
    if len(location) > 1:  # inside a list or a choice of types: pydantic has a fault for each type it tried
        return f"{trainable}: {field!r} is {config[field]!r}, which it does not take.{meaning}"
    given = fault["input"]
    allowed = fault["msg"].replace("Input should", "it should", 1)
    offer = _did_you_mean(given, _choices(fault)) if kind == "literal_error" and isinstance(given, str) else ""
    return f"{trainable}: {field!r} is {given!r}; {allowed}.{offer}{meaning}"


def _choices(fault: Mapping[str, Any]) -> list[str]:
    return [choice.strip(" '") for choice in str(fault["ctx"]["expected"]).replace(" or ", ", ").split(",")]


def _did_you_mean(name: str, names: Iterable[str]) -> str:
    near = nearest_name(name, names)
    return f" Did you mean {near!r}?" if near else ""
