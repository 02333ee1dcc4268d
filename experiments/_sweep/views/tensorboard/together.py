"""Several sweeps in one folder, a run folder each, with one HParams tab for all of them.

TensorBoard takes the columns of that tab from one place, whichever it finds first: so they are said once, above all.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from experiments._sweep.views.tensorboard import events
from experiments._sweep.views.tensorboard.columns import Columns, endings, sweeps_column, united
from experiments._sweep.views.tensorboard.drawing import Drawing, reported_by
from experiments._sweep.views.tensorboard.files import ROOT, Runs
from experiments._sweep.views.tensorboard.measures import measures_of, together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from experiments._sweep.views.tensorboard.columns import Column
    from experiments._sweep.views.tensorboard.snapshots import Snapshot


class Together:
    """Draws sweeps into a folder and adds to them what is new."""

    def __init__(
        self, folder: Path, sweeps: Mapping[str, Snapshot], described: Mapping[str, Mapping[str, str]]
    ) -> None:
        """Draws all there is.

        Args:
            folder: Where to.
            sweeps: The name that each goes by to what is known of it.
            described: The same to what its metrics mean.
        """
        events.load()
        alone = len(sweeps) == 1
        shared = None if alone else _shared(sweeps)
        self._drawings = {
            name: Drawing(Runs(folder if alone else folder / name), name, now, described[name], shared=shared)
            for name, now in sweeps.items()
        }
        for drawing in self._drawings.values():
            drawing.anew()
        if shared is not None:
            root = Runs(folder)
            root.go_on()
            root.add({ROOT: _schema(sweeps, described, shared)}, events.beginning(time.time()))

    def catch_up(self, name: str, now: Snapshot) -> None:
        """Adds what is new of one of them.

        Raises:
            OSError: It cannot be written.
        """
        self._drawings[name].catch_up(now)


def _shared(sweeps: Mapping[str, Snapshot]) -> tuple[Column, ...]:
    """The hyperparameters that they have together."""
    configs = {name: [trial.config for trial in now.trials] for name, now in sweeps.items()}
    columns = {name: Columns(now.asks, configs[name]) for name, now in sweeps.items()}
    return united(columns, {name: [columns[name].of(config) for config in configs[name]] for name in sweeps})


def _schema(
    sweeps: Mapping[str, Snapshot], described: Mapping[str, Mapping[str, str]], shared: Sequence[Column]
) -> bytes:
    """What the columns are: the sweep and the ending, hyperparameters, all objectives before other metrics."""
    of_each = [
        measures_of(now.asks, described[name]).shown([*described[name], *reported_by(now)])
        for name, now in sweeps.items()
    ]
    ended = [ending for now in sweeps.values() for ending in now.endings.values()]
    columns = [sweeps_column(sweeps), *([endings(ended)] if ended else []), *shared]
    at = min(now.at for now in sweeps.values())
    return events.schema(columns, together(of_each), name=", ".join(sweeps), question="", at=at)
