"""The bound on checkpoints: of the trials that have ended, the leading ones keep that of their best epoch.

A trial that has not ended keeps its own, for it goes on from them. The leading ones are found among the trials that
ended well: once a trial is not among them it never will be again, so that nothing which is removed is missed later.
"""

from __future__ import annotations

import bisect
import shutil
from typing import TYPE_CHECKING

from experiments._sweep.ledger.files import reported_folder, trial_folder
from experiments._sweep.ledger.records import SUCCESSES

if TYPE_CHECKING:
    from pathlib import Path

    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.records import Entry
    from experiments._sweep.ledger.trial_history import TrialHistory

    Place = tuple[tuple[int, float], int]


class Tidying:
    """An observer that removes the checkpoints of trials which have ended."""

    def __init__(self, sweep: Path, keep: int | None) -> None:
        """Of the sweep in a folder; `keep`: of how many leading trials the best one stays, None: all stay."""
        self._sweep = sweep
        self._keep = keep
        self._leading: list[Place] = []
        self._followed = 0

    def saw(self, entry: Entry, history: History) -> None:
        """Tidies up behind the trials that have ended since it last saw something, at first behind all."""
        if self._keep is None or history.sweep.derived is not None:  # what is made of a sweep measures all its trials
            return
        turned = dict.fromkeys(history.turns[self._followed :])
        self._followed = len(history.turns)
        for number in turned:
            if history.trials[number].ended:
                self._ended(history.trials[number], history, self._keep)

    def _ended(self, trial: TrialHistory, history: History, keep: int) -> None:
        if trial.state not in SUCCESSES or trial.value is None:
            return self._drop(trial)
        bisect.insort(self._leading, (history.standing(trial), trial.number))
        beyond = self._leading[keep:]
        del self._leading[keep:]
        if not beyond or beyond[0][1] != trial.number:
            self._drop(trial, but=trial.epoch)
        for _, number in beyond:
            self._drop(history.trials[number])
        return None

    def _drop(self, trial: TrialHistory, but: int | None = None) -> None:
        from trainables import drop_checkpoints

        folder = trial_folder(self._sweep, trial.number)
        if not folder.parent.is_symlink():
            drop_checkpoints(folder, but=but)
        reported = {each.checkpoint: each.epoch for each in trial.epochs if each.checkpoint}
        if but is None or but in reported.values():
            for checkpoint, epoch in reported.items():
                if epoch != but:
                    self._drop_reported(checkpoint)

    def _drop_reported(self, checkpoint: str) -> None:
        """What a plain Ray function has reported; the ledger's word is not taken for where that lies."""
        folder = reported_folder(self._sweep, checkpoint)
        if folder is None:
            return
        steps = [folder, *folder.relative_to(self._sweep).parents]
        if any((self._sweep / step).is_symlink() for step in steps[:-1]):
            return
        away = folder.with_name(f".{folder.name}")  # half removed, it no longer has a checkpoint's name
        if folder.is_dir() and not away.is_dir():
            folder.rename(away)
        shutil.rmtree(away, ignore_errors=True)

    def noted(self, text: str, history: History) -> None:
        """Nothing: it is no trial."""

    def tick(self, history: History) -> None:
        """Nothing: it waits for nothing."""

    def close(self, history: History) -> None:
        """Nothing: it holds nothing."""
