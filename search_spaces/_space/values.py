"""Constants and choices: what can be written into the sweep's record, in which form, and how it is shown."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

DEEPEST = 20  # levels of dicts and lists; beyond that a value most likely contains itself


def plain(value: Any) -> Any:
    """A fresh copy in JSON's own types: tuples become lists, numpy's numbers Python's; anything else stays itself."""
    if isinstance(value, str):
        return str.__str__(value)
    if is_number(value):
        return int(value) if isinstance(value, Integral) else float(value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def text(value: Any) -> str:
    """A value as a reader would write it in Python, numbers at their shortest, at most about 80 characters."""
    if is_number(value):
        return number(value)
    if isinstance(value, list | tuple):
        shown = f"[{', '.join(text(item) for item in value)}]"
    elif isinstance(value, Mapping):
        shown = f"{{{', '.join(f'{text(key)}: {text(item)}' for key, item in value.items())}}}"
    else:
        shown = getattr(value, "__qualname__", None) or repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def is_number(value: Any) -> bool:
    """Whether a value is a real number, numpy's included; True and False are not."""
    return isinstance(value, Real) and not isinstance(value, bool)


def is_finite(value: Any) -> bool:
    """Whether a value is a real number that a float can hold."""
    with contextlib.suppress(OverflowError):  # a whole number beyond the largest float
        return is_number(value) and math.isfinite(value)
    return False


def number(value: Any) -> str:
    """A number exactly and short: 0.25, 1e-4, 60000."""
    if isinstance(value, Integral):
        return str(int(value))
    exact = float(value)
    if not math.isfinite(exact) or exact == 0:
        return f"{exact:g}"
    size = abs(exact)
    if 1e-2 <= size < 1e6:
        return f"{exact!r}".removesuffix(".0")
    digits = len(f"{exact!r}".partition("e")[0].strip("-0").replace(".", "").strip("0"))
    mantissa, _, exponent = f"{exact:.{max(digits - 1, 0)}e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def value_faults(where: str, value: Any, *, depth: int = 0) -> list[str]:
    """Why a constant, or one value of a choice, cannot stand in a space; empty when it can."""
    if depth > DEEPEST:
        return [f"{where}: nested more than {DEEPEST} levels deep. Does it contain itself?"]
    if value is None or isinstance(value, bool | str | Integral):
        return []
    if isinstance(value, Real):
        return [] if math.isfinite(value) else [f"{where}: {number(value)} is given where a finite number is needed."]
    if isinstance(value, list | tuple):
        return [
            fault
            for place, item in enumerate(value)
            for fault in value_faults(f"{where}[{place}]", item, depth=depth + 1)
        ]
    if isinstance(value, Mapping):
        wrong = [
            f"{where}: the key {key!r} is not a string. Write it in quotes." for key in value if type(key) is not str
        ]
        return wrong + [
            fault for key, item in value.items() for fault in value_faults(f"{where}.{key}", item, depth=depth + 1)
        ]
    allowed = "which takes numbers, strings, booleans, None, lists and dicts of these"
    return [f"{where}: {_kind(value)} cannot be written into the sweep's record, {allowed}. {_cure(value)}"]


def _kind(value: Any) -> str:
    """What an object is, in the user's words."""
    name = type(value).__name__
    if callable(value) and hasattr(value, "__qualname__"):
        return f"the {'class' if isinstance(value, type) else 'function'} {value.__qualname__.rpartition('.')[2]}"
    known = {"lock": "a thread lock", "RLock": "a thread lock", "Tensor": "a tensor", "ndarray": "an array"}
    return known.get(name, f"an object of type {name}")


def _cure(value: Any) -> str:
    """What to write instead."""
    if isinstance(value, set | frozenset):
        return "Write it as a list."
    if hasattr(value, "__fspath__"):
        return "Write it as a string: str(path)."
    if hasattr(value, "tolist"):
        return "Write a short one as a list with .tolist(); load a long one inside the trainable."
    return "Create it inside the trainable, and give the space a name or number to create it from."
