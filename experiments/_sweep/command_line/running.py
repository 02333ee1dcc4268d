"""`sweep run` and `sweep resume`: a sweep with its views, and how it ended."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from experiments._sweep.command_line.listing import asked
from experiments._sweep.names import sweep_folder

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from experiments._sweep.engine.journal import Observer
    from experiments._sweep.experiment import Experiment
    from experiments._sweep.start import Outcome


def run(arguments: argparse.Namespace) -> int:
    """Runs an experiment as a new sweep."""
    from experiments._sweep.start import start_sweep

    found, options = asked(arguments)
    print(f"{found.name}: {found.question}" if found.question else found.name)
    return _told(start_sweep(found, options, _views(found.experiment, here=options.here)))


def resume(arguments: argparse.Namespace) -> int:
    """Goes on with a sweep."""
    from experiments._sweep.command_line.overriding import overridden, seconds
    from experiments._sweep.options import RunOptions
    from experiments._sweep.registry import from_source
    from experiments._sweep.start import resume_sweep
    from experiments._sweep.sweep import Sweep

    folder = sweep_folder(arguments.sweep, Path(arguments.storage).expanduser())
    sweep = Sweep(folder)
    history = sweep.history
    if history.end is not None and history.end.reason == "finished":
        print(f"{sweep.name} has finished: nothing is left to do.")
        return _summary(sweep)
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
    return _told(resume_sweep(folder, found, options, _views(found.experiment, here=options.here)))


def _views(experiment: Experiment, *, here: bool) -> Callable[[Path], Sequence[Observer]]:
    def views(folder: Path) -> Sequence[Observer]:
        from rich.console import Console

        from experiments._sweep.views.display import Display
        from experiments._sweep.views.lines import Lines
        from experiments._sweep.views.tensorboard import Curves
        from search_spaces import dimensions

        print(f"sweep {folder}", flush=True)
        console = Console()
        searched = [dimension.name for dimension in dimensions(experiment.space)]
        live = console.is_terminal and not here  # a breakpoint needs the terminal for itself
        return [Curves(folder), Display(console, searched) if live else Lines(sys.stdout)]

    return views


def _told(outcome: Outcome) -> int:
    sweep = outcome.sweep
    if outcome.reason != "finished":
        print(f"{sweep.name} ended early ({outcome.reason}): {outcome.why}")
    elif outcome.code:
        print(f"{sweep.name}: {outcome.why}")
    _summary(sweep)
    if outcome.reason in ("interrupted", "time limit", "fault"):
        print(f"go on with: sweep resume {sweep.folder}")
    return outcome.code


def _summary(sweep: object) -> int:
    from experiments._sweep.views.summary import summary_lines

    for line in summary_lines(sweep):
        print(line)
    return 0
