"""What the options of the command line say, by the names of an experiment's fields."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from experiments._sweep.errors import InputError
from experiments._sweep.redaction import LONG, named_like_a_secret

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from experiments._sweep.options import RunOptions

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
    resources = [given.partition("=") for given in arguments.resource if not resource_fault(given)]
    if resources:
        overrides["resources_per_trial"] = {name: _value(name, text) for name, _, text in resources}
    if pins:
        overrides["set"] = {key: _value(key, text) for key, _, text in pins}
    return overrides


def pin_fault(text: str) -> str:
    """Why `text` is no KEY=VALUE, empty where it is one."""
    key, sign, _ = text.partition("=")
    if sign and all(key.split(".")):
        return ""
    return f"--set takes KEY=VALUE, got {text!r}. For example: --set lr=0.01"


def resource_fault(text: str) -> str:
    """Why `text` is no NAME=X, empty where it is one."""
    name, sign, amount = text.partition("=")
    if sign and name and amount:
        return ""
    return f"--resource takes NAME=X, got {text!r}. For example: --resource big_memory=1"


def _value(key: str, text: str) -> Any:
    if named_like_a_secret(key) and len(text) >= LONG:
        return text  # a key of digits is no number: numbers are recorded
    try:
        return json.loads(text)
    except ValueError:
        return text


def options_from(arguments: argparse.Namespace, unless: Callable[[Callable[[], Any]], Any] | None = None) -> RunOptions:
    """Where and how much, of whatever command: what it has no option for is as it always is.

    Args:
        arguments: What was given.
        unless: Asks for one option's value, and keeps its refusal for later; by default it is raised at once.

    Raises:
        InputError: If a time is none.
    """
    from experiments._sweep.options import KEEP, RunOptions

    ask = unless or (lambda read: read())
    given = vars(arguments)
    keep: Any = given.get("keep")
    stall = ask(lambda: stall_timeout(given.get("stall_timeout")))
    return RunOptions(
        name=given.get("name"),
        storage=arguments.storage,
        concurrent=arguments.concurrent,
        time_limit_s=ask(lambda: seconds(arguments.time_limit)),
        address=arguments.address,
        wait_for_nodes_s=ask(lambda: seconds(given.get("wait_for_nodes"), "--wait-for-nodes")),
        insecure=arguments.insecure,
        install_missing=arguments.install_missing,
        data_dir=arguments.data_dir,
        here=arguments.here,
        stall_timeout_s=stall,
        keep={None: KEEP, "all": None}.get(keep, keep),
        learn_from=tuple(given.get("learn_from") or ()),
    )


def stall_timeout(text: str | None) -> Any:
    """`auto`, None for `none`, or seconds.

    Raises:
        InputError: If it is none of these.
    """
    named = {None: "auto", "auto": "auto", "none": None}
    return named[text] if text in named else seconds(text, "--stall-timeout", "auto, none, or a time")


def seconds(text: str | None, option: str = "--time-limit", takes: str = "a time") -> float | None:
    """`90`, `90s`, `15m`, `2h` in seconds.

    Raises:
        InputError: If it is none of these.
    """
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if match is None:
        raise InputError(f"{option} takes {takes} such as 90, 90s, 15m or 2h, got {text!r}.")
    return float(match[1]) * UNITS_S[match[2]]
