"""Where TensorBoard's files lie in a sweep's folder, for this user alone; and whether they are up to date."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from experiments._sweep.ledger.history import History

FOLDER = "tensorboard"
ROOT = ""
"""The run in the folder itself."""
_NAME = "events.out.tfevents"
_STAMP = "drawn.json"
_FORMAT = 2
"""Of what is drawn; a later version draws anew what an earlier one has drawn otherwise."""


class Runs:
    """The runs in a folder: one file each, opened only while something is added to it.

    A sweep may hold a thousand trials at the same time, more than a process may have files open.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._place = folder
        self._file = ""
        self._begun: set[str] = set()

    def begin(self) -> None:
        """Begins anew, out of sight.

        Raises:
            OSError: It cannot be written.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(self.folder))
        self._place = self.folder.with_name(f"{self.folder.name}.new")
        self.go_on()
        if self._place.is_dir():  # of one that was killed
            shutil.rmtree(self._place)
        self._place.mkdir(mode=0o700, parents=True)

    def go_on(self) -> None:
        """From here on runs get files of their own, later in order than those that are there."""
        self._file, self._begun = f"{_NAME}.{time.time_ns()}", set()

    def give_up(self) -> None:
        """Removes what was written since it began: a disk that is full has no room for it."""
        shutil.rmtree(self._place, ignore_errors=True)

    def settle(self) -> None:
        """Puts what was written since it began in the place of what was there: who looks on misses little.

        Raises:
            OSError: It cannot be written.
        """
        for old in self.folder.rglob(f"{_NAME}*"):
            # A TensorBoard that has read it goes on to the next one only while it is there; read anew, it says nothing.
            beside = self._place / old.relative_to(self.folder)
            if beside.parent.is_dir():
                beside.touch(mode=0o600)
        if self.folder.is_dir():
            shutil.rmtree(self.folder)
        self._place.rename(self.folder)
        self._place = self.folder

    def add(self, parts: Mapping[str, bytes], beginning: bytes) -> None:
        """Adds to the files of runs, which each begin with `beginning`.

        Raises:
            OSError: One of them cannot be written.
        """
        for run, content in parts.items():
            place = self._place / run
            begins = run not in self._begun
            if begins:
                place.mkdir(mode=0o700, exist_ok=True)
            with os.fdopen(os.open(place / self._file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "ab") as file:
                file.write(beginning + content if begins else content)
            self._begun.add(run)


def run_of(trial: int) -> str:
    """The run of a trial."""
    return f"{trial:04d}"


def stamp(folder: Path, shown: Mapping[str, int]) -> None:
    """Notes that the files in a folder show all of a history that had these counts."""
    with os.fdopen(os.open(folder / _STAMP, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.write(json.dumps(shown))


def is_current(folder: Path, history: History) -> bool:
    """Whether the files in a folder show all of a history, as this version shows it."""
    try:
        return bool(json.loads((folder / _STAMP).read_text(encoding="utf-8")) == counts(history))
    except (OSError, ValueError):
        return False


def is_stamped(folder: Path) -> bool:
    """Whether the files in a folder were finished at some time; a driver that draws begins anew, without."""
    return (folder / _STAMP).exists()


def counts(history: History) -> dict[str, int]:
    """What changes whenever a ledger grows in a way that can be seen."""
    return {
        "format": _FORMAT,
        "drivers": history.driver,
        "trials": len(history.trials),
        "segments": sum(len(trial.segments) for trial in history.trials.values()),
        "epochs": sum(len(trial.epochs) for trial in history.trials.values()),
        "ended": sum(trial.ended for trial in history.trials.values()),
    }
