"""`sweep replay`: a trial trained again from its record, and compared epoch by epoch."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments._sweep.derived import nested
from experiments._sweep.derived.finding import is_begun, numbered
from experiments._sweep.derived.repetition import repetition
from experiments._sweep.derived.replay.answering import Replayed, answer_of
from experiments._sweep.derived.replay.comparing import Run, compared
from experiments._sweep.derived.replay.reseeding import have_ended, known_noise, reseeded, unseeded
from experiments._sweep.derived.replay.suspecting import suspects
from experiments._sweep.derived.replay.until import Until
from experiments._sweep.derived.writing import ledger_of
from experiments._sweep.errors import InputError
from experiments._sweep.ledger.records import Answered
from experiments._sweep.start.resuming import changed_data
from experiments._sweep.store.places import place_of
from experiments._sweep.sweep import Sweep

if TYPE_CHECKING:
    from pathlib import Path

    from experiments._sweep.derived.nested import Watching
    from experiments._sweep.derived.replay.comparing import Comparison
    from experiments._sweep.derived.replay.seed_noise import Noise
    from experiments._sweep.driving import Outcome
    from experiments._sweep.ledger.trial_history import TrialHistory
    from experiments._sweep.options import RunOptions
    from experiments._sweep.registry import FoundExperiment

KIND = FOLDER = "replay"
AS_THEN = ("epochs", "cpus_per_trial", "gpus_per_trial", "seed")
"""Fields of the experiment that a replay takes from the record: what is computed depends on them, to the bit."""


@dataclass(frozen=True, kw_only=True)
class Replay:
    """A replay, as far as it is."""

    sweep: Sweep
    """A sweep of one trial, in the folder of the one that has the trial."""
    answer: dict[str, Any] | None
    """What it has found (`answer_of` says what is in it), None where it has not ended."""
    outcome: Outcome | None
    """How its newest driver ended, None where there was none."""


@dataclass(frozen=True, kw_only=True)
class _Work:
    """One call of `replay`."""

    sweep: Sweep
    trial: TrialHistory
    then: Run
    found: FoundExperiment
    options: RunOptions
    observers: Watching | None
    began: float

    @property
    def as_then(self) -> dict[str, Any]:
        """What the experiment had when the trial was trained."""
        drivers = [segment.driver for segment in self.trial.segments]
        asks = self.sweep.history.asks_of(max(drivers, default=0))
        return {name: asks[name] for name in AS_THEN}

    @property
    def options_left(self) -> RunOptions:
        """The options, with what is left of the time limit."""
        limit = self.options.time_limit_s
        left = None if limit is None else max(0.001, limit - (time.monotonic() - self.began))
        return dataclasses.replace(self.options, time_limit_s=left)


def replays(sweep: Sweep, trial: int) -> list[Sweep]:
    """All replays of a trial, the oldest first: `replay-17`, `replay-17-2` ..."""
    first = sweep.folder / f"{FOLDER}-{trial}"
    folders = [*([first] if is_begun(first) else []), *numbered(sweep, first.name)]
    return [Sweep(folder) for folder in folders]


def replay(sweep: Sweep, trial: int, options: RunOptions, observers: Watching | None = None) -> Replay:
    """Trains a trial again from its record, for as many epochs, and compares.

    A replay that has not ended is gone on with, unless the trial's record or the data are not those that it began
    with; one that has ended is done anew, for versions may have changed since.

    Where the curves differ, what another seed changes is taken from a confirmation that has trained the configuration
    on three seeds or more, or else trained: three copies on other seeds.

    Args:
        sweep: The sweep that has the trial.
        trial: Its number.
        options: Where it runs.
        observers: Makes those who watch.

    Raises:
        InputError: If anything is wrong before anything starts.
        SweepInUseError: If a driver is at work on the replay.
    """
    record = _recorded(sweep, trial)
    work = _Work(
        sweep=sweep,
        trial=record,
        then=Run.of(record),
        found=nested.experiment_of(sweep, options),
        options=options,
        observers=observers,
        began=time.monotonic(),
    )
    again, outcome = _trained(work)
    if 0 not in again.history.trials or not again.history.trials[0].ended:
        return Replay(sweep=again, answer=None, outcome=outcome)
    comparison = compared(work.then, Run.of(again.history.trials[0]), record.metric)
    noise: Noise | str | None = ""
    if comparison.first is not None and comparison.largest and not comparison.ended_otherwise:
        noise, outcome = _noise(work, again, outcome)
    if noise is None:
        return Replay(sweep=again, answer=None, outcome=outcome)
    answer = _answer(work, again, comparison, noise)
    with ledger_of(again.folder) as ledger:
        ledger.append([Answered(answer=answer, t=again.history.t)])
    return Replay(sweep=Sweep(again.folder), answer=answer, outcome=outcome)


def _answer(work: _Work, again: Sweep, comparison: Comparison, noise: Noise | str) -> dict[str, Any]:
    differs = comparison.first.epoch if comparison.first else comparison.epochs + 1
    found = Replayed(
        sweep=work.sweep.name,
        trial=work.trial.number,
        replay=again.name,
        metric=work.trial.metric,
        then=work.then,
        now=Run.of(again.history.trials[0]),
        counted=work.trial.epoch,
        comparison=comparison,
        suspects=[] if comparison.equal else suspects(work.found, work.sweep, work.trial, again, differs),
        noise=noise,
    )
    return answer_of(found)


def _recorded(sweep: Sweep, number: int) -> TrialHistory:
    """The trial, where it can be trained again."""
    trials, derived = sweep.history.trials, sweep.history.sweep.derived or {}
    if derived.get("kind") == "refit":
        folder, of = place_of(sweep.folder), place_of(sweep.folder.parent)
        raise InputError(f"{folder} is a refit, which is not replayed. Replay trials of {of}.")
    if number not in trials:
        there = f"trials 0 to {len(trials) - 1}" if trials else "no trial yet"
        nearest = f" The nearest is {min(trials, key=lambda known: abs(known - number))}." if trials else ""
        raise InputError(f"{sweep.name} has no trial {number}; it has {there}.{nearest}")
    trial = trials[number]
    if trial.state == "running":
        raise InputError(f"trial {number} of {sweep.name} is being trained. Replay it when it has ended.")
    if not trial.ended and not trial.epochs:
        raise InputError(
            f"trial {number} of {sweep.name} was {trial.state} before its first epoch, so there is nothing to compare "
            "with. Choose another trial, or resume the sweep."
        )
    return trial


def _trained(work: _Work) -> tuple[Sweep, Outcome | None]:
    """The replay, trained until its end or until it was interrupted; and how its driver ended."""
    scheduler, record = Until(epoch=work.then.last_epoch), _identity(work.then)
    unfinished = _unfinished(work, record)
    if unfinished is not None:
        trial = unfinished.history.trials.get(0)
        if trial is not None and trial.ended:
            return unfinished, None
        again = nested.repeated(work.found, unfinished, scheduler, **work.as_then)
        outcome = nested.go_on(again, unfinished, work.options, _watch(work, again))
        return outcome.sweep, outcome
    number, epochs = work.trial.number, len(work.then.records)
    experiment = repetition(
        work.found.experiment, [work.trial.config], [f"trial {number} again"], scheduler, **work.as_then
    )
    question = f"Trial {number} again, {epochs} epoch{'' if epochs == 1 else 's'}. Is it the same?"
    again = dataclasses.replace(work.found, experiment=experiment, question=question)
    derived = {"kind": KIND, "trial": number, **record}
    outcome = nested.begin(again, _free_folder(work.sweep, number), derived, work.options, _watch(work, again))
    return outcome.sweep, outcome


def _identity(then: Run) -> dict[str, Any]:
    """What tells whether a trial's record is still the one that a replay began with."""
    return {"epochs": len(then.records), "ending": then.ending}


