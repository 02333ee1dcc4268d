"""Layers written down as calls of their classes: `nn.Conv2d(1, 32, kernel_size=3, padding=1, bias=False)`."""

from __future__ import annotations

import inspect
import math
import textwrap
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterator

_EMPTY = inspect.Parameter.empty


def is_standalone(module: nn.Module) -> bool:
    """Whether its class says that its source needs torch alone, so that it can be copied."""
    return bool(getattr(type(module), "standalone", False))


def written(module: nn.Module) -> str | None:
    """The expression that makes a layer like this one, None where there is none that is sure to.

    Args:
        module: Of torch.nn, a `nn.Sequential` of such, or of a class that `is_standalone`.
    """
    if type(module) is nn.Sequential:
        return _written_sequence(module)
    if is_standalone(module):
        name = type(module).__name__
    elif getattr(nn, type(module).__name__, None) is type(module):
        name = f"nn.{type(module).__name__}"
    else:
        return None
    for shortened in (True, False):
        arguments = _arguments(module, shortened)
        if arguments is not None and _makes(module, *arguments):
            positional, named = arguments
            texts = [*map(repr, positional), *(f"{key}={value!r}" for key, value in named.items())]
            return f"{name}({', '.join(texts)})"
    return None


def _written_sequence(module: nn.Sequential) -> str | None:
    if list(dict(module.named_children())) != [str(place) for place in range(len(module))]:
        return None  # its layers have names, which the call would not give them; or one layer has two places
    layers = [written(layer) for layer in module]
    lines = [f"{layer},\n" for layer in layers if layer is not None]
    return None if len(lines) < len(layers) else f"nn.Sequential(\n{textwrap.indent(''.join(lines), '    ')})"


def _arguments(module: nn.Module, shortened: bool) -> tuple[list[Any], dict[str, Any]] | None:
    """The arguments that its attributes of the same names tell, without those at their default."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for name, parameter in inspect.signature(type(module)).parameters.items():
        if name in ("device", "dtype") or name.startswith("_"):
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            return None
        value = getattr(module, name, _EMPTY)
        if name == "bias":
            value = value is not None and value is not False
        if isinstance(value, tuple | list):
            value = tuple(value)
            if shortened and len(set(value)) == 1:
                value = value[0]
        if value is _EMPTY and parameter.default is not _EMPTY:
            continue  # what it does not keep should be at its default; `_makes` sees whether it is
        if not _is_plain(value):
            return None
        if parameter.default is _EMPTY and not named and parameter.kind is not parameter.KEYWORD_ONLY:
            positional.append(value)
        elif value != parameter.default or type(value) is not type(parameter.default):
            named[name] = value
    return positional, named


def _makes(module: nn.Module, positional: list[Any], named: dict[str, Any]) -> bool:
    """Whether the arguments make a layer that is like this one in everything but its numbers."""
    try:
        with torch.device("meta"):
            twin = type(module)(*positional, **named)
    except (TypeError, ValueError, RuntimeError):
        return False
    return list(_nature(twin)) == list(_nature(module))


def _nature(module: nn.Module) -> Iterator[tuple[str, Any]]:
    """What makes a layer what it is: its kind, its settings, and shape and type of its weights."""
    for name, each in module.named_modules():
        yield name, type(each)
        settings = {key: value for key, value in vars(each).items() if _is_plain(value) and key != "training"}
        yield name, sorted((key, repr(value)) for key, value in settings.items())
        yield name, [len(hooks) for hooks in (each._forward_hooks, each._forward_pre_hooks)]  # noqa: SLF001 - no public way
    for name, tensor in module.state_dict().items():
        yield name, (tuple(tensor.shape), tensor.dtype)


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))
