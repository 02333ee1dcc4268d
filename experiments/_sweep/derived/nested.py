"""Sweeps in the folder of the sweep that they are made of: where they lie, how they begin and go on."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from experiments._sweep.derived.finding import searched_sweep
from experiments._sweep.derived.repetition import repetition
from experiments._sweep.driving import drive
from experiments._sweep.errors import InputError
from experiments._sweep.options import preflight
from experiments._sweep.overrides import overridden
from experiments._sweep.registry import from_source
from experiments._sweep.start.changes import refusals
from experiments._sweep.start.resuming import changed_data
from experiments._sweep.start.starting import check_resources, first_line
from experiments._sweep.start.trust import refuse_untrusted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from experiments._sweep.derived.repetition import Repetition
    from experiments._sweep.driving import Outcome
    from experiments._sweep.engine.journal import Observer
    from experiments._sweep.options import RunOptions
    from experiments._sweep.policy import Scheduler
    from experiments._sweep.registry import FoundExperiment
    from experiments._sweep.sweep import Sweep

    Observers = Callable[[Path], Sequence[Observer]]
    Watching = Callable[[FoundExperiment], Observers]

SAME = ("trainable", "metric", "mode", "counts")
"""What an experiment must not have changed since, for its trials to be trained again."""


def experiment_of(sweep: Sweep, options: RunOptions) -> FoundExperiment:
    """The experiment that the sweep ran, as it is now.

    Raises:
        UntrustedError: If the sweep may be somebody else's, and `options` do not trust it.
        InputError: If it is not there any more, or asks something else than it did.
    """
    history = sweep.history
    refuse_untrusted(searched_sweep(sweep), trust=options.trust)
    found = overridden(from_source(history.sweep.source), history.overrides)
    then, now = ({name: asks.get(name) for name in SAME} for asks in (history.asks, found.experiment.asks()))
    if faults := refusals(then, now):
        raise InputError(*faults)
    return found


def begin(
    found: FoundExperiment,
    folder: Path,
    derived: dict[str, Any],
    options: RunOptions,
    observers: Observers | None,
    **driving: Any,
) -> Outcome:
    """Runs `found`, whose experiment is a `Repetition`, as a new sweep in `folder`, where no sweep has begun.

    Raises:
        InputError: If anything is wrong before anything starts; nothing was written.
        SweepInUseError: If another driver has begun it meanwhile.
    """
    _check(found, options)
    opened = first_line(found, folder, derived=derived)
    folder.mkdir(mode=0o700, exist_ok=True)  # a driver that was killed before its first line may have made it
    return drive(found, folder, options, observers, opened, **driving)


def go_on(
    found: FoundExperiment, sweep: Sweep, options: RunOptions, observers: Observers | None, **driving: Any
) -> Outcome:
    """Goes on with a sweep that `begin` began.

    Raises:
        InputError: If anything is wrong before anything starts.
        SweepInUseError: If another driver is at work on it.
    """
    _check(found, options)
    if faults := changed_data(sweep.history, found.experiment, sweep.folder, options):
        raise InputError(*faults)
    return drive(found, sweep.folder, options, observers, None, **driving)


def repeated(found: FoundExperiment, sweep: Sweep, scheduler: Scheduler, **changed: Any) -> FoundExperiment:
    """The experiment of a nested sweep, made anew from its ledger."""
    opened = sweep.history.sweep
    search, changed = opened.asks["search"], {"epochs": opened.asks["epochs"], **changed}
    again: Repetition = repetition(found.experiment, search["configurations"], search["origins"], scheduler, **changed)
    return dataclasses.replace(found, experiment=again, question=opened.question)


def _check(found: FoundExperiment, options: RunOptions) -> None:
    faults = preflight(found, options)
    if faults:
        raise InputError(*faults)
    check_resources(found.experiment, options)
