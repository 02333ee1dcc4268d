"""`sweep list` and `sweep show`: what there is and what it would do."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from experiments._sweep.errors import InputError
from experiments._sweep.importing import ExperimentImportError
from experiments._sweep.registry import find, shipped

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from experiments._sweep.options import RunOptions
    from experiments._sweep.registry import FoundExperiment

T = TypeVar("T")


def list_experiments(arguments: argparse.Namespace) -> int:
    """The experiments of the folder and their questions."""
    listings = shipped()
    if arguments.json:
        print(json.dumps([{"name": each.name, "question": each.question} for each in listings], indent=2))
        return 0
    width = max(len(each.name) for each in listings)
    for each in listings:
        print(f"{each.name:<{width}}  {each.question}")
    return 0


def asked(arguments: argparse.Namespace) -> tuple[FoundExperiment, RunOptions]:
    """The experiment and the options of `show` and `run`, with all faults of both at once.

    Raises:
        InputError: With everything that is wrong.
    """
    from experiments._sweep.command_line.overriding import options_from, overrides_of, pin_fault
    from experiments._sweep.overrides import overridden

    refused: list[InputError] = []
    options = options_from(arguments, lambda read: _unless(refused, read))
    found = _unless(refused, lambda: find(arguments.experiment))
    if found is not None:
        as_written = found
        found = _unless(refused, lambda: overridden(as_written, overrides_of(arguments)))
    pins = [fault for text in arguments.set if (fault := pin_fault(text))]
    if found is None or refused or pins:
        error = next((each for each in refused if isinstance(each, ExperimentImportError)), InputError())
        error.faults = [*(fault for each in refused for fault in each.faults), *pins, *_faults(options, arguments)]
        raise error
    return found, options


def _faults(options: RunOptions, arguments: argparse.Namespace) -> Iterator[str]:
    """What is wrong with the options; the name may be that of a sweep where this is meant."""
    again = getattr(arguments, "resume_if_exists", False)
    return (dataclasses.replace(options, name=None) if again else options).faults()


def _unless(refused: list[InputError], ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except InputError as error:
        refused.append(error)
        return None


def show(arguments: argparse.Namespace) -> int:
    """What would run; everything checked, nothing written."""
    from experiments._sweep.disk import disk_lines, estimated, free_bytes
    from experiments._sweep.engine.ray_session import local_slots
    from experiments._sweep.foreign import adapted
    from experiments._sweep.names import new_folder
    from experiments._sweep.options import preflight

    found, options = asked(arguments)
    faults = preflight(found, options)
    if faults:
        raise InputError(*faults)
    experiment = adapted(found.experiment)
    folder = new_folder(Path(options.storage).expanduser(), options.name, found.name)
    slots = None
    if options.address == "local":
        slots = 1 if options.here else local_slots(experiment.cpus_per_trial, experiment.gpus_per_trial)
        slots = min(slots, options.concurrent or slots)
    takes = estimated(experiment, options)
    if arguments.json:
        disk = {"disk_bytes": takes and takes.most, "disk_free_bytes": free_bytes(folder)}
        plan = {"name": found.name, "question": found.question, **found.experiment.asks(), **_plan(found), **disk}
        print(json.dumps(plan, indent=2))
        return 0
    from experiments._sweep.views.plan import plan_lines

    described = {"name": found.name, "question": found.question, "where": found.where}
    for line in plan_lines(experiment, **described, slots=slots, folder=folder, disk=disk_lines(takes, folder)):
        print(line)
    return 0


def _plan(found: FoundExperiment) -> dict[str, Any]:
    from experiments._sweep.foreign import adapted

    experiment = adapted(found.experiment)
    return {
        "rungs": list(experiment.scheduler.rungs(experiment.epochs)),
        "epochs_at_most": experiment.num_trials * experiment.epochs,
    }
