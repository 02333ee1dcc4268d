"""What the command line changes of an experiment's file."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from experiments._sweep.errors import InputError
from experiments._sweep.ledger.records import LIMITS
from experiments._sweep.names import nearest

if TYPE_CHECKING:
    import argparse

    from experiments._sweep.experiment import Experiment
    from experiments._sweep.registry import FoundExperiment

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

NONE = "none"
"""Takes a limit away."""

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


def overridden(found: FoundExperiment, overrides: dict[str, Any]) -> FoundExperiment:
    """The experiment with the overrides in place.

    Raises:
        InputError: With every fault of the result.
    """
    from experiments import schedulers, searchers

    changes: dict[str, Any] = {field: value for field, value in overrides.items() if field != "set"}
    changes |= {field: None for field in LIMITS if changes.get(field) == NONE}
    faults = []
    for field, folder in (("search", searchers), ("scheduler", schedulers)):
        if field in changes:
            try:
                changes[field] = folder.by_name(changes[field])
            except ValueError as error:
                faults.append(f"--{field}: {error}")
                del changes[field]
    pins = overrides.get("set", {})
    refused = {key: fault for key in pins for fault in _pin_fault(found.experiment, key)}
    faults += refused.values()
    if pins:
        good = {key: value for key, value in pins.items() if key not in refused}
        changes["space"] = _pinned(found.experiment.space, good)
    try:
        experiment = replace(found.experiment, **changes)
    except InputError as error:
        raise InputError(*faults, *(f"{found.where}: {fault}" for fault in error.faults)) from error
    if faults:
        raise InputError(*faults)
    return replace(found, experiment=experiment, overrides=overrides)


def _pin_fault(experiment: Experiment, key: str) -> list[str]:
    config_type = getattr(experiment.trainable, "config_type", None)
    known = [*experiment.space, *(config_type.model_fields if config_type else [])]
    top = key.partition(".")[0]
    if top == "epochs":
        return ["--set epochs: the budget has an option of its own. Use --epochs."]
    if top in known:
        return _depth_fault(experiment.space, key)
    there = ", ".join(dict.fromkeys(known))
    return [f"--set {key}: there is no such hyperparameter (there are {there}).{nearest(top, known)}"]


def _depth_fault(space: Any, key: str) -> list[str]:
    """Why there is nothing below a part of `a.b.c`: only nested dicts have keys of their own."""
    here, path = space, key.split(".")
    for depth, part in enumerate(path[:-1], 1):
        here = here.get(part, {})
        if not isinstance(here, dict) or "grid_search" in here:
            parent = ".".join(path[:depth])
            return [f"--set {key}: {parent} is one value and has nothing inside. Use --set {parent}=VALUE."]
    return []


def _pinned(space: Any, pins: dict[str, Any]) -> dict[str, Any]:
    pinned = dict(space)
    for key, value in pins.items():
        top, _, rest = key.partition(".")
        pinned[top] = _pinned(pinned.get(top, {}), {rest: value}) if rest else value
    return pinned


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
