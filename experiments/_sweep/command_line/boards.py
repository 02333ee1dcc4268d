"""The folder that `sweep board` serves, and what keeps it up with sweeps that go on.

A sweep's own folder where its driver draws there, or nobody is at work on it. In any other case a copy of the command's
own: several sweeps together, a sweep whose driver is elsewhere or draws nothing, a folder that cannot be written.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from experiments._sweep.errors import InputError
from experiments._sweep.ledger.files import LEDGER, LedgerError
from experiments._sweep.ledger.following import Follower
from experiments._sweep.ledger.lease import holder_of
from experiments._sweep.store.following import Growth
from experiments._sweep.views.tensorboard import FOLDER, Curves
from experiments._sweep.views.tensorboard.files import is_current, is_stamped
from experiments._sweep.views.tensorboard.snapshots import snapshot
from experiments._sweep.views.tensorboard.together import Together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from experiments._sweep.sweep import Sweep


class Board(Protocol):
    """What is served."""

    folder: Path
    names: tuple[str, ...]

    def look(self) -> None:
        """Adds what the ledgers have grown by."""
        ...


def board_of(sweeps: Sequence[Sweep], scratch: Path) -> Board:
    """The folder of one sweep, or of several together, drawn where it was not.

    Args:
        sweeps: All different.
        scratch: A folder of this command's own.
    """
    if len(sweeps) == 1 and _is_drawn(sweeps[0]):
        return Own(sweeps[0])
    return Copy(dict(zip(_names(sweeps), sweeps, strict=True)), scratch / FOLDER)


class Own:
    """A sweep's own folder."""

    def __init__(self, sweep: Sweep) -> None:
        self.folder = sweep.folder / FOLDER
        self.names: tuple[str, ...] = (sweep.name,)

    def look(self) -> None:
        """Nothing: where there is a driver, it adds what is new."""


class Copy:
    """Sweeps drawn here."""

    def __init__(self, sweeps: Mapping[str, Sweep], folder: Path) -> None:
        self.folder = folder
        self.names: tuple[str, ...] = tuple(sweeps)
        now = {name: snapshot(sweep.history, settled=not sweep.live) for name, sweep in sweeps.items()}
        self._together = Together(folder, now, {name: described(sweep) for name, sweep in sweeps.items()})
        self._followed = {
            name: (Growth(sweep.folder), Follower(sweep.folder / LEDGER)) for name, sweep in sweeps.items()
        }

    def look(self) -> None:
        """Adds what the ledgers have grown by."""
        for name, (growth, follower) in self._followed.items():
            # A store that does not answer, a folder that is gone: the next look may tell more.
            with contextlib.suppress(OSError, InputError, LedgerError):
                growth.bring()
                if [*follower.news()]:
                    history = follower.history
                    self._together.catch_up(name, snapshot(history, settled=history.end is not None))


def _is_drawn(sweep: Sweep) -> bool:
    """Whether a sweep's own folder shows it and goes on to do so; it is drawn there where nobody drives the sweep."""
    own = sweep.folder / FOLDER
    if sweep.live:  # a driver that draws has removed the stamp; others are on another machine, or were told to be quiet
        return holder_of(sweep.folder) is not None and own.is_dir() and not is_stamped(own)
    if is_current(own, sweep.history):
        return True
    try:
        Curves(sweep.folder, described(sweep)).redraw(sweep.history)
    except OSError:  # somebody else's
        return False
    return True


def described(sweep: Sweep) -> Mapping[str, str]:
    """What the metrics of a sweep mean, where its trainable came with this package; its own code is not run."""
    import trainables

    name = sweep.history.asks["trainable"]
    known = getattr(trainables, name, None) if name in trainables.__all__ else None
    metrics = getattr(known, "metrics", None)
    reported = {each for trial in sweep.history.trials.values() for epoch in trial.epochs for each in epoch.metrics}
    return {metric: meaning for metric, meaning in (metrics or {}).items() if metric in reported}


def _names(sweeps: Sequence[Sweep]) -> list[str]:
    """A name for each: the last parts of its path, as few as tell them apart."""
    for count in range(1, max(len(sweep.folder.parts) for sweep in sweeps)):
        names = ["/".join(sweep.folder.parts[-count:]) for sweep in sweeps]
        if len(set(names)) == len(names):
            return names
    return [str(number) for number in range(len(sweeps))]
