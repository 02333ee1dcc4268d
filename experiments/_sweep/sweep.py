"""A sweep to look at: its trials, its best, its table. Reads the ledger and nothing else, never a pickle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from experiments._sweep.errors import InputError
from experiments._sweep.ledger.files import LEDGER, LedgerError, refuse_emptied
from experiments._sweep.ledger.folding import history_of
from experiments._sweep.names import sweep_folder
from experiments._sweep.store.copies import brought
from experiments._sweep.store.lease import holder_of
from experiments._sweep.store.places import place_of, storage_folder

if TYPE_CHECKING:
    import pandas as pd

    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import TrialHistory


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One configuration that was trained."""

    trial: int
    """Its number, from 0."""
    ending: str
    """`completed`, `stopped`, `diverged`, `out_of_memory`, `error`, `timed_out`, `lost`; or, not final, `running`,
    `held`, `interrupted`."""
    why: str
    config: dict[str, Any]
    value: float | None
    """Best finite value of the sweep's metric, None where there is none."""
    epoch: int | None
    """The epoch of `value`."""
    epochs: int
    """Epochs recorded."""
    seconds: float
    """Training time."""
    records: tuple[dict[str, Any], ...]
    """What it reported, an epoch each."""


@dataclass(frozen=True, kw_only=True)
class Best:
    """The leading trial at its best epoch."""

    trial: int
    config: dict[str, Any]
    metric: str
    value: float
    epoch: int
    metrics: dict[str, Any]
    """All that it reported at `epoch`."""
    checkpoint: Path | None
    """The checkpoint of `epoch`, None where there is none."""


def checkpoint_of(sweep: Path, trial: TrialHistory) -> Path | None:
    """The checkpoint of a trial's best epoch, verified, in the sweep's folder or brought there; None without one.

    Raises:
        OSError: The sweep's store does not answer.
    """
    from experiments._sweep.checkpoints import best_checkpoint

    return best_checkpoint(sweep, trial)


def no_checkpoint(history: History, trial: TrialHistory) -> str:
    """Why there is no checkpoint of a trial's best epoch, within a sentence."""
    given = [(driver.settings or {}).get("keep") for driver in history.drivers]
    told = [keep for keep in given if isinstance(keep, int) and keep]
    ended_well = [each for each in history.ranked if each.ended]
    if told and trial.ended and trial not in ended_well[: min(told)]:
        leading = "the leading trial keeps its" if min(told) == 1 else f"the {min(told)} leading trials keep their"
        return f"it was removed when the trial had ended, for only {leading} own (--keep)"
    return "none was saved there, or it is damaged or gone"


def open_sweep(sweep: str | Path | None = None, *, storage: str | Path = "results") -> Sweep:
    """The sweep in a folder, or called so in `storage`; left out, the newest one there.

    Raises:
        InputError: If there is none.
        LedgerError: If its ledger cannot be read.
    """
    return Sweep(sweep_folder(None if sweep is None else str(sweep), storage_folder(str(storage))))


