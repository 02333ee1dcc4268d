"""One command that may be given again: it begins a sweep, or goes on with the one that it began before."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from experiments._sweep.errors import InputError
from experiments._sweep.ledger.files import LEDGER, read, refuse_emptied
from experiments._sweep.ledger.records import LIMITS
from experiments._sweep.ledger.waiting import wait_for_the_gone
from experiments._sweep.names import existing_folder
from experiments._sweep.overrides import limited
from experiments._sweep.start.changes import ChangedError, changes_between
from experiments._sweep.start.resuming import as_before, finished, resume_sweep
from experiments._sweep.start.starting import start_sweep
from experiments._sweep.start.state import State
from experiments._sweep.start.trust import refuse_untrusted
from experiments._sweep.store.lease import holder_of
from experiments._sweep.store.places import place_of, storage_folder
from experiments._sweep.sweep import Sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from experiments._sweep.driving import Outcome
    from experiments._sweep.engine.journal import Observer
    from experiments._sweep.options import RunOptions
    from experiments._sweep.registry import FoundExperiment


def start_or_resume(
    found: FoundExperiment,
    options: RunOptions,
    observers: Callable[[Path], Sequence[Observer]] | None = None,
    *,
    accept_changes: bool = False,
) -> Outcome:
    """Runs the experiment as the sweep of its name: a new one where there is none, else that one.

    A sweep that was resumed with other limits keeps them where the command gives none; it may be extended, and trials
    that it has are not taken back. So it is with `keep` and `stall_timeout_s`, where the options have their defaults.

    Args:
        found: The experiment, with what the command line changes of it.
        options: Where and how much; the name of the sweep is the experiment's where it is not given.
        observers: Makes those who watch.
        accept_changes: Go on although the experiment, its code or what it runs on has changed.

    Raises:
        InputError: If something is wrong before anything starts.
        SweepInUseError: If another driver is at work on it.
    """
    storage, name = storage_folder(options.storage), options.name or found.name
    folder = existing_folder(storage, name)
    if folder is None:
        try:
            return start_sweep(found, dataclasses.replace(options, name=name), observers)
        except InputError:
            folder = existing_folder(storage, name)
            if folder is None:
                raise
            # Else the same command, given elsewhere at this moment, was quicker.
    wait_for_the_gone(folder, _say if observers else lambda _: None, place=place_of(folder), holder_of=holder_of)
    there = dataclasses.replace(options, name=None)
    if not (folder / LEDGER).exists() or not read(folder / LEDGER):  # its driver was lost before the first line
        refuse_emptied(folder)
        return start_sweep(found, there, observers, left=folder)
    sweep = Sweep(folder)
    if sweep.history.sweep.derived is not None:
        raise InputError(f"{place_of(folder)} is made of another sweep. Choose another name: --name NAME.")
    refuse_untrusted(sweep, trust=options.trust, code_is_given=True)
    history = sweep.history
    num_trials = max(found.experiment.num_trials, history.asks["num_trials"])
    done = finished(sweep, num_trials)
    if done is not None:
        _refuse_another_question(sweep, found, accept_changes=accept_changes)
        return done
    given = {field: found.overrides[field] for field in LIMITS if field in found.overrides}
    limits = {**history.limits, **given}
    if "num_trials" in limits or num_trials != found.experiment.num_trials:
        limits["num_trials"] = num_trials
    there = dataclasses.replace(as_before(there, history), limits=limits)
    return resume_sweep(sweep, limited(found, limits), there, observers, accept_changes=accept_changes)


def _refuse_another_question(sweep: Sweep, found: FoundExperiment, *, accept_changes: bool) -> None:
    """Lets pass where a finished sweep asked what is asked now: its winner answers nothing else."""
    then = State.of(sweep.history)
    now = dataclasses.replace(then, asks=State.now(found.experiment).asks)  # it is not run: its code may be another
    changes = changes_between(then, now, place_of(sweep.folder))
    if changes.refused:
        raise InputError(*changes.refused)
    if changes.lines and not accept_changes:
        raise ChangedError(changes.lines)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - there are no views yet
