"""`sweep list` and `sweep show`: what there is and what it would do."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any, TypeVar

from experiments._sweep.errors import InputError
from experiments._sweep.importing import ExperimentImportError
from experiments._sweep.registry import find, shipped
from experiments._sweep.store.places import storage_folder

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from experiments._sweep.experiment import Experiment
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
    from experiments._sweep.command_line.overriding import options_from, overrides_of, pin_fault, resource_fault
    from experiments._sweep.overrides import overridden

    refused: list[InputError] = []
    options = options_from(arguments, lambda read: unless(refused, read))
    found = unless(refused, lambda: find(arguments.experiment))
    if found is not None:
        as_written = found
        found = unless(refused, lambda: overridden(as_written, overrides_of(arguments)))
    faults = [
        *(fault for text in arguments.set if (fault := pin_fault(text))),
        *(fault for text in arguments.resource if (fault := resource_fault(text))),
        *_needless(arguments),
    ]
    if found is None or refused or faults:
        error = next((each for each in refused if isinstance(each, ExperimentImportError)), InputError())
        error.faults = [*(fault for each in refused for fault in each.faults), *faults, *_faults(options, arguments)]
        raise error
    return found, options


def _faults(options: RunOptions, arguments: argparse.Namespace) -> Iterator[str]:
    """What is wrong with the options; the name may be that of a sweep where this is meant."""
    again = getattr(arguments, "resume_if_exists", False)
    return (dataclasses.replace(options, name=None) if again else options).faults()


def _needless(arguments: argparse.Namespace) -> Iterator[str]:
    """`--yes` and `--trust` where there is no sweep that they could be about."""
    if not getattr(arguments, "resume_if_exists", True):
        for option in ("yes", "trust"):
            if getattr(arguments, option):
                yield (
                    f"--{option} is about a sweep that is there already, and this begins a new one. Leave it out, or "
                    "go on with the one that there is: --resume-if-exists."
                )


def unless(refused: list[InputError], ask: Callable[[], T]) -> T | None:
    """What `ask` gives; where it refuses, None, and the refusal is kept for later."""
    try:
        return ask()
    except InputError as error:
        refused.append(error)
        return None


def show(arguments: argparse.Namespace) -> int:
    """What would run; everything checked, nothing written."""
    from experiments._sweep.disk import disk_lines, estimated, free_bytes
    from experiments._sweep.engine.on_ray.entry.session import local_slots
    from experiments._sweep.engine.on_ray.nodes.capacity import resources_of
    from experiments._sweep.foreign import adapted
    from experiments._sweep.names import new_folder
    from experiments._sweep.start.starting import checked
    from experiments._sweep.views.words import clean, learned_in_words

    found, options = asked(arguments)
    learned = checked(found, options)
    experiment = adapted(found.experiment)
    folder = new_folder(storage_folder(options.storage), options.name, found.name)
    slots = None
    if options.address == "local":
        slots = 1 if options.here else local_slots(resources_of(experiment))
        slots = min(slots, options.concurrent or slots)
    takes = estimated(experiment, options)
    if arguments.json:
        asks = {"name": found.name, "question": found.question, **found.experiment.asks()}
        disk = {"disk_bytes": takes and takes.most, "disk_free_bytes": free_bytes(folder)}
        print(json.dumps({**asks, **_plan(experiment, learned), **disk}, indent=2))
        return 0
    from experiments._sweep.views.plan import plan_lines

    described = {"name": found.name, "question": found.question, "where": found.where}
    told, disk_use = [learned_in_words(each) for each in learned], disk_lines(takes, folder)
    for line in plan_lines(experiment, **described, slots=slots, folder=folder, learned=told, disk=disk_use):
        print(clean(line))
    return 0


def _plan(experiment: Experiment, learned: list[dict[str, Any]]) -> dict[str, Any]:
    """What follows from what is asked; of the earlier sweeps, the numbers of the trials that fit and do not."""
    return {
        "rungs": list(experiment.scheduler.rungs(experiment.epochs)),
        "epochs_at_most": experiment.num_trials * experiment.budgets[1],
        "learned": [{**each, "trials": [trial["trial"] for trial in each["trials"]]} for each in learned],
    }
