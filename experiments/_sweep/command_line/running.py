"""`sweep run` and `sweep resume`: a sweep with its views, and how it ended."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.command_line.listing import asked
from experiments._sweep.errors import InputError
from experiments._sweep.ledger.lease import refuse_if_held
from experiments._sweep.ledger.records import LIMIT_REASONS, LIMITS, SUCCESSES
from experiments._sweep.names import sweep_folder
from experiments._sweep.views.words import clean, place
from experiments._sweep.watching import watching

if TYPE_CHECKING:
    import argparse

    from experiments._sweep.driving import Outcome
    from experiments._sweep.ledger.history import History
    from experiments._sweep.sweep import Sweep


def run(arguments: argparse.Namespace) -> int:
    """Runs an experiment as a new sweep."""
    from experiments._sweep.start import start_sweep

    found, options = asked(arguments)
    return _told(start_sweep(found, options, watching(found, here=options.here)))


def resume(arguments: argparse.Namespace) -> int:
    """Goes on with a sweep."""
    folder = sweep_folder(arguments.sweep, Path(arguments.storage).expanduser())
    refuse_if_held(folder)  # before anything slow is imported
    from experiments._sweep.command_line.overriding import seconds
    from experiments._sweep.engine.limits import limit_reached
    from experiments._sweep.options import RunOptions
    from experiments._sweep.overrides import overridden
    from experiments._sweep.registry import from_source
    from experiments._sweep.start import resume_sweep
    from experiments._sweep.sweep import Sweep

    sweep = Sweep(folder)
    history = sweep.history
    if history.sweep.derived is not None:
        raise InputError(f"{place(folder)} is made of another sweep. {_going_on(sweep)}")
    if history.end is not None and history.end.reason == "finished":
        print(f"{sweep.name} has finished: {clean(history.end.why) or 'nothing is left to do'}.")
        _summary(sweep)
        return 0 if any(history.in_state(*SUCCESSES)) else 1
    limits = limits_of(history, arguments)
    found = overridden(from_source(history.sweep.source), history.sweep.overrides | limits)
    reached = limit_reached(history, found.experiment)
    if reached is not None:
        print(f"{sweep.name} has ended: {reached.why}.")
        _summary(sweep)
        print(f"extend it with: {extending(reached.reason, place(folder))}")
        return 0 if history.best is not None else 1
    remembered = history.drivers[-1].data_dir if history.drivers else None
    options = RunOptions(
        storage=arguments.storage,
        concurrent=arguments.concurrent,
        time_limit_s=seconds(arguments.time_limit),
        address=arguments.address,
        data_dir=arguments.data_dir or remembered,
        here=arguments.here,
        limits=limits,
    )
    return _told(resume_sweep(folder, found, options, watching(found, here=options.here)))


def _going_on(sweep: Sweep) -> str:
    """The command that goes on with a sweep in the folder of another."""
    derived, above = sweep.history.sweep.derived or {}, place(sweep.folder.parent)
    if derived["kind"] == "replay":
        return f"Go on with it by: sweep replay {above} {derived['trial']}"
    if derived["kind"] == "noise":
        return f"Go on with it by: sweep replay {place(sweep.folder.parent.parent)} {derived['trial']}"
    if derived["kind"] == "refit":
        return f"Go on with it by: sweep confirm {place(sweep.folder.parent.parent)} --refit"
    return f"Go on with it by: sweep confirm {above}"


def limits_of(history: History, arguments: argparse.Namespace) -> dict[str, Any]:
    """The limits that a resumed sweep has in place of those it began with: what was given now, or to resume before."""
    before = [driver.limits for driver in history.drivers if driver.limits]
    given = {name: value for name in LIMITS if (value := getattr(arguments, name)) is not None}
    return {**(before[-1] if before else {}), **given}


def extending(reason: str, sweep: str) -> str:
    """The command that takes a reached limit further."""
    option = {"target": "--target VALUE", "no improvement": "--patience-trials N"}[reason]
    return f"sweep resume {sweep} {option}   (none takes the limit away)"


def _told(outcome: Outcome) -> int:
    sweep = outcome.sweep
    if outcome.reason != "finished":
        print(f"{sweep.name} ended early ({outcome.reason}): {clean(outcome.why, lines=True)}")
    elif outcome.code:
        print(f"{sweep.name}: {clean(outcome.why, lines=True)}")
    _summary(sweep)
    if outcome.reason in ("interrupted", "time limit", "fault"):
        print(f"go on with: sweep resume {place(sweep.folder)}")
    if outcome.reason in LIMIT_REASONS:
        print(f"extend it with: {extending(outcome.reason, place(sweep.folder))}")
    return outcome.code


def _summary(sweep: object) -> None:
    from experiments._sweep.views.summary import summary_lines

    for line in summary_lines(sweep):
        print(line)
