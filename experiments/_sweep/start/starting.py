"""Where everything comes together: a new sweep is started.

Order: everything is checked, then the folder is made and leased, then Ray is started, then trials run.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from experiments._sweep.disk import refuse_too_large
from experiments._sweep.driving import drive
from experiments._sweep.engine.on_ray.entry.addresses import is_http, submitted_fault
from experiments._sweep.engine.on_ray.entry.admission import check_cluster
from experiments._sweep.engine.on_ray.entry.session import local_slots
from experiments._sweep.engine.on_ray.nodes.capacity import resources_of
from experiments._sweep.errors import InputError
from experiments._sweep.ledger.files import LEDGER
from experiments._sweep.ledger.records import SCHEMA, SweepOpened
from experiments._sweep.names import new_folder
from experiments._sweep.options import RunOptions, preflight
from experiments._sweep.start.learning import learned
from experiments._sweep.start.state import State
from experiments._sweep.store.names import leave_name, take_name
from experiments._sweep.store.places import storage_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from experiments._sweep.driving import Outcome
    from experiments._sweep.engine.journal import Observer
    from experiments._sweep.experiment import Experiment
    from experiments._sweep.registry import FoundExperiment


def start_sweep(
    found: FoundExperiment,
    options: RunOptions,
    observers: Callable[[Path], Sequence[Observer]] | None = None,
    *,
    left: Path | None = None,
) -> Outcome:
    """Runs an experiment as a new sweep.

    Args:
        found: The experiment.
        options: Where and how much.
        observers: Makes those who watch.
        left: A folder in which no sweep has begun, to take in place of a new one.

    Raises:
        InputError: If anything is wrong before anything starts; nothing was written.
        EngineError: If this machine cannot hold a trial, or the disk the sweep; nothing was written.
    """
    told = checked(found, options)
    storage = storage_folder(options.storage)
    check_resources(found.experiment, options)
    refuse_too_large(found.experiment, options, storage)
    folder = left or _made_folder(storage, options.name, found.name)
    try:
        return drive(found, folder.resolve(), options, observers, first_line(found, folder, learned=told))
    except OSError:  # the disk is full before the first line
        _unmake(folder)
        raise


def first_line(found: FoundExperiment, folder: Path, **more: Any) -> SweepOpened:
    """What a new sweep's ledger begins with; `more`: what it was told, or what it is made of."""
    state = State.now(found.experiment)
    return SweepOpened(
        schema=SCHEMA,
        name=folder.name,
        question=found.question,
        source=found.source,
        overrides=found.overrides,
        asks=state.asks,
        versions=state.versions,
        code=state.code,
        at=time.time(),
        **more,
    )


def checked(found: FoundExperiment, options: RunOptions) -> list[dict[str, Any]]:
    """Lets a new sweep pass in which nothing is wrong; what it learns from earlier ones, as `learned` tells it.

    Raises:
        InputError: With everything that is wrong.
    """
    told, faults, redactor = [], preflight(found, options), found.experiment.redactor
    try:
        told = learned(found.experiment, options.learn_from, storage_folder(options.storage))
    except InputError as error:
        faults += map(redactor.text, error.faults)
    if faults:
        raise InputError(*dict.fromkeys(faults))
    return [*map(redactor.value, told)]


def _unmake(folder: Path) -> None:
    """Takes away a folder in which no sweep has begun, so that nobody looks for one there."""
    with contextlib.suppress(OSError):
        if not (folder / LEDGER).exists() or not (folder / LEDGER).stat().st_size:
            for name in (LEDGER, "lease.new"):
                (folder / name).unlink(missing_ok=True)
            folder.rmdir()
            leave_name(folder)


def _made_folder(storage: Path, name: str | None, experiment: str) -> Path:
    while True:
        folder = new_folder(storage, name, experiment)
        try:
            storage.mkdir(parents=True, exist_ok=True)
            take_name(folder)
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue  # another sweep took the name at this moment: the next number, or the refusal that tells
        except OSError as error:
            raise InputError(
                f"--storage: {folder} cannot be made ({error.strerror}). Give a folder that you may write to."
            ) from error
        return folder


def check_resources(experiment: Experiment, options: RunOptions) -> None:
    """Refuses what no node can give, and a cluster that cannot be used.

    Raises:
        EngineError: With what a trial needs and what there is; or if nobody answers.
        InputError: If whoever comes is let in, or we are not.
    """
    if options.here:
        return
    if is_http(options.address):
        raise InputError(submitted_fault(options.address))
    if options.address == "local":
        local_slots(resources_of(experiment))
    else:
        check_cluster(options.address, insecure=options.insecure)
