"""Who watches a sweep that runs: the curves always; a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping
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
        from experiments._sweep.views.resources import Cluster
        from experiments._sweep.views.tensorboard import Curves
        from experiments._sweep.views.words import clean, place

        console = Console()
        live = (
            console.is_terminal and not console.is_dumb_terminal and not here
        )  # a breakpoint needs the terminal for itself
        heading = f"{found.name}: {found.question}" if found.question else found.name
        print(f"{clean(heading)}\nsweep {place(folder)}", flush=True)  # noqa: T201 - the first line of every view
        return [Display(console, there=Cluster()) if live else Lines(sys.stdout), Curves(folder, _described(found))]

    return observers


def _described(found: FoundExperiment) -> Mapping[str, str]:
    """What the trainable says of its metrics; a plain Ray function says nothing."""
    metrics = getattr(found.experiment.trainable, "metrics", None)
    return metrics if isinstance(metrics, Mapping) else {}
