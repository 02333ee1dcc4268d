"""Who watches a sweep that runs: the curves always; a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from rich.console import Console

    from experiments._sweep.engine.journal import Observer
    from experiments._sweep.registry import FoundExperiment


def watching(found: FoundExperiment, *, here: bool = False) -> Callable[[Path], Sequence[Observer]]:
    """What makes the observers of the sweep in a folder, once there is one."""

    def observers(folder: Path) -> Sequence[Observer]:
        from experiments._sweep.views.display import Display
        from experiments._sweep.views.lines import Lines
        from experiments._sweep.views.resources import Cluster
        from experiments._sweep.views.tensorboard import Curves
        from experiments._sweep.views.unhurried import Unhurried
        from experiments._sweep.views.words import clean, place

        terminal = None if here else terminal_of_output()  # a breakpoint needs the terminal for itself
        heading = f"{found.name}: {found.question}" if found.question else found.name
        print(f"{clean(heading)}\nsweep {place(folder)}", flush=True)  # noqa: T201 - the first line of every view
        curves = Curves(folder, _described(found))
        if here:
            return [Lines(sys.stdout), curves]
        unhurried = Unhurried(sys.stdout)
        if terminal is None:
            return [Lines(unhurried), curves]
        terminal.file = cast("IO[str]", unhurried)
        return [Display(terminal, there=Cluster()), curves]

    return observers


def terminal_of_output() -> Console | None:
    """What a picture can be drawn on again and again, None where the output is no terminal.

    Rich also takes a pipe for one where colours are asked for (`FORCE_COLOR`, as in continuous integration).
    """
    from rich.console import Console

    console = Console()
    return console if console.is_terminal and not console.is_dumb_terminal and console.file.isatty() else None


def _described(found: FoundExperiment) -> Mapping[str, str]:
    """What the trainable says of its metrics; a plain Ray function says nothing."""
    metrics = getattr(found.experiment.trainable, "metrics", None)
    return metrics if isinstance(metrics, Mapping) else {}