def _unfinished(work: _Work, record: dict[str, Any]) -> Sweep | None:
    """The newest replay, where it has not ended and can be gone on with."""
    newest = next(reversed(replays(work.sweep, work.trial.number)), None)
    if newest is None or newest.history.answer is not None:
        return None
    derived = newest.history.sweep.derived or {}
    if {name: derived.get(name) for name in record} != record:
        return None
    changed = changed_data(newest.history, work.found.experiment, newest.folder, work.options)
    return None if changed else newest


def _free_folder(sweep: Sweep, trial: int) -> Path:
    first = sweep.folder / f"{FOLDER}-{trial}"
    folder, number = first, 1
    while folder.exists():
        number += 1
        folder = first.with_name(f"{first.name}-{number}")
    return folder


def _watch(work: _Work, found: FoundExperiment) -> Any:
    return work.observers(found) if work.observers else None


def _noise(work: _Work, again: Sweep, outcome: Outcome | None) -> tuple[Noise | str | None, Outcome | None]:
    """What other seeds change, or why that is not known, or None where it has not been trained to its end."""
    known = known_noise(work.sweep, work.trial, replays(work.sweep, work.trial.number))
    if known is not None:
        return known, outcome
    why = unseeded(work.found.experiment)
    if why:
        return why, outcome
    trained = reseeded(work.found, again, work.trial, work.options_left, work.observers, **work.as_then)
    if trained is not None and not have_ended(trained.sweep):
        return None, trained
    known = known_noise(work.sweep, work.trial, [again])
    return known or "too few of the copies on other seeds have ended well", trained or outcome
