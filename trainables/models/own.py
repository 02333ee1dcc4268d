"""A network of one's own, named as `module:function`: found and called, or checked without running anything."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainables._training.configuration import ConfigurationError, nearest_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from torch import nn


def own_model(spec: str, input_shape: Sequence[int], outputs: int, /, **options: Any) -> nn.Module:
    """Return the network that a function of one's own makes: (rows, *input_shape) -> (rows, outputs).

    Args:
        spec: "module:function", as in "my_networks:wide_net"; the module is imported. The function is called with
            `input_shape` (a tuple) and `outputs` (an int) by position and with the options by name.
        input_shape: Shape of one input: (channels, height, width) of an image.
        outputs: Numbers in one output (logits of the classes).
        options: Whatever else the function takes.

    Raises:
        ConfigurationError: There is no such module or function, it does not take these arguments, or it gives no
            network, one of other outputs or one without weights to train.
    """
    module_name, _, name = spec.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if not f"{module_name}.".startswith(f"{error.name}."):
            raise  # it is there; what it imports is not
        raise ConfigurationError([_no_module(spec)]) from None
    function = getattr(module, name, None)
    if not callable(function):
        raise ConfigurationError([_no_function(spec, vars(module))])
    if fault := _call_fault(function, options):
        raise ConfigurationError([f"model is {spec!r}, {fault}"])
    network = function(tuple(input_shape), outputs, **options)
    _check(spec, network, input_shape, outputs)
    return network  # type: ignore[no-any-return] # checked one line before


def missing_model(spec: str) -> list[str]:
    """Return why there is no such "module:function", as far as its source tells; empty when there seems to be one.

    Nothing is imported, so nothing of the module runs, and torch is not loaded.
    """
    module_name, _, name = spec.partition(":")
    if loaded := sys.modules.get(module_name):
        return [] if callable(getattr(loaded, name, None)) else [_no_function(spec, vars(loaded))]
    found = _find(module_name)
    if found is None:
        return [_no_module(spec)]
    source = Path(found.origin) if found.origin else None
    if source is None or source.suffix != ".py" or not source.is_file():
        return []  # compiled, in an archive, or a folder without code: importing it will tell
    try:
        names = set(_top_level(ast.parse(source.read_bytes(), filename=str(source)).body))
    except SyntaxError as error:
        return [f"model is {spec!r}, but {source}, line {error.lineno}, is not Python ({error.msg}); correct it"]
    return [] if names & {name, "*", "__getattr__"} else [_no_function(spec, names)]


def _call_fault(function: Callable[..., object], options: Mapping[str, object]) -> str | None:
    """Say why a function cannot be called with shape, outputs and options, as far as its signature tells."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # compiled: calling it will tell
        return None
    try:
        signature.bind((), 0, **options)
    except TypeError as error:
        unknown = next((name for name in options if name not in signature.parameters), "")
        near = nearest_name(unknown, signature.parameters)
        offer = f" Did you mean {near!r}?" if near else ""
        called = ", ".join(["input_shape", "outputs", *(f"{name}=..." for name in options)])
        return (
            f"which takes {signature} but is called with ({called}): {error}; give in model_options, by name, "
            f"what it takes beside shape and outputs.{offer}"
        )
    return None


def _check(spec: str, network: object, input_shape: Sequence[int], outputs: int) -> None:
    """Refuse what is not a network, cannot be trained, or does not give (rows, outputs) for two rows of zeros."""
    import torch

    if not isinstance(network, torch.nn.Module):
        given = f"returned an object of type {type(network).__name__}"
        raise ConfigurationError([f"model is {spec!r}, which {given}; let it return a torch.nn.Module"])
    device = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
    was_training = network.training
    network.eval()
    # not inference_mode: lazy layers make their weights now, and weights made in it could not be trained
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        result = network(torch.zeros(2, *input_shape, device=device))
    network.train(was_training)
    shape = tuple(result.shape) if isinstance(result, torch.Tensor) else f"a {type(result).__name__}"
    if shape != (2, outputs):
        given = f"gives {shape} for inputs of shape {(2, *input_shape)}"
        wanted = f"it should be {(2, outputs)}: for each row one number per class"
        raise ConfigurationError(
            [f"model is {spec!r}, which {given}; {wanted}. Let its last layer have `outputs` units"]
        )
    if not any(parameter.requires_grad for parameter in network.parameters()):
        given = "returned a network without a parameter that requires a gradient"
        raise ConfigurationError([f"model is {spec!r}, which {given}; let it have weights to train"])


def _find(module_name: str) -> ModuleSpec | None:
    """Find a module without importing the packages that it lies in, as importlib.util.find_spec would."""
    first, *rest = module_name.split(".")
    try:
        found = importlib.util.find_spec(first)
    except ValueError:  # a module without a spec, such as one made by hand
        return None
    for place in range(len(rest)):
        if found is None or found.submodule_search_locations is None:
            return None
        found = PathFinder.find_spec(".".join([first, *rest[: place + 1]]), list(found.submodule_search_locations))
    return found


def _top_level(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Yield the names that statements bind at the top of a module, those below `if`, `try` and `with` too."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement.name
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in statement.names)
        else:
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node.id
            for child in ast.iter_child_nodes(statement):
                inner = child.body if isinstance(child, ast.ExceptHandler | ast.match_case) else [child]
                yield from _top_level(line for line in inner if isinstance(line, ast.stmt))


def _no_module(spec: str) -> str:
    return (
        f"model is {spec!r}, but Python finds no module {spec.partition(':')[0]!r}; "
        "install it, start in the folder it lies in, or name that folder in PYTHONPATH"
    )


def _no_function(spec: str, names: Iterable[str]) -> str:
    module_name, _, name = spec.partition(":")
    known = sorted(name for name in names if not name.startswith("_"))
    shown = ", ".join([*known[:20], *(["..."] if len(known) > 20 else [])]) or "no public names"
    near = nearest_name(name, known)
    offer = f" Did you mean {near!r}?" if near else ""
    return f"model is {spec!r}, but {module_name} has no function {name!r} (it has {shown}).{offer}"
