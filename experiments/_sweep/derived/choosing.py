"""Which network stands for a sweep: the refitted winner, the confirmed winner, or the best trial of the search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments._sweep.derived.confirmation.refitting import refit_of
from experiments._sweep.derived.finding import confirmation, searched_sweep
from experiments._sweep.errors import InputError
from experiments._sweep.sweep import checkpoint_of

if TYPE_CHECKING:
    from pathlib import Path

    from experiments._sweep.sweep import Sweep


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A network that was trained, with what is known of its configuration."""

    label: str
    """`trial 41`, or `defaults`."""
    trial: int
    """Its number in `sweep`."""
    sweep: Sweep
    """The sweep that trained it: the search, its confirmation, or the refit."""
    config: dict[str, Any]
    epoch: int
    """The epoch of the checkpoint."""
    checkpoint: Path
    refitted: bool
    """Whether it was trained on training and validation rows together."""
    confirmed: dict[str, Any] | None
    """The newest confirmation's answer, None where there is none."""


def chosen(sweep: Sweep, trial: int | None = None) -> Chosen:
    """The network that stands for a searched sweep; or for one of its trials.

    The winner of the newest confirmation: its refit where there is one, else the search's own training of it. Without
    a confirmation, the best trial.

    Raises:
        InputError: If there is none, or its checkpoint is gone or damaged.
    """
    sweep = searched_sweep(sweep)
    newest = confirmation(sweep)
    answer = newest.history.answer if newest else None
    if trial is not None:
        if trial not in sweep.history.trials:
            raise InputError(f"{sweep.name} has no trial {trial}; it has {len(sweep.history.trials)}, from 0.")
        return _trained(sweep, trial, f"trial {trial}", answer)
    if newest is None or answer is None or answer["winner"] is None:
        best = sweep.best.trial
        return _trained(sweep, best, f"trial {best}", answer)
    refit = refit_of(newest)
    if refit is not None and refit.checkpoint is not None:
        return Chosen(
            label=refit.label,
            trial=0,
            sweep=refit.sweep,
            config=refit.sweep.history.trials[0].config,
            epoch=len(refit.sweep.history.trials[0].epochs),
            checkpoint=refit.checkpoint,
            refitted=True,
            confirmed=answer,
        )
    winner = next(each for each in answer["configurations"] if each["label"] == answer["winner"])
    if winner["trial"] is not None:
        return _trained(sweep, winner["trial"], winner["label"], answer)
    first = next(n for n, each in newest.history.trials.items() if each.origin.startswith(f"{winner['label']} "))
    return _trained(newest, first, winner["label"], answer)


def _trained(sweep: Sweep, number: int, label: str, answer: dict[str, Any] | None) -> Chosen:
    trial = sweep.history.trials[number]
    checkpoint = checkpoint_of(sweep.folder, trial)
    if checkpoint is None or trial.epoch is None:
        raise InputError(
            f"{label} has no checkpoint of its best epoch any more. Train it again: "
            f"sweep replay {sweep.folder} {number}"
        )
    return Chosen(
        label=label,
        trial=number,
        sweep=sweep,
        config=trial.config,
        epoch=trial.epoch,
        checkpoint=checkpoint,
        refitted=False,
        confirmed=answer,
    )
