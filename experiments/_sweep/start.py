"""Where everything comes together: a new sweep is started, an old one resumed.

Order: everything is checked, then the folder is made and leased, then Ray is started, then trials run.
"""

from __future__ import annotations

import contextlib
import json
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.driving import drive
from experiments._sweep.engine.addresses import check_reachable
from experiments._sweep.engine.ray_session import local_slots
from experiments._sweep.errors import InputError
from experiments._sweep.ledger.files import trial_folder
from experiments._sweep.ledger.records import (
    LIMITS,
    SCHEMA,
    SweepOpened,
)
from experiments._sweep.names import new_folder
from experiments._sweep.options import RunOptions, data_folder, preflight
from experiments._sweep.sweep import Sweep
from trainables import CheckpointFolder, Trainable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from experiments._sweep.driving import Outcome
    from experiments._sweep.engine.journal import Observer
    from experiments._sweep.experiment import Experiment
    from experiments._sweep.ledger.history import History
    from experiments._sweep.registry import FoundExperiment


def start_sweep(
    found: FoundExperiment, options: RunOptions, observers: Callable[[Path], Sequence[Observer]] | None = None
) -> Outcome:
    """Runs an experiment as a new sweep.

    Raises:
        InputError: If anything is wrong before anything starts; nothing was written.
        EngineError: If this machine cannot hold a trial; nothing was written.
    """
    faults = preflight(found, options)
    if faults:
        raise InputError(*faults)
    check_resources(found.experiment, options)
    storage = Path(options.storage).expanduser()
    asks = found.experiment.asks()
    folder = _made_folder(storage, options.name, found.name)
    opened = SweepOpened(
        schema=SCHEMA,
        name=folder.name,
        question=found.question,
        source=found.source,
        overrides=found.overrides,
        asks=asks,
        versions=versions(),
        at=time.time(),
    )
    return drive(found, folder.resolve(), options, observers, opened)


def _made_folder(storage: Path, name: str | None, experiment: str) -> Path:
    while True:
        folder = new_folder(storage, name, experiment)
        try:
            storage.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue  # another sweep took the name at this moment: the next number, or the refusal that tells
        except OSError as error:
            raise InputError(
                f"--storage: {folder} cannot be made ({error.strerror}). Give a folder that you may write to."
            ) from error
        return folder


def resume_sweep(
    folder: Path,
    found: FoundExperiment,
    options: RunOptions,
    observers: Callable[[Path], Sequence[Observer]] | None = None,
) -> Outcome:
    """Goes on with the sweep in `folder`; where nothing is left to do, says so by its outcome.

    Raises:
        InputError: If the experiment is not what it was, or something else is wrong.
        SweepInUseError: If another driver is at work on it.
    """
    faults = preflight(found, options)
    history = Sweep(folder).history
    faults += changes(history.sweep.asks, json.loads(json.dumps(found.experiment.asks())))
    faults += [] if faults else changed_data(history, found.experiment, folder, options)
    if faults:
        raise InputError(*faults)
    check_resources(found.experiment, options)
    return drive(found, folder.resolve(), options, observers, None)


def changes(then: dict[str, Any], now: dict[str, Any], inside: str = "") -> list[str]:
    """What is not as it was when the sweep began, a sentence each; limits in the metric may change."""
    found = []
    extendable = () if inside else LIMITS
    for key in sorted({*then, *now} - {*extendable}):
        was, is_now = then.get(key), now.get(key)
        if not inside and isinstance(was, dict) and isinstance(is_now, dict):
            found += changes(was, is_now, f"{key}.")
        elif was != is_now:
            found.append(
                f"{inside}{key} has changed since the sweep began: {_short(was)} then, {_short(is_now)} now. Undo the "
                "change to resume, or start a new sweep."
            )
    return found


def changed_data(history: History, experiment: Experiment, folder: Path, options: RunOptions) -> list[str]:
    """Why trials that have not ended cannot go on: their data have changed since. They stay as they are."""
    trainable, found = experiment.trainable, []
    if isinstance(trainable, Trainable):
        with data_folder(options.data):
            for trial in history.in_state("running", "held", "interrupted"):
                place, known = trial_folder(folder, trial.number), len(trial.epochs) + 1
                checkpoints = CheckpointFolder(place, segment=max(1, len(trial.segments)), until=known)
                found += trainable.cannot_go_on(trial.config, checkpoints)
    return found


def _short(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value)
    return text if len(text) <= 300 else f"{text[:300]} ..."


def check_resources(experiment: Experiment, options: RunOptions) -> None:
    """Refuses what no node can give.

    Raises:
        EngineError: With what a trial needs and what there is.
    """
    if options.here:
        return
    if options.address == "local":
        local_slots(experiment.cpus_per_trial, experiment.gpus_per_trial)
    elif ":" in options.address:
        check_reachable(options.address)


def versions() -> dict[str, str]:
    """What the sweep runs with."""
    found = {"python": platform.python_version()}
    packages = ("raysweeps", "ray", "torch", "torchvision", "hyperopt", "bayesian-optimization", "scikit-learn")
    for package in (*packages, "numpy", "scipy"):
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
