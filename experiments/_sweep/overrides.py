"""What is changed of an experiment's file: by the command line, and again when a sweep is resumed or confirmed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from experiments._sweep.checks.secrets import given_again
from experiments._sweep.errors import InputError
from experiments._sweep.ledger.records import LIMITS
from experiments._sweep.names import nearest

if TYPE_CHECKING:
    from experiments._sweep.experiment import Experiment
    from experiments._sweep.registry import FoundExperiment

NONE = "none"
"""Takes a limit away."""


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
    pins, unknown = given_again(overrides.get("set", {}), found.experiment.space)
    faults += unknown
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


def limited(found: FoundExperiment, limits: dict[str, Any]) -> FoundExperiment:
    """The experiment with limits in place of its own; `overrides` stay what they are.

    Raises:
        InputError: With every fault of the result.
    """
    return replace(overridden(found, limits), overrides=found.overrides)


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