class Sweep:
    """A sweep's folder, read when it is opened."""

    def __init__(self, folder: Path) -> None:
        """Reads the ledger in `folder`.

        Raises:
            LedgerError: If it cannot be read.
        """
        self.folder = folder.resolve()
        brought(self.folder)
        self.history = history_of(folder / LEDGER)
        if self.history.opened is None:
            refuse_emptied(folder)
            raise LedgerError(f"{folder / LEDGER} is empty: the sweep was cut before it began. Remove {folder}.")
        self.live = self.history.end is None and holder_of(folder) is not None
        """Whether a driver is at work on it."""
        if not self.live:
            self.history.driver_lost()

    def __repr__(self) -> str:
        return f"Sweep({place_of(self.folder)!r})"

    @property
    def name(self) -> str:
        """Its name, which is its folder's."""
        return self.folder.name

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The trials by number."""
        return tuple(self._trial(each) for each in self.history.trials.values())

    def _trial(self, each: TrialHistory) -> Trial:
        return Trial(
            trial=each.number,
            ending=each.state,
            why=each.why,
            config=each.config,
            value=each.value,
            epoch=each.epoch,
            epochs=len(each.epochs),
            seconds=round(each.seconds, 3),
            records=tuple(epoch.metrics for epoch in each.epochs),
        )

    @property
    def best(self) -> Best:
        """The leading trial at its best epoch.

        Raises:
            InputError: If no trial has a value yet.
        """
        trial = self.history.best
        if trial is None or trial.value is None or trial.epoch is None:
            raise InputError(f"{self.name} has no trial with a value yet.")
        return Best(
            trial=trial.number,
            config=trial.config,
            metric=trial.metric,
            value=trial.value,
            epoch=trial.epoch,
            metrics=trial.epochs[trial.epoch - 1].metrics,
            checkpoint=checkpoint_of(self.folder, trial),
        )

    @property
    def confirmed(self) -> dict[str, Any] | None:
        """What the newest confirmation has found, as `confirm` returns it; None where there is none."""
        from experiments._sweep.derived.finding import confirmation

        found = confirmation(self)
        return None if found is None else found.history.answer

    def confirm(
        self,
        *,
        top: int | None = None,
        seeds: int | None = None,
        again: bool = False,
        refit: bool = False,
        data_dir: str | Path | None = None,
        quiet: bool = False,
        **where: Any,
    ) -> dict[str, Any]:
        """Trains the leading trials and the trainable's defaults anew, measures them once on the test split, judges.

        A confirmation that has not ended is gone on with; one that has ended is only read, unless `again`.

        Args:
            top: How many of the leading trials, at least 1; 3 by default.
            seeds: How many fresh seeds, the same for all of them, at least 2; 5 by default.
            again: Once more, on other seeds, which uses the test split once more.
            refit: Then train the winner on training and validation data together, for `export`.
            data_dir: The folder with the data sets; by default the one that the sweep was given.
            quiet: Say nothing while it runs.
            **where: `concurrent`, `time_limit_s`, `address`, `here`, `stall_timeout_s` and `trust`, as `Experiment.run`
                takes them.

        Returns:
            The answer: `winner`, `verdict`, `configurations` with their `mean`, `low` and `high`, and more.

        Raises:
            InputError: If something is wrong before anything starts.
            EngineError: If it ended before it had an answer.
        """
        from experiments._sweep.derived.from_python import confirmed_in_python

        request = {"top": top, "seeds": seeds, "again": again, "refit": refit}
        return confirmed_in_python(self, request, data_dir=data_dir, quiet=quiet, where=where)

    def export(
        self, to: str | Path, *, trial: int | None = None, data_dir: str | Path | None = None, trust: bool = False
    ) -> Path:
        """Writes the winner down for others: configuration, weights, a card, and a load.py that needs torch alone.

        The winner is the refitted or the confirmed one where there is one, else the best trial.

        Args:
            to: The folder, empty or not there.
            trial: This trial instead.
            data_dir: The folder with the data sets; by default the one that the sweep was given.
            trust: Run the code that the sweep names although the sweep may be somebody else's.

        Raises:
            InputError: If the folder is occupied, or the network cannot be written for torch alone.
        """
        from experiments._sweep.derived.exporting import exported

        place = None if data_dir is None else str(data_dir)
        return exported(self, Path(to).expanduser(), trial=trial, data_dir=place, trust=trust)[0].folder

    def replay(
        self, trial: int, *, data_dir: str | Path | None = None, quiet: bool = False, **where: Any
    ) -> dict[str, Any]:
        """Trains a trial again from its record, and compares epoch by epoch.

        Args:
            trial: Its number.
            data_dir: The folder with the data sets; by default the one that the sweep was given.
            quiet: Say nothing while it runs.
            **where: `concurrent`, `time_limit_s`, `address`, `here`, `stall_timeout_s` and `trust`, as `Experiment.run`
                takes them.

        Returns:
            The answer: `verdict` (`equal`, `within noise`, `beyond noise`, `noise unknown`, `ended otherwise`),
            `first_difference`, `candidates` and more, as `sweep replay --json` prints it.

        Raises:
            InputError: If something is wrong before anything starts.
            EngineError: If it ended before it had an answer.
        """
        from experiments._sweep.derived.from_python import replayed_in_python

        return replayed_in_python(self, trial, data_dir=data_dir, quiet=quiet, where=where)

    def report(self, to: str | Path | None = None) -> Path:
        """Writes what the sweep found as one page of HTML that needs no network; the file.

        Args:
            to: The file; by default `report.html` in the sweep's folder.

        Raises:
            InputError: If no page can be written there.
        """
        from experiments._sweep.report.making import reported

        return reported([self], None if to is None else Path(to).expanduser(), self.folder)[0]

    def frame(self, *, by: Literal["trial", "epoch"] = "trial") -> pd.DataFrame:
        """A pandas table of what the ledger has, one row a trial, or one row an epoch of a trial.

        Args:
            by: `trial`: columns `trial`, `ending`, `why`, `value`, `epoch` (of the value), `epochs`, `seconds`,
                `origin`, the hyperparameters in `config/...` and all that was reported at that epoch in `metrics/...`;
                `epoch`: columns `trial`, `epoch`, `segment`, `action` and `metrics/...`, for learning curves.

        Raises:
            InputError: If `by` is neither.
        """
        if by not in ("trial", "epoch"):
            raise InputError(f"frame(by={by!r}): there are by='trial' and by='epoch'.")
        import pandas as pd

        from experiments._sweep.analysis.table import columns, epoch_rows, trial_rows
        from experiments._sweep.analysis.texts import storable

        rows = storable(trial_rows(self.history) if by == "trial" else epoch_rows(self.history))
        return pd.DataFrame(rows, columns=columns(rows) or ["trial"])
