"""What Python and Ray say against an experiment's file, in a sentence with the hyperparameter or the name meant."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.names import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, TracebackType

OURS = ("experiments", "search_spaces", "trainables")


def sentence(path: Path, error: BaseException) -> str:
    """The fault in one sentence; empty where the traceback says it best."""
    return _unknown_option(error) or _missing_option(error) or _unknown_name(error) or _bad_range(path, error)


def _unknown_option(error: BaseException) -> str:
    """A sentence for `ASHA(grace_periood=1)`, empty for every other exception."""
    match = re.match(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'", str(error))
    options = _options(match[1]) if match and isinstance(error, TypeError) else []
    if match is None or not options:
        return ""
    return f"{match[1]} has no option '{match[2]}' (it has {', '.join(options)}).{nearest(match[2], options)}"


def _missing_option(error: BaseException) -> str:
    """A sentence for an `Experiment` without some of what it needs."""
    match = re.match(r"(\w+)\.__init__\(\) missing \d+ required keyword-only arguments?: (.+)", str(error))
    if match is None or not isinstance(error, TypeError) or not _options(match[1]):
        return ""
    return f"{match[1]} needs {match[2]} as well. Give it a value: {match[1]}(..., {match[2].split(chr(39))[1]}=...)."


def _options(kind: str) -> list[str]:
    import experiments

    return list(getattr(getattr(experiments, kind), "__dataclass_fields__", {})) if kind in experiments.__all__ else []


def _unknown_name(error: BaseException) -> str:
    """A sentence for `from trainables import image_clasifier`."""
    match = re.match(r"cannot import name '(\w+)' from '(\w+)'", str(error))
    if match is None or not isinstance(error, ImportError) or match[2] not in OURS:
        return ""
    names = sorted(importlib.import_module(match[2]).__all__)
    return f"{match[2]} has no '{match[1]}'; it has {', '.join(names)}.{nearest(match[1], names)}"


def _bad_range(path: Path, error: BaseException) -> str:
    """A sentence for a range that `ray.tune` itself refuses, with the bounds that it would take."""
    frames = list(_frames(error))
    if not frames or Path(frames[-1].tb_frame.f_code.co_filename).parts[-2:] != ("search", "sample.py"):
        return ""
    written = [each for each in frames if each.tb_frame.f_code.co_filename == str(path)]
    if not written:
        return ""
    call, key = _call_at(path, written[-1])
    where = f"space.{key}" if key else f"line {written[-1].tb_lineno}"
    return f"{where}: {call or 'a range'} cannot be sampled: {_reason(frames[-1].tb_frame, error)}"


def _frames(error: BaseException) -> Iterator[TracebackType]:
    frame = error.__traceback__
    while frame is not None:
        yield frame
        frame = frame.tb_next


def _reason(frame: FrameType, error: BaseException) -> str:
    domain, step = frame.f_locals.get("self"), frame.f_locals.get("q")
    lower, upper = getattr(domain, "lower", None), getattr(domain, "upper", None)
    if frame.f_code.co_name == "__init__" and "categories" in frame.f_locals:
        return "it takes a list of values."
    if not all(_finite(each) for each in (lower, upper, step) if each is not None):  # Ray takes None for infinity
        return f"its bounds{'' if step is None else ' and its step q'} must be finite numbers."
    if frame.f_code.co_name == "loguniform" and lower is not None and lower <= 0:
        return f"a log scale needs a lower bound above 0, got {lower}. Use a small one, such as 1e-6."
    if isinstance(error, ZeroDivisionError):
        return "the step q must be above 0. Use tune.uniform or tune.randint for a range without steps."
    if frame.f_code.co_name == "quantized" and step and None not in (lower, upper):
        low, high = (round(edge / step) * step for edge in (lower, upper))
        return f"both bounds must be multiples of the step {step:g}. The nearest are {low:g} and {high:g}."
    return str(error).partition(" Did you")[0].strip()


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) <= sys.float_info.max  # which NaN is not


def _call_at(path: Path, frame: TracebackType) -> tuple[str, str]:
    """The call that a frame is in, as it is written in the file, and the key that it is the value of."""
    instructions = list(frame.tb_frame.f_code.co_positions())
    line, _, column, _ = instructions[frame.tb_lasti // 2]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        pairs: list[tuple[Any, Any]] = []
        if isinstance(node, ast.Dict):
            pairs = [(getattr(key, "value", ""), value) for key, value in zip(node.keys, node.values, strict=True)]
        elif isinstance(node, ast.keyword):
            pairs = [(node.arg, node.value)]
        for key, value in pairs:
            if isinstance(value, ast.Call) and (value.lineno, value.col_offset) == (line, column):
                return ast.unparse(value), str(key)
    return "", ""
