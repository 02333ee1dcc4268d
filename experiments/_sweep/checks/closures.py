"""What a trainable from Python carries along: Ray sends it to each process, so it must be picklable, and small."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from ray import cloudpickle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LARGEST_MB = 50
"""What a trainable may carry along; each process gets a copy."""
_KINDS = {
    "lock": "a thread lock",
    "RLock": "a thread lock",
    "TextIOWrapper": "an open file",
    "BufferedReader": "an open file",
    "BufferedWriter": "an open file",
    "FileIO": "an open file",
    "socket": "a socket",
    "generator": "a generator",
    "Tensor": "a tensor",
    "ndarray": "an array",
}


class _TooLargeError(Exception):
    """More than may be carried along."""


class _Counter:
    """A file that keeps nothing but the number of bytes."""

    def __init__(self) -> None:
        self.written = 0

    def write(self, content: Any) -> int:
        size = memoryview(content).nbytes
        self.written += size
        if self.written > LARGEST_MB * 10**6:
            raise _TooLargeError
        return size


def closure_faults(trainable: Callable[..., Any]) -> list[str]:
    """Why Ray cannot send the trainable to its processes, each variable by name; empty where it can."""
    problem = _problem(trainable)
    if problem is None:
        return []
    found = [fault for name, value in _carried(trainable) if (fault := _fault(trainable, name, value))]
    return found or [f"trainable: {_name(trainable)} cannot be sent to the processes of trials: {problem}. {_CURE}"]


_CURE = "Create it inside the trainable, or put the experiment into a file, which each process imports."


def _fault(trainable: Any, name: str, value: Any) -> str:
    problem = _problem(value)
    if problem is None:
        return ""
    kind = _KINDS.get(type(value).__name__, f"of type {type(value).__name__}")
    where = f"trainable: {_name(trainable)} uses '{name}'"
    if problem == _TOO_LARGE:
        return (
            f"{where}, which takes more than {LARGEST_MB} MB, and every process would get a copy of it. Load it inside "
            "the trainable, or put the experiment into a file, which each process imports."
        )
    return f"{where}, {kind}, which cannot be sent to the processes of trials ({problem}). {_CURE}"


_TOO_LARGE = f"it takes more than {LARGEST_MB} MB"


def _problem(value: Any) -> str | None:
    """Why a value cannot be carried along."""
    try:
        cloudpickle.CloudPickler(_Counter()).dump(value)
    except _TooLargeError:
        return _TOO_LARGE
    except Exception as error:  # noqa: BLE001 - a value's own code decides what it raises
        return str(error).partition("\n")[0][:200] or type(error).__name__
    return None


def _carried(value: Any, seen: tuple[int, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Names and values that go with a function, a part of one, or an object that can be called."""
    if id(value) in seen or len(seen) > 20:
        return
    seen = (*seen, id(value))
    if isinstance(value, functools.partial):
        parts = [*((str(n), each) for n, each in enumerate(value.args)), *value.keywords.items(), ("", value.func)]
    elif inspect.isfunction(value):
        variables = inspect.getclosurevars(value)
        defaults = inspect.signature(value).parameters.values()
        given = {each.name: each.default for each in defaults if each.default is not each.empty}
        parts = [*{**variables.globals, **variables.nonlocals, **given}.items()]
    elif inspect.ismethod(value):
        parts = [("self", value.__self__)]
    elif callable(value) and not inspect.isclass(value):
        parts = [*getattr(value, "__dict__", {}).items()]
    else:
        return
    for name, part in parts:
        if _problem(part) is not None:
            inner = list(_carried(part, seen)) if callable(part) else []
            yield from ([pair for pair in inner if _problem(pair[1]) is not None] or [(name, part)])


def _name(trainable: Any) -> str:
    return str(getattr(trainable, "__name__", type(trainable).__name__))
