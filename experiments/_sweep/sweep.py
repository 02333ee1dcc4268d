"""A sweep to look at: its trials, its best, its table. Reads the ledger and nothing else, never a pickle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.errors import InputError
from experiments._sweep.ledger.files import LEDGER, LedgerError, read, trial_folder
from experiments._sweep.ledger.history import History, TrialHistory, flat
from experiments._sweep.ledger.lease import holder_of
from experiments._sweep.names import sweep_folder

if TYPE_CHECKING:
    import pandas as pd


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
    checkpoint: Path | None
    """The checkpoint of `epoch`, None where there is none."""


def open_sweep(sweep: str | Path | None = None, *, storage: str | Path = "results") -> Sweep:
    """The sweep in a folder, or called so in `storage`; left out, the newest one there.

    Raises:
        InputError: If there is none.
        LedgerError: If its ledger cannot be read.
    """
    return Sweep(sweep_folder(None if sweep is None else str(sweep), Path(storage)))


class Sweep:
    """A sweep's folder, read when it is opened."""

    def __init__(self, folder: Path) -> None:
        """Reads the ledger in `folder`.

        Raises:
            LedgerError: If it cannot be read.
        """
        self.folder = folder.resolve()
        self.history = History(read(folder / LEDGER))
        if self.history.opened is None:
            raise LedgerError(f"{folder / LEDGER} is empty: the sweep was cut before it began. Remove {folder}.")
        self.live = self.history.end is None and holder_of(folder) is not None
        """Whether a driver is at work on it."""
        if not self.live:
            self.history.driver_lost()

    def __repr__(self) -> str:
        return f"Sweep({str(self.folder)!r})"

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
            checkpoint=self._checkpoint(trial, trial.epoch, trial.value),
        )

    def _checkpoint(self, trial: TrialHistory, epoch: int, value: float) -> Path | None:
        from trainables import find_checkpoint

        record = trial.epochs[epoch - 1]
        if record.checkpoint is not None:
            reported = self.folder / record.checkpoint
            return reported if reported.is_dir() else None
        return find_checkpoint(trial_folder(self.folder, trial.number), epoch, trial.metric, value)

    def frame(self) -> pd.DataFrame:
        """A pandas table, one row a trial; hyperparameters in columns `config/...`."""
        import pandas as pd

        rows = []
        for trial in self.trials:
            row = {key: value for key, value in vars(trial).items() if key not in ("config", "records")}
            rows.append(row | {f"config/{key}": value for key, value in flat(trial.config).items()})
        return pd.DataFrame(rows)
