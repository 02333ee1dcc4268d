"""The packages that a cluster must have: ours, and those that the experiment's files import."""

from __future__ import annotations

import ast
import importlib.util
import sys
from importlib.metadata import Distribution, PackageNotFoundError, packages_distributions
from typing import TYPE_CHECKING

from experiments._sweep.ray_refusals import OURS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

OWN = {
    **{name: name for name in ("ray", "torch", "torchvision", "hyperopt", "tensorboard", "numpy", "scipy")},
    **{name: name for name in ("threadpoolctl", "pandas", "pyarrow", "filelock", "pydantic", "rich", "safetensors")},
    "bayes_opt": "bayesian-optimization",
    "sklearn": "scikit-learn",
    "PIL": "pillow",
}
"""Module to package: what every sweep may need."""


def needed(file: Path | None, *, store: bool) -> dict[str, str]:
    """Module to the requirement that installs it as it is here; empty where no registry has it.

    Args:
        file: The experiment's file, where it does not come with the packages.
        store: Whether the sweep lies in an object store.
    """
    modules = {**OWN, **({"s3fs": "s3fs"} if store else {})}
    found = {module: _requirement(package) or package for module, package in modules.items()}
    packages = packages_distributions()
    for module in () if file is None else imported_by(file):
        if module not in found and importlib.util.find_spec(module) is not None:
            found[module] = next(filter(None, map(_requirement, packages.get(module, ()))), "")
    return dict(sorted(found.items()))


def _requirement(package: str) -> str:
    """`optuna==5.0.0`; empty where it is not here, or was installed from a folder."""
    try:
        there = Distribution.from_name(package)
    except PackageNotFoundError:
        return ""
    if there.read_text("direct_url.json"):
        return ""
    return f"{there.metadata['Name']}=={there.version.partition('+')[0]}"  # `+cu130` is a build, not a version


def imported_by(file: Path) -> list[str]:
    """The modules outside its folder that a file imports, by itself or through others beside it, not Python's own."""
    top = file.parent
    named = (name for each in files_of(file) for name in _names(each, top) if not any(_beside(top, name)))
    return list(dict.fromkeys(name[0] for name in named if name[0] not in {*OURS, *sys.stdlib_module_names}))


def files_of(file: Path) -> list[Path]:
    """A file and what it imports from its own folder, and these in turn."""
    seen: list[Path] = []
    waiting = [file]
    while waiting:
        each = waiting.pop()
        if each not in seen:
            seen.append(each)
            waiting += (other for name in _names(each, file.parent) for other in _beside(file.parent, name))
    return seen


def _names(file: Path, top: Path) -> Iterator[tuple[str, ...]]:
    """The dotted names that a file imports, relative ones from `top` on; those that it can do without are left out."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return
    package = file.parent.relative_to(top).parts
    for node in _running(tree):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            outer = package[: len(package) - node.level + 1] if node.level else ()
            base = (*outer, *(node.module.split(".") if node.module else ()))
            yield from ((*base, alias.name) for alias in node.names)


def _running(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            continue
        if isinstance(child, ast.Try) and any(_forgives(handler) for handler in child.handlers):
            continue
        yield child
        yield from _running(child)


def _forgives(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or "ImportError" in ast.unparse(handler.type) or "NotFound" in ast.unparse(handler.type)


def _beside(top: Path, name: Sequence[str]) -> Iterator[Path]:
    """The file of a module, and of the packages that it lies in."""
    for length in range(1, len(name) + 1):
        place = top.joinpath(*name[:length])
        for file in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
            if file.is_file():
                yield file
