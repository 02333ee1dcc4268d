"""What a trainable is made of: its files, each with a digest, so that a resumed sweep tells that one has changed.

Of one's own files the syntax tree counts, without docstrings, comments and layout; of the shipped ones every byte,
for they change with the package. Nothing is imported here that the experiment has not imported.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHECKOUT = Path(__file__).resolve().parents[3]
SHIPPED = CHECKOUT / "trainables"
OURS = ("experiments", "search_spaces", "trainables")
_MOST = 200
"""Files of one's own that are looked at: more are a library, not a trainable."""


def code_digest(trainable: Callable[..., Any]) -> dict[str, str]:
    """File to digest: the files that define the trainable, and those that they import from beside them.

    The names are relative to the folder that the imports start from. Empty for a function that stands in no file.
    """
    found: dict[str, str] = {}
    for file in _defining(trainable):
        if file.is_relative_to(SHIPPED):
            found |= {str(each.relative_to(CHECKOUT)): _of_bytes(each) for each in sorted(SHIPPED.rglob("*.py"))}
        else:
            found |= _own(file)
    return dict(sorted(found.items()))


def _defining(trainable: Callable[..., Any]) -> list[Path]:
    """The files of the function that trains and of its configuration's type."""
    function = getattr(trainable, "train", trainable)
    while isinstance(function, functools.partial):
        function = function.func
    function = inspect.unwrap(function)
    function = function if hasattr(function, "__code__") else type(function)  # an object that can be called
    files = [_file_of(each) for each in (function, getattr(trainable, "config_type", None))]
    return list(dict.fromkeys(file for file in files if file is not None))


def _file_of(defined: Any) -> Path | None:
    code = getattr(defined, "__code__", None)
    module = sys.modules.get(getattr(defined, "__module__", None) or "")
    name = code.co_filename if code else getattr(module, "__file__", None)
    path = Path(name or "")
    return path.resolve() if path.suffix == ".py" and path.is_file() else None


def _own(file: Path) -> dict[str, str]:
    """The file and what it imports of its own folder, and these in turn."""
    top = file.parent
    while (top / "__init__.py").is_file() and top.name not in OURS:
        top = top.parent
    package = top / file.relative_to(top).parts[0]
    within = package if package.is_dir() else top
    alone = "site-packages" in top.parts and within == top  # beside it lie libraries
    trees: dict[Path, ast.Module] = {}
    waiting = [file]
    while waiting and len(trees) < _MOST:
        each = waiting.pop()
        tree = None if each in trees else _tree(each)
        if tree is None:
            continue
        trees[each] = tree
        if not alone:
            waiting += [other for other in _imported(tree, each, top) if other.is_relative_to(within)]
    return {path.relative_to(top).as_posix(): _of_tree(tree, path == file) for path, tree in trees.items()}


def _tree(file: Path) -> ast.Module | None:
    try:
        return ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):  # it was changed since it was imported
        return None


def _imported(tree: ast.Module, file: Path, top: Path) -> Iterator[Path]:
    """The files below `top` that a module imports, at the top or within functions."""
    package = file.parent.relative_to(top).parts
    for node in ast.walk(tree):
        names: list[tuple[str, ...]] = []
        if isinstance(node, ast.Import):
            names = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            outer = package[: len(package) - node.level + 1] if node.level else ()
            base = (*outer, *(node.module.split(".") if node.module else ()))
            names = [base, *((*base, alias.name) for alias in node.names)]
        for name in names:
            if name and name[0] not in OURS:
                yield from _files(top, name)


def _files(top: Path, name: tuple[str, ...]) -> Iterator[Path]:
    """The file of a module, and of the packages that it lies in."""
    for length in range(1, len(name) + 1):
        place = top.joinpath(*name[:length])
        for file in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
            if file.is_file():
                yield file.resolve()


def _of_bytes(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def _of_tree(tree: ast.Module, has_experiment: bool) -> str:
    """The digest of a syntax tree; where an experiment may stand in it, without that: the ledger has it by itself."""
    if has_experiment:
        tree.body = [node for node in tree.body if not _is_experiment(node)]
    text = "\0".join(_pieces(tree))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]


def _is_experiment(node: ast.stmt) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)] == ["experiment"]


def _pieces(node: Any) -> Iterator[str]:
    """What a tree says. Empty fields are left out, for later versions of Python have more of them."""
    if isinstance(node, ast.AST):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return  # a docstring
        yield type(node).__name__
        for name in node._fields:
            value = getattr(node, name, None)
            if value is not None and value != [] and not isinstance(value, ast.expr_context):
                yield name
                yield from _pieces(value)
    elif isinstance(node, list):
        yield "["
        for each in node:
            yield from _pieces(each)
        yield "]"
    else:
        yield repr(node)
