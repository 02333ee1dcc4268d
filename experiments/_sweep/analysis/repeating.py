"""How to repeat a sweep, and how to train its best configuration again."""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.analysis.answer import Answer, Command, as_sentence, finite, listed, pin
from experiments._sweep.views.words import place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiments._sweep.ledger.history import History
    from experiments._sweep.sweep import Sweep

OPTIONS = {
    "num_trials": "--trials",
    "epochs": "--epochs",
    "search": "--search",
    "scheduler": "--scheduler",
    "seed": "--seed",
    "cpus_per_trial": "--cpus-per-trial",
    "gpus_per_trial": "--gpus-per-trial",
    "target": "--target",
    "patience_trials": "--patience-trials",
}
"""Field of the experiment to the option that changes it."""


def repeat(sweep: Sweep) -> Answer:
    """The commands that make the sweep, its best trial and its network again, and what they rest on."""
    history, best = sweep.history, sweep.history.best
    experiment = experiment_of(history)
    commands = []
    if experiment:
        again = " ".join([f"sweep run {experiment}", *_options({**history.overrides, **history.limits})])
        commands.append(Command(text=again, gives="runs the whole sweep again"))
    if best is not None:
        where = place(sweep.folder)
        commands.append(
            Command(text=f"sweep replay {where} {best.number}", gives="trains the best trial again from its record")
        )
        commands.append(Command(text=f"sweep confirm {where}", gives="trains its configuration on other seeds"))
        commands.append(
            Command(text=f"sweep export {where} --to DIR", gives="writes its network, which needs torch alone")
        )
    code, versions = history.code or {}, history.versions
    facts: dict[str, Any] = {
        "experiment": experiment,
        "overrides": history.overrides,
        "seed": history.asks.get("seed"),
        "versions": versions,
        "code_digest": digest(code),
        "code_files": len(code),
        "require": history.asks.get("require"),
        "start_points": history.asks.get("start_points") or [],
        "hosts": list(dict.fromkeys(driver.host for driver in history.drivers)),
        "began_at": history.drivers[0].at if history.drivers else history.sweep.at,
        "drivers": len(history.drivers),
        "run": commands[0].text if experiment else "",
        "train_best": "" if best is None else f"sweep replay {place(sweep.folder)} {best.number}",
    }
    ran = ", ".join(f"{name} {version}" for name, version in versions.items())
    more = [f"It ran with {ran}."] if ran else []
    if code:
        more.append(
            f"The trainable's code has the digest {digest(code)} ({len(code)} files); a replay says what differs."
        )
    ways = [
        *([f"the best trial by `{facts['train_best']}`"] if facts["train_best"] else []),
        f"the whole sweep by `{facts['run']}`" if experiment else "the whole sweep in Python, where it was made",
    ]
    start = as_sentence(f"{listed(ways)}; its seed is {facts['seed']}, and that of each trial is in its configuration")
    return Answer(
        question="How is it repeated?", sentence=start, more=tuple(more), facts=finite(facts), commands=tuple(commands)
    )


def experiment_of(history: History) -> str:
    """What one types for the experiment; empty where it came from Python."""
    source = history.sweep.source
    if source.get("kind") == "shipped":
        return shlex.quote(source.get("name", ""))
    if source.get("kind") == "file" and source.get("path"):
        return place(Path(source["path"]))
    return ""


def _options(overrides: dict[str, Any]) -> Iterator[str]:
    for field, value in overrides.items():
        if field == "set" and isinstance(value, dict):
            yield from (pin(key, each) for key, each in value.items())
        elif field == "resources_per_trial" and isinstance(value, dict):
            yield from (f"--resource {shlex.quote(f'{name}={amount}')}" for name, amount in value.items())
        elif field in OPTIONS:
            yield f"{OPTIONS[field]} {shlex.quote(str(value))}"


def digest(code: dict[str, str]) -> str:
    """One digest for all files of the trainable; empty where none is known."""
    return hashlib.sha256(json.dumps(code, sort_keys=True).encode()).hexdigest()[:16] if code else ""
