"""What a trial reported, read with care: one odd value must not end a sweep."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments._sweep.names import nearest

METRIC_NAME = re.compile(r"[A-Za-z0-9_./-]{1,100}")
RECORD = "raysweeps_record"
"""Key under which a trial's process sends a record."""
LARGEST_REPORT_BYTES = 64 * 1024
FEW = 100
"""Metrics that fit into a report whatever their names, where all of them are plain numbers."""
DEEPEST = 20
"""Levels of lists and dicts in a metric; beyond that it most likely contains itself."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """A result in JSON."""

    metrics: dict[str, Any]
    value: float = float("nan")
    """The experiment's metric."""
    fault: str = ""
    """Why the result cannot be used, empty where it can."""
    missing: bool = False
    """Whether the metric was not reported at all."""


def as_told(record: Any) -> dict[str, Any]:
    """A record as it travels to the driver: one text, so that Ray neither reads, flattens nor loses anything of it."""
    return {RECORD: json.dumps(_plain(record))}


def as_reported(result: Mapping[str, Any]) -> Any:
    """The record in a result of Tune's; None where it is not one that `as_told` has sent."""
    return json.loads(result[RECORD]) if RECORD in result else None


def read_metrics(reported: Any, metric: str) -> Measurement:
    """The result in JSON; numpy numbers and tensors of one element become Python numbers."""
    if not isinstance(reported, Mapping):
        return Measurement(metrics={}, fault=f"a record is a dict of metrics by name, got {type(reported).__name__}")
    metrics = _flat({str(name): _plain(value) for name, value in reported.items()})
    fault = _fault(metrics)
    if fault:
        return Measurement(metrics=metrics, fault=fault)
    if metric not in metrics:
        others = ", ".join(sorted(metrics)) or "nothing"
        return Measurement(
            metrics=metrics,
            fault=f"metric '{metric}' was not reported; reported: {others}.{nearest(metric, metrics)}",
            missing=True,
        )
    value = metrics[metric]
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        kind = type(reported.get(metric, value)).__name__
        return Measurement(metrics=metrics, fault=f"metric '{metric}' must be a number, got {value!r} ({kind})")
    return Measurement(metrics=metrics, value=float(value))


def _flat(metrics: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"val": {"loss": 1}}` as `{"val/loss": 1}`, the way Ray hands results on."""
    flat: dict[str, Any] = {}
    for name, value in metrics.items():
        flat |= _flat(value, f"{prefix}{name}/") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


def _plain(value: Any, depth: int = 0) -> Any:
    """`value` as JSON knows it; what is not a number, a text or a list of these becomes its type's name."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float)):
        return _number(value)
    with contextlib.suppress(Exception):  # whatever it is, it must not end the sweep
        if depth < DEEPEST and isinstance(value, (list, tuple)):
            return [_plain(item, depth + 1) for item in value]
        if depth < DEEPEST and isinstance(value, Mapping):
            return {str(key): _plain(item, depth + 1) for key, item in value.items()}
        if getattr(value, "size", None) == 1 or value.numel() == 1:
            return _plain(value.item(), depth + 1)
    return f"<{type(value).__name__}>"


def _number(value: float) -> float:
    """Python's own number; a whole one beyond the largest float is infinite."""
    try:
        as_float = float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    return int(value) if isinstance(value, int) else as_float


def _fault(metrics: dict[str, Any]) -> str:
    odd = [name for name in metrics if not METRIC_NAME.fullmatch(name)]
    if odd:
        return f"metric names use 1 to 100 letters, digits and _./-, got {odd[0][:100]!r}"
    if len(metrics) < FEW and not any(isinstance(value, (str, list)) for value in metrics.values()):
        return ""  # so many names and numbers always fit
    size = len(json.dumps(metrics))
    if size > LARGEST_REPORT_BYTES:
        largest = max(metrics, key=lambda name: len(json.dumps(metrics[name])))
        return f"a report may have {LARGEST_REPORT_BYTES} bytes, got {size}; the largest value is '{largest}'"
    return ""
