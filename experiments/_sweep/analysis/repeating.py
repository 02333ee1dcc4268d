"""How to repeat a sweep, and how to train its best configuration again."""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.analysis.answer import Answer, Command, as_sentence, finite, pin
from experiments._sweep.analysis.winning import first_confirmed
from experiments._sweep.views.words import place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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


def repeat(sweep: Sweep, confirmed: Mapping[str, Any] | None = None) -> Answer:
    """The commands that make the sweep, its best trial and its network again, and what they rest on.

    Args:
        sweep: The sweep.
        confirmed: The answer of its newest confirmation: where another trial came first in it, that one is trained and
            exported by commands of its own.
    """
    history, best = sweep.history, sweep.history.best
    experiment = experiment_of(history)
    commands = []
    if experiment:
        again = " ".join([f"sweep run {experiment}", *_options({**history.overrides, **history.limits})])
        commands.append(Command(text=again, gives="runs the whole sweep again"))
    if best is not None:
        commands += _of_trials(sweep, best.number, confirmed)
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
    ways = "by the commands here" if experiment else "in Python, where it was made; its trials by the commands here"
    own = ", and that of each trial is in its configuration" if best is not None and "seed" in best.config else ""
    start = as_sentence(f"{ways}; its seed is {facts['seed']}{own}")
    return Answer(
        question="How is it repeated?", sentence=start, more=tuple(more), facts=finite(facts), commands=tuple(commands)
    )


def _of_trials(sweep: Sweep, best: int, confirmed: Mapping[str, Any] | None) -> Iterator[Command]:
    """What trains and exports the search's winner, and the trial that came first on fresh seeds."""
    where = place(sweep.folder)
    first = (first_confirmed(confirmed) or {}).get("trial")
    others = {} if first in (None, best) else {first: "the trial that is first on fresh seeds"}
    whose = {best: "the search's winner" if others else "the best trial", **others}
    for number, what in whose.items():
        yield Command(text=f"sweep replay {where} {number}", gives=f"trains trial {number} again, {what}")
    for number in whose:
        gives = f"writes the trained model of trial {number} into a folder of its own"
        yield Command(text=f"sweep export {where} --trial {number} --to DIR", gives=gives)
    yield Command(text=f"sweep confirm {where}", gives="trains the leading configurations on other seeds")


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
