"""The one use of the test split: recorded before it happens, then each trial of a confirmation is measured once."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from experiments._sweep.checkpoints import best_places
from experiments._sweep.derived.writing import ledger_of
from experiments._sweep.engine.faults import Fault
from experiments._sweep.errors import EngineError
from experiments._sweep.ledger.lease import SweepInUseError
from experiments._sweep.ledger.records import SUCCESSES, TestMeasured, TestSplitUsed

if TYPE_CHECKING:
    from pathlib import Path

    from experiments._sweep.checkpoints import Place
    from experiments._sweep.engine.calls import Calls
    from experiments._sweep.ledger.trial_history import TrialHistory


def use_test_split(calls: Calls, folder: Path, metric: str) -> None:
    """Measures every trial of the confirmation in `folder` that was not measured yet; its ledger gets the results.

    A trial without a checkpoint of its best epoch is left out. What a measurement raises ends the sweep as failed, and
    so does one without the metric.

    Raises:
        EngineError: If another driver is at work on the searched sweep, in whose ledger the use is recorded.
    """
    history, journal = calls.conductor.history, calls.conductor.journal
    trials = [trial for trial in history.in_state(*SUCCESSES) if trial.number not in history.tests]
    places = best_places(folder, trials, calls.patience_s)
    found = [(trial, places[trial.number]) for trial in trials if trial.number in places]
    if not found:
        return
    try:
        look = _recorded(folder, calls)
    except SweepInUseError as error:
        raise EngineError(str(error)) from error
    journal.note(f"measuring {len(found)} checkpoint{'s'[: len(found) > 1]} on the test split (use {look} of it)")
    whole = calls.conductor.experiment.whole
    if not calls.on_ray:  # there, no signal comes to where it is measured
        found = [(trial, replace(place, patience_s=calls.patience_s)) for trial, place in found]
    arguments = [(whole(trial.config), place) for trial, place in found]
    for which, outcome in calls(_measure, arguments):
        trial = found[which][0]
        if isinstance(outcome, Fault):
            calls.conductor.stop("failed", f"trial {trial.number} could not be measured: {outcome.summary}")
        elif metric not in outcome:
            told = ", ".join(outcome) or "nothing"
            calls.conductor.stop("failed", f"the test of trial {trial.number} gave no {metric}; it gave {told}")
        else:
            journal.write(_measurement(trial, outcome, journal.t))


def _measure(trainable: Any, argument: tuple[dict[str, Any], Place]) -> dict[str, float]:
    config, place = argument
    with place.at_hand() as checkpoint:
        return dict(trainable.tested(config, checkpoint))


def _measurement(trial: TrialHistory, metrics: dict[str, float], t: float) -> TestMeasured:
    return TestMeasured(trial=trial.number, epoch=trial.epoch or 0, metrics=metrics, t=t)


def _recorded(folder: Path, calls: Calls) -> int:
    """The number of this use, from 1; written into the ledger of the searched sweep, durably, where it is new."""
    with ledger_of(folder.parent, lambda: calls.drain.hurried) as writer:
        looks = [entry.record for entry in writer.entries if isinstance(entry.record, TestSplitUsed)]
        for each in looks:
            if each.confirmation == folder.name:
                return each.look
        look = len(looks) + 1
        writer.append([TestSplitUsed(look=look, confirmation=folder.name, at=time.time())])
        return look
