"""A `forward` as torch.fx has traced it, written down so that it reads like one that was written by hand."""

from __future__ import annotations

import ast
import keyword
import re
from copy import deepcopy
from typing import TYPE_CHECKING

from torch import fx, nn

from experiments._sweep.errors import InputError
from experiments._sweep.export.layers import written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HARMLESS = {"inf": "from math import inf", "nan": "from math import nan", "device": "from torch import device"}
"""What the code that torch.fx writes may name beside `torch`, and where it comes from."""

_WIDTH = 100
"""Characters up to which several steps stand in one line."""

_ELSEWHERE = "or take its checkpoint and its own code to the other machine."


class _Tracer(fx.Tracer):
    """Goes into every module that cannot be written down as one call."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        # asked beforehand: while it traces, even an attribute of a layer is something to be traced
        self._leaves = {id(module) for module in network.modules() if written(module) is not None}

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return id(m) in self._leaves


def traced(network: nn.Module) -> fx.Graph:
    """What the network does with its inputs, step by step, down to layers that `written` writes down.

    Raises:
        InputError: If what it does depends on its inputs.
    """
    try:
        graph = _Tracer(network).trace(network)
    except Exception as error:
        raise InputError(
            f"the network cannot be written down for torch alone: torch.fx cannot follow its forward "
            f"({_one_line(error)}). Write it without `if` and `for` that depend on the inputs, torch.where in their "
            f"place, {_ELSEWHERE}"
        ) from error
    for node in graph.nodes:
        node.type = None
    return graph


def renamed(graph: fx.Graph, taken: Iterable[str] = ()) -> dict[str, str]:
    """Gives the layers and tensors of a graph names without dots, other than those `taken`; the new name of each."""
    names: dict[str, str] = {}
    for node in graph.nodes:
        if node.op in ("call_module", "get_attr") and node.target not in names:
            # what prepares its inputs calls the rest `network`
            name = re.sub(r"\W", "_", re.sub(r"^(network\.)+", "", node.target))
            name = f"layer_{name}" if name[0].isdigit() or keyword.iskeyword(name) else name
            while name in (*names.values(), *taken) or hasattr(nn.Module, name):
                name += "_"
            names[node.target] = name
    for node in graph.nodes:
        node.target = names.get(node.target, node.target) if node.op in ("call_module", "get_attr") else node.target
    return names


def forward_source(graph: fx.Graph) -> tuple[str, list[str]]:
    """The method, and the imports that it needs beside torch.

    Raises:
        InputError: If it calls what torch does not have.
    """
    code = graph.python_code("self")
    function = next(node for node in ast.parse(code.src).body if isinstance(node, ast.FunctionDef))
    attributes = {node.name: node.target for node in graph.nodes if node.op == "get_attr"}
    function.body = _readable(function.body, attributes)
    text = ast.unparse(ast.fix_missing_locations(function))
    used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)} & code.globals.keys()
    strange = sorted(used - {"torch", *_HARMLESS})
    if strange:
        raise InputError(
            f"the network cannot be written down for torch alone: its forward calls {', '.join(strange)}, which torch "
            f"does not have. Write it with functions of torch, {_ELSEWHERE}"
        )
    return text, sorted(_HARMLESS[name] for name in used - {"torch"})


def _readable(body: list[ast.stmt], attributes: Mapping[str, str]) -> list[ast.stmt]:
    """The steps without those that free or only fetch a value, one in the other where the next alone needs it."""
    steps: list[ast.stmt] = []
    uses: dict[str, int] = {}
    for node in (node for statement in body for node in ast.walk(statement)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            uses[node.id] = uses.get(node.id, 0) + 1
    fetched = {name: ast.parse(f"self.{target}", mode="eval").body for name, target in attributes.items()}
    for statement in body:
        name = _assigned(statement)
        if name in fetched or (isinstance(statement, ast.Assign) and _is_none(statement.value)):
            continue
        step = _Replaced(fetched).visit(statement)
        # only the step just before: what changes a value in its place must keep its turn
        if steps and uses.get(before := _assigned(steps[-1]) or "") == 1 and before in _names(step):
            together = _Replaced({before: steps[-1].value}).visit(deepcopy(step))  # type: ignore[attr-defined] # an assignment
            if len(ast.unparse(together)) <= _WIDTH:
                steps[-1] = together
                continue
        steps.append(step)
    return steps


class _Replaced(ast.NodeTransformer):
    """Puts expressions in the place of names."""

    def __init__(self, by: Mapping[str, ast.expr]) -> None:
        self._by = by

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._by.get(node.id, node) if isinstance(node.ctx, ast.Load) else node


def _assigned(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    return None


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _names(statement: ast.stmt) -> set[str]:
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
