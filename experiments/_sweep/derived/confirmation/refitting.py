"""`sweep confirm --refit`: the winner once more, on the training and the validation rows together."""

from __future__ import annotations

import dataclasses
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments._sweep.checkpoints import last_checkpoint
from experiments._sweep.derived import nested
from experiments._sweep.derived.confirmation.candidates import fresh_seeds
from experiments._sweep.derived.finding import is_begun, searched_sweep
from experiments._sweep.derived.repetition import repetition
from experiments._sweep.errors import InputError
from experiments._sweep.store.places import place_of
from experiments._sweep.sweep import Sweep
from experiments.schedulers.fifo import FIFO
from trainables import Trainable

if TYPE_CHECKING:
    from pathlib import Path

    from experiments._sweep.derived.nested import Watching
    from experiments._sweep.driving import Outcome
    from experiments._sweep.experiment import Experiment
    from experiments._sweep.options import RunOptions
    from experiments._sweep.registry import FoundExperiment

KIND = FOLDER = "refit"


@dataclass(frozen=True, kw_only=True)
class Refitted:
    """The winner of a confirmation, trained on everything but the test split."""

    sweep: Sweep
    """A sweep of one trial, in the folder of the confirmation."""
    label: str
    """Which configuration: `trial 41`, or `defaults`."""
    epochs: int
    """It was trained until this epoch."""
    checkpoint: Path | None
    """Its last epoch's, None where it has not ended, or that is gone or damaged."""
    outcome: Outcome | None
    """How its driver ended, None where it had been made before."""


def refit_of(confirmation: Sweep) -> Refitted | None:
    """The refit in the folder of a confirmation, as far as it is; None where there is none."""
    folder = confirmation.folder / FOLDER
    return _refitted(Sweep(folder), None) if is_begun(folder) else None


def refit_fault(trainable: Any) -> str:
    """Why a trainable cannot be refitted, empty where it can."""
    if isinstance(trainable, Trainable) and trainable.refit is not None:
        return ""
    return "--refit: this trainable cannot train on training and validation rows together. Give it a `refit`."


def refit(confirmation: Sweep, options: RunOptions, observers: Watching | None = None) -> Refitted:
    """Trains the winner of a confirmation that has ended, once, on the training and the validation rows together.

    It trains until the epoch that was best in the middle (the median over the seeds, rounded to the nearest epoch; of
    two the later), with the learning rates of the whole budget. Its score is the one that was confirmed: it is not
    measured, for there are no rows left to do that on.

    Raises:
        InputError: If anything is wrong before anything starts.
        SweepInUseError: If a driver is at work on it.
    """
    before = refit_of(confirmation)
    if before is not None and before.checkpoint is not None:
        return before
    found = nested.experiment_of(searched_sweep(confirmation), options)
    fault = refit_fault(found.experiment.trainable)
    if fault:
        raise InputError(fault)
    return _gone_on(found, before, options, observers) if before else _begun(found, confirmation, options, observers)


def _begun(found: FoundExperiment, confirmation: Sweep, options: RunOptions, observers: Watching | None) -> Refitted:
    answer, opened = confirmation.history.answer or {}, confirmation.history.sweep.derived or {}
    winner = next((each for each in answer.get("configurations", []) if each["label"] == answer["winner"]), None)
    if winner is None:
        raise InputError(f"{place_of(confirmation.folder)} names no winner, so there is nothing to refit.")
    until = _middle(winner["epochs"])
    before = opened["seeds"]
    seeds = fresh_seeds(found.experiment, list(before[0]), opened["number"], len(before) + 1)[-1]
    origin = f"{winner['label']} on training and validation rows until epoch {until}"
    changed = _changed(found.experiment, until)
    again = repetition(found.experiment, [{**winner["config"], **seeds}], [origin], FIFO(), **changed)
    found = dataclasses.replace(found, experiment=again, question=f"{origin[0].upper()}{origin[1:]}.")
    derived = {"kind": KIND, "label": winner["label"], "trial": winner["trial"], "until": until}
    outcome = nested.begin(
        found,
        confirmation.folder / FOLDER,
        derived,
        options,
        observers(found) if observers else None,
        refit_until=until,
    )
    return _refitted(outcome.sweep, outcome)


def _gone_on(found: FoundExperiment, before: Refitted, options: RunOptions, observers: Watching | None) -> Refitted:
    found = nested.repeated(found, before.sweep, FIFO(), **_changed(found.experiment, before.epochs))
    watch = observers(found) if observers else None
    outcome = nested.go_on(found, before.sweep, options, watch, refit_until=before.epochs)
    return _refitted(outcome.sweep, outcome)


def _middle(epochs: list[int]) -> int:
    """The median, rounded half up."""
    return max(1, int(statistics.median(epochs) + 0.5))


def _changed(experiment: Experiment, until: int) -> dict[str, Any]:
    """The fields of the experiment that training without validation rows changes: there is no `val_loss` any more."""
    trainable = experiment.trainable.refitting(until)  # type: ignore[attr-defined] # `refit_fault` has looked
    counterpart = f"train_{experiment.metric.removeprefix('best_').removeprefix('val_')}"
    known = counterpart in trainable.metrics
    return {
        "trainable": trainable,
        "metric": counterpart if known else "train_loss",
        "mode": experiment.mode if known else "min",
    }


def _refitted(sweep: Sweep, outcome: Outcome | None) -> Refitted:
    derived, trial = sweep.history.sweep.derived or {}, sweep.history.trials.get(0)
    done = trial if trial is not None and trial.state == "completed" else None
    return Refitted(
        sweep=sweep,
        label=derived["label"],
        epochs=derived["until"],
        checkpoint=None if done is None else last_checkpoint(sweep.folder, done),
        outcome=outcome,
    )
