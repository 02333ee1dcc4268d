"""What a trial reported, read with care: one odd value must not end a sweep."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments._sweep.names import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

METRIC_NAME = re.compile(r"[A-Za-z0-9_./-]{1,100}")
LARGEST_REPORT_BYTES = 64 * 1024


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


def read_metrics(reported: Mapping[str, Any], metric: str) -> Measurement:
    """The result in JSON; numpy numbers and tensors of one element become Python numbers."""
    metrics = {name: _plain(value) for name, value in reported.items()}
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
        kind = type(reported[metric]).__name__
        return Measurement(metrics=metrics, fault=f"metric '{metric}' must be a number, got {value!r} ({kind})")
    return Measurement(metrics=metrics, value=float(value))


def _plain(value: Any) -> Any:
    """`value` as JSON knows it; what is not a number, a text or a list of these becomes its type's name."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if getattr(value, "size", None) == 1 or (hasattr(value, "numel") and value.numel() == 1):
        return _plain(value.item())
    return f"<{type(value).__name__}>"


def _fault(metrics: dict[str, Any]) -> str:
    odd = [name for name in metrics if not METRIC_NAME.fullmatch(name)]
    if odd:
        return f"metric names use 1 to 100 letters, digits and _./-, got {odd[0][:100]!r}"
    size = len(json.dumps(metrics))
    if size > LARGEST_REPORT_BYTES:
        largest = max(metrics, key=lambda name: len(json.dumps(metrics[name])))
        return f"a report may have {LARGEST_REPORT_BYTES} bytes, got {size}; the largest value is '{largest}'"
    return ""
