"""Who watches a sweep that runs: the curves always; a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from experiments._sweep.engine.journal import Observer
    from experiments._sweep.registry import FoundExperiment


def watching(found: FoundExperiment, *, here: bool = False) -> Callable[[Path], Sequence[Observer]]:
    """What makes the observers of the sweep in a folder, once there is one."""

    def observers(folder: Path) -> Sequence[Observer]:
        from rich.console import Console

        from experiments._sweep.views.display import Display
        from experiments._sweep.views.lines import Lines
        from experiments._sweep.views.tensorboard import Curves
        from experiments._sweep.views.words import place

        console = Console()
        searched = list(dict.fromkeys(each.keys[0] for each in found.experiment.searched.dimensions))
        live = console.is_terminal and not here  # a breakpoint needs the terminal for itself
        heading = f"{found.name}: {found.question}" if found.question else found.name
        print(f"{heading}\nsweep {place(folder)}", flush=True)  # noqa: T201 - the first line of every view
        return [Display(console, searched) if live else Lines(sys.stdout), Curves(folder)]

    return observers
