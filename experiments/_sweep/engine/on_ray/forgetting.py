"""Tune's own memory, kept short: what it does at a step, and what it keeps, must not grow with the trials of a sweep.

Tune 2.60 looks through all trials at every step, keeps each of them with its whole state, and writes that state when
the sweep ends: 40 kB of memory and 10 kB of file a trial. The ledger has it all already.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from ray.tune import tune as tune_run
from ray.tune.execution.tune_controller import TuneController
from ray.tune.progress_reporter import TrialProgressCallback

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ray.tune.experiment import Trial

REMEMBERED = 100
"""Of the trials that are over, so many of the newest stay: a late word about one of them finds it."""


class ShortMemory(TuneController):  # type: ignore[misc]
    """Tune's loop over the trials that run or wait, and a few that are over."""

    _forget_at = 2 * REMEMBERED
    """How many trials there are when it forgets next: not at each step, for that means going through all of them."""

    def on_step_begin(self) -> None:
        """Forgets what is over, before the step looks at the trials."""
        super().on_step_begin()
        if len(self._trials) > self._forget_at:
            self._forget()
            self._forget_at = len(self._trials) + REMEMBERED

    def _forget(self) -> None:
        over = [trial for trial in self._trials if trial.is_finished() and trial not in self._trial_to_actor]
        forgotten = set(over[:-REMEMBERED])
        self._trials[:] = [trial for trial in self._trials if trial not in forgotten]
        for among in (self._live_trials, self._stopped_trials, self._failed_trials):
            among.difference_update(forgotten)  # to Tune a trial that failed is live

    def _mark_trial_to_checkpoint(self, trial: Trial) -> None:
        """Nothing of it is written into Tune's state: nobody reads that."""


class NoProgress(TrialProgressCallback):  # type: ignore[misc]
    """Stands where Tune would put its own, which keeps every trial to know what it has printed of it."""

    def on_trial_result(self, *args: Any, **info: Any) -> None:
        """Nothing: views show the ledger."""

    def on_trial_error(self, *args: Any, **info: Any) -> None:
        """Nothing."""

    def on_trial_complete(self, *args: Any, **info: Any) -> None:
        """Nothing."""


@contextlib.contextmanager
def forgetting() -> Iterator[None]:
    """While it lasts, Tune's loop forgets the trials that are over."""
    theirs: Any = tune_run.TuneController
    tune_run.TuneController = ShortMemory
    try:
        yield
    finally:
        tune_run.TuneController = theirs


def remove_state(driver: Path) -> None:
    """Removes from the folder of a driver's Tune run all but the checkpoints that trials have reported."""
    for place in driver.iterdir() if driver.is_dir() else ():
        with contextlib.suppress(OSError):  # the folder of a trial that has checkpoints is not empty
            place.rmdir() if place.is_dir() else place.unlink()
