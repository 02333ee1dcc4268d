"""An old sweep goes on: with what it was, or with what has changed since and is accepted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from experiments._sweep.checkpoints import newest_known
from experiments._sweep.checks.secrets import forgotten
from experiments._sweep.driving import Outcome, drive
from experiments._sweep.engine.deciding.limits import limit_reached
from experiments._sweep.errors import InputError
from experiments._sweep.ledger.records import LIMITS, SUCCESSES
from experiments._sweep.options import KEEP, data_folder, preflight
from experiments._sweep.start.changes import ChangedError, changes_between
from experiments._sweep.start.starting import check_resources
from experiments._sweep.start.state import State
from experiments._sweep.store.places import place_of
from trainables import Trainable

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence
    from pathlib import Path

    from experiments._sweep.engine.journal import Observer
    from experiments._sweep.experiment import Experiment
    from experiments._sweep.ledger.history import History
    from experiments._sweep.options import RunOptions
    from experiments._sweep.registry import FoundExperiment
    from experiments._sweep.sweep import Sweep


def finished(sweep: Sweep, num_trials: int | None = None) -> Outcome | None:
    """How a sweep ended that has nothing left to do; None where it has, or is to have more trials: `num_trials`."""
    end, asked = sweep.history.end, sweep.history.asks["num_trials"]
    if end is None or end.reason != "finished" or num_trials not in (None, asked):
        return None
    code = 0 if any(sweep.history.in_state(*SUCCESSES)) else 1
    return Outcome(sweep=sweep, reason=end.reason, why=end.why, code=code, driven=False)


def as_before(options: RunOptions, history: History, *, but: Container[str] = ()) -> RunOptions:
    """The options; what stands at its default, and was not given to say so, is as the newest driver was told.

    Args:
        options: As the command gives them.
        history: Of the sweep that goes on.
        but: What was given, of `keep` and `stall_timeout`.
    """
    told: dict[str, Any] = {}
    if options.keep == KEEP and "keep" not in but:
        told["keep"] = history.settings.get("keep", KEEP)
    if options.stall_timeout_s == "auto" and "stall_timeout" not in but and not options.here:
        told["stall_timeout_s"] = history.settings.get("stall_timeout_s", "auto")
    if options.data_dir is None and history.drivers:
        told["data_dir"] = history.drivers[-1].data_dir
    return replace(options, **told)


def resume_sweep(
    sweep: Sweep,
    found: FoundExperiment,
    options: RunOptions,
    observers: Callable[[Path], Sequence[Observer]] | None = None,
    *,
    accept_changes: bool = False,
    take_over: bool = False,
) -> Outcome:
    """Goes on with a sweep; where a limit in the metric is reached already, only says so.

    Args:
        sweep: The sweep.
        found: The experiment as it is now, with what the command line changes of it.
        options: Where and how much.
        observers: Makes those who watch.
        accept_changes: Go on although the experiment, its code or what it runs on has changed; recorded, so that it is
            asked once.
        take_over: Take the sweep from a driver that may still live.

    Raises:
        InputError: If something is wrong, or has changed that cannot.
        ChangedError: If something has changed that can, and is not accepted.
        SweepInUseError: If another driver is at work on it.
    """
    history, folder = sweep.history, sweep.folder
    reached = limit_reached(history, found.experiment)
    if reached is not None:
        code = 0 if history.best is not None else 1
        return Outcome(sweep=sweep, reason=reached.reason, why=reached.why, code=code, driven=False)
    then, now = State.of(history), State.now(found.experiment)
    changes = changes_between(then, now, place_of(folder))
    faults = [*preflight(found, options), *changes.refused, *_too_few(history, found.experiment)]
    for trial in history.in_state("running", "held", "interrupted"):
        faults += forgotten(found.experiment.whole(trial.config))
    faults = list(dict.fromkeys(faults)) or changed_data(history, found.experiment, folder, options)
    if changes.lines:
        faults = faults or _unable(history, found.experiment, options)
    if faults:
        raise InputError(*faults)
    if changes.lines and not accept_changes:
        raise ChangedError(changes.lines)
    check_resources(found.experiment, options)
    changed = {name: is_now for name, is_now in vars(now).items() if is_now != getattr(then, name)}
    changed["overrides"] = _overrides(history, found)
    return drive(found, folder, options, observers, None, changed=changed, take_over=take_over)


def _too_few(history: History, experiment: Experiment) -> list[str]:
    there, wanted = len(history.trials), experiment.num_trials
    if wanted >= there:
        return []
    asked = f"num_trials is {wanted}, but the sweep has {there} trials already, and none is taken back."
    return [f"{asked} Ask for {there} or more in all (--trials {there}), or for some more (--trials +10)."]


def changed_data(history: History, experiment: Experiment, folder: Path, options: RunOptions) -> list[str]:
    """Why trials that have not ended cannot go on: their data have changed since. They stay as they are."""
    trainable, trials = experiment.trainable, list(history.in_state("running", "held", "interrupted"))
    if not isinstance(trainable, Trainable) or trainable.content is None:
        return []
    with data_folder(options.data), newest_known(folder, trials) as folder_of:
        return [
            fault
            for trial in trials
            for fault in trainable.cannot_go_on(experiment.whole(trial.config), folder_of(trial))
        ]


def _unable(history: History, experiment: Experiment, options: RunOptions) -> list[str]:
    """Why trials that have not ended cannot go on: the trainable does not take their configurations any more."""
    trainable = experiment.trainable
    if not isinstance(trainable, Trainable):
        return []
    with data_folder(options.data):
        return [
            f"trial {trial.number}, which has not ended, cannot go on: {fault}"
            for trial in history.in_state("running", "held", "interrupted")
            for fault in trainable.faults(experiment.whole(trial.config))
        ]


def _overrides(history: History, found: FoundExperiment) -> dict[str, Any] | None:
    """What the command line changes of the experiment's file, limits aside; None where that is as before."""
    before, now = history.overrides, {**found.overrides}
    if "set" in now:
        now["set"] = found.experiment.redactor.value(now["set"])
    then, now = ({key: each[key] for key in each if key not in LIMITS} for each in (before, now))
    return None if now == then else {**{key: before[key] for key in before if key in LIMITS}, **now}
