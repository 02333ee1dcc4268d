"""What the options of the command line say, by the names of an experiment's fields."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from experiments._sweep.errors import InputError

if TYPE_CHECKING:
    import argparse

FIELDS = {
    "trials": "num_trials",
    "epochs": "epochs",
    "search": "search",
    "scheduler": "scheduler",
    "seed": "seed",
    "cpus_per_trial": "cpus_per_trial",
    "gpus_per_trial": "gpus_per_trial",
    "target": "target",
    "patience_trials": "patience_trials",
}
"""Option to field of `Experiment`."""

UNITS_S = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def overrides_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """What was given, by field; pins under `set`."""
    given = {field: getattr(arguments, option) for option, field in FIELDS.items()}
    overrides = {field: value for field, value in given.items() if value is not None}
    pins = [pin.partition("=") for pin in arguments.set if not pin_fault(pin)]
    if pins:
        overrides["set"] = {key: _value(text) for key, _, text in pins}
    return overrides


def pin_fault(text: str) -> str:
    """Why `text` is no KEY=VALUE, empty where it is one."""
    key, sign, _ = text.partition("=")
    if sign and all(key.split(".")):
        return ""
    return f"--set takes KEY=VALUE, got {text!r}. For example: --set lr=0.01"


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def seconds(text: str | None) -> float | None:
    """`90`, `90s`, `15m`, `2h` in seconds.

    Raises:
        InputError: If it is none of these.
    """
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if match is None:
        raise InputError(f"--time-limit takes a time such as 90, 90s, 15m or 2h, got {text!r}.")
    return float(match[1]) * UNITS_S[match[2]]
