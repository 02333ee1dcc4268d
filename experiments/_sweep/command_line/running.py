"""`sweep run` and `sweep resume`: a sweep with its views, and how it ended."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from experiments._sweep.command_line.listing import asked
from experiments._sweep.ledger.lease import refuse_if_held
from experiments._sweep.ledger.records import SUCCESSES
from experiments._sweep.names import sweep_folder
from experiments._sweep.views.words import clean, place
from experiments._sweep.watching import watching

if TYPE_CHECKING:
    import argparse

    from experiments._sweep.start import Outcome


def run(arguments: argparse.Namespace) -> int:
    """Runs an experiment as a new sweep."""
    from experiments._sweep.start import start_sweep

    found, options = asked(arguments)
    return _told(start_sweep(found, options, watching(found, here=options.here)))


def resume(arguments: argparse.Namespace) -> int:
    """Goes on with a sweep."""
    from experiments._sweep.command_line.overriding import overridden, seconds
    from experiments._sweep.options import RunOptions
    from experiments._sweep.registry import from_source
    from experiments._sweep.start import resume_sweep
    from experiments._sweep.sweep import Sweep

    folder = sweep_folder(arguments.sweep, Path(arguments.storage).expanduser())
    refuse_if_held(folder)  # before anything slow is imported
    sweep = Sweep(folder)
    history = sweep.history
    if history.end is not None and history.end.reason == "finished":
        print(f"{sweep.name} has finished: nothing is left to do.")
        _summary(sweep)
        return 0 if any(history.in_state(*SUCCESSES)) else 1
    found = overridden(from_source(history.sweep.source), history.sweep.overrides)
    remembered = history.drivers[-1].data_dir if history.drivers else None
    options = RunOptions(
        storage=arguments.storage,
        concurrent=arguments.concurrent,
        time_limit_s=seconds(arguments.time_limit),
        address=arguments.address,
        data_dir=arguments.data_dir or remembered,
        here=arguments.here,
    )
    return _told(resume_sweep(folder, found, options, watching(found, here=options.here)))


def _told(outcome: Outcome) -> int:
    sweep = outcome.sweep
    if outcome.reason != "finished":
        print(f"{sweep.name} ended early ({outcome.reason}): {clean(outcome.why, lines=True)}")
    elif outcome.code:
        print(f"{sweep.name}: {clean(outcome.why, lines=True)}")
    _summary(sweep)
    if outcome.reason in ("interrupted", "time limit", "fault"):
        print(f"go on with: sweep resume {place(sweep.folder)}")
    return outcome.code


def _summary(sweep: object) -> None:
    from experiments._sweep.views.summary import summary_lines

    for line in summary_lines(sweep):
        print(line)
