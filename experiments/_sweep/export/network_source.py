"""A network as Python source that needs torch alone."""

from __future__ import annotations

import inspect
import keyword
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from experiments._sweep.errors import InputError
from experiments._sweep.export.forward import forward_source, renamed, traced
from experiments._sweep.export.layers import is_standalone, written
from experiments._sweep.views.words import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

_WIDTH = 100
"""Characters in a line of values."""

_FILE = '''"""The network whose weights lie in model.safetensors; load.py puts them in."""

{imports}
from torch import nn

{copied}
class Network(nn.Module):
    """{about}"""

{facts}
    def __init__(self):
        super().__init__()
{layers}

{forward}
'''


@dataclass(frozen=True, kw_only=True)
class NetworkSource:
    """A network written down."""

    code: str
    """The content of a file that has the class `Network`."""

    weights: dict[str, torch.Tensor]
    """What its `load_state_dict` takes."""


class _Whole(nn.Module):
    """What has a `forward` to trace where the network is a single layer."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: torch.Tensor) -> Any:
        return self.network(inputs)


def network_source(network: nn.Module, *, about: str, facts: Mapping[str, Any]) -> NetworkSource:
    """The source and the weights of a network.

    Args:
        network: In the mode of evaluation, on the CPU.
        about: The docstring of the class: paragraphs.
        facts: Become attributes of the class: names, and values in JSON.

    Raises:
        InputError: If its `forward` cannot be written down, or a fact has no name for an attribute; says what to do.
    """
    strange = [name for name in facts if not name.isidentifier() or keyword.iskeyword(name) or hasattr(nn.Module, name)]
    if strange:
        raise InputError(
            f"details of a deployed model become attributes; {', '.join(strange)} cannot: choose other names."
        )
    whole = network if written(network) is None else _Whole(network)
    graph = traced(whole)
    layers: list[str] = []
    standalone: dict[type[nn.Module], None] = {}
    weights: dict[str, torch.Tensor] = {}
    for target, name in renamed(graph, facts).items():
        found = _at(whole, target)
        if isinstance(found, nn.Module):
            layers.append(f"self.{name} = {written(found)}")
            weights |= {f"{name}.{key}": value for key, value in found.state_dict().items()}
            standalone |= {type(each): None for each in found.modules() if is_standalone(each)}
        else:
            layers.append(_declared(name, found))
            weights[name] = found.detach()
    if any(_is_channels_last(weight) for weight in weights.values()):
        layers.append("self.to(memory_format=torch.channels_last)")
    forward, imports = forward_source(graph)
    code = _FILE.format(
        imports="\n".join([*imports, "import torch"]),
        copied="".join(f"\n{textwrap.dedent(inspect.getsource(each))}\n" for each in standalone),
        about=_docstring(about),
        facts="".join(f"    {name} = {_literal(value)}\n" for name, value in facts.items()),
        layers=textwrap.indent("\n".join(layers), " " * 8),
        forward=textwrap.indent(forward, " " * 4),
    )
    return NetworkSource(code=code, weights=weights)


def _at(network: nn.Module, target: str) -> Any:
    found: Any = network
    for name in target.split("."):
        found = getattr(found, name)
    return found


def _declared(name: str, tensor: torch.Tensor) -> str:
    shape = ", ".join(map(str, tensor.shape)) or "()"
    dtype = "" if tensor.dtype == torch.float32 else f", dtype={tensor.dtype}"
    zeros = f"torch.zeros({shape}{dtype})"
    if isinstance(tensor, nn.Parameter):
        return f"self.{name} = nn.Parameter({zeros})"
    return f'self.register_buffer("{name}", {zeros})'


def _is_channels_last(weight: torch.Tensor) -> bool:
    if weight.ndim != 4:
        return False
    # by its strides: `is_contiguous` takes images of one channel for both
    usual, channels_last = (
        torch.empty(weight.shape, device="meta", memory_format=each).stride()
        for each in (torch.contiguous_format, torch.channels_last)
    )
    return weight.stride() == channels_last != usual


def _docstring(text: str) -> str:
    first, *others = [textwrap.wrap(clean(paragraph, lines=True), 112) for paragraph in text.split("\n\n")]
    lines = [*first, *(line for paragraph in others for line in ("", *paragraph)), *([""] if others else [])]
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)  # now that none is broken in two
    return "\n".join(f"    {line}".rstrip() for line in escaped).strip() + ("\n    " if others else "")


def _literal(value: Any) -> str:
    """A value of JSON as Python, lists as tuples; long ones with several lines."""
    if not isinstance(value, list):
        return repr(value)
    whole = repr(tuple(value))
    if len(whole) <= _WIDTH:
        return whole
    lines = [""]
    for each in map(repr, value):
        lines[-1:] = (
            [lines[-1], f"{each},"] if len(lines[-1]) + len(each) > _WIDTH else [f"{lines[-1]} {each},".strip()]
        )
    return "(\n" + "".join(f"        {line}\n" for line in lines) + "    )"
