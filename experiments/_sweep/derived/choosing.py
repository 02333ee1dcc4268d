"""Which network stands for a sweep: the refitted winner, the confirmed winner, or the best trial of the search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments._sweep.derived.confirmation.refitting import refit_of
from experiments._sweep.derived.finding import confirmation, searched_sweep
from experiments._sweep.derived.replay.replaying import KIND as REPLAY
from experiments._sweep.derived.replay.replaying import replays
from experiments._sweep.derived.replay.reseeding import KIND as NOISE
from experiments._sweep.errors import InputError
from experiments._sweep.sweep import checkpoint_of, no_checkpoint
from experiments._sweep.views.words import place

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
    a confirmation, the best trial. A checkpoint that is gone is taken from a replay that was equal to the bit.

    Raises:
        InputError: If there is none, its checkpoint is gone or damaged, or it is not clear which one is meant.
    """
    sweep = _searched(sweep, trial)
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
    if refit is not None and refit.checkpoint is None and any(refit.sweep.history.in_state("completed")):
        folder = place(refit.sweep.folder)
        raise InputError(
            f"the last checkpoint of the refit in {folder} is gone or damaged. Remove that folder and refit again: "
            f"sweep confirm {place(sweep.folder)} --refit; or export a trial as the search trained it: --trial N"
        )
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


def _searched(sweep: Sweep, trial: int | None) -> Sweep:
    """The searched sweep, where it is clear what is asked of it."""
    searched, kind = searched_sweep(sweep), (sweep.history.sweep.derived or {}).get("kind")
    if kind in (REPLAY, NOISE) or (kind is not None and trial is not None):
        raise InputError(
            f"{place(sweep.folder)} was made of the sweep {searched.name}, whose trials are what can be exported: "
            f"sweep export {place(searched.folder)} --trial N --to DIR"
        )
    return searched


def _of_a_replay(sweep: Sweep, number: int) -> Path | None:
    """The checkpoint of the newest replay of a trial that was equal to the bit, None where there is none."""
    for each in reversed(replays(sweep, number)):
        if (each.history.answer or {}).get("verdict") == "equal":
            return checkpoint_of(each.folder, each.history.trials[0])
    return None


def _trained(sweep: Sweep, number: int, label: str, answer: dict[str, Any] | None) -> Chosen:
    trial = sweep.history.trials[number]
    if trial.epoch is None:
        raise InputError(f"{label} ({trial.state}) has no finite {trial.metric}. Choose another trial: --trial N.")
    checkpoint = checkpoint_of(sweep.folder, trial) or _of_a_replay(sweep, number)
    if checkpoint is None:
        raise InputError(
            f"{label} has no whole checkpoint of its best epoch any more: {no_checkpoint(sweep.history, trial)}. "
            "Choose another trial (--trial N), or train it again, which serves where it is equal to the bit: "
            f"sweep replay {place(sweep.folder)} {number}"
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
