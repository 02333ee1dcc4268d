"""What a result means for its trial: it goes on, is held, or ends, and why. A pure function of what is recorded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from experiments._sweep.experiment import Experiment
    from experiments._sweep.policy import Action, Decision, Observation


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is recorded beside a result."""

    action: Action
    ending: str | None = None
    """The trial's final ending, None where it goes on or is held."""
    why: str = ""
    rung: dict[str, Any] | None = None
    """Where trials were compared, as `EpochReported.rung` keeps it."""


def verdict_on(
    experiment: Experiment,
    trials: Mapping[int, Observation],
    *,
    trial: int,
    epoch: int,
    value: float,
    budget: int,
) -> Verdict:
    """The verdict on a trial's `value` at `epoch`.

    Args:
        experiment: Gives metric, mode and scheduler.
        trials: All trials by number, as they were before this result.
        trial: The trial that reports.
        epoch: From 1 to `budget`.
        value: The metric; where it is not finite, the trial has diverged.
        budget: The trial's last epoch.
    """
    if not math.isfinite(value):
        return Verdict(action="stop", ending="diverged", why=f"{experiment.metric} became {value} at epoch {epoch}")
    if epoch >= budget:
        return Verdict(action="stop", ending="completed", why=f"trained its budget of {budget} epochs")
    sign = 1.0 if experiment.mode == "min" else -1.0
    decision = experiment.scheduler.decide(
        trials, trial=trial, epoch=epoch, loss=sign * value, epochs=experiment.epochs
    )
    return verdict_of(experiment, decision, bracket=trials[trial].bracket)


def verdict_of(experiment: Experiment, decision: Decision, *, bracket: int | None) -> Verdict:
    """What is recorded of a scheduler's decision on a trial in `bracket`."""
    rung = _rung(decision, 1.0 if experiment.mode == "min" else -1.0, bracket)
    if decision.action != "stop":
        return Verdict(action=decision.action, rung=rung)
    why = (
        _in_words(rung)
        if rung
        else f"stopped by {getattr(experiment.scheduler, 'name', type(experiment.scheduler).__name__)}"
    )
    return Verdict(action="stop", ending="stopped", why=why, rung=rung)


def _rung(decision: Decision, sign: float, bracket: int | None) -> dict[str, Any] | None:
    if decision.rung is None:
        return None
    rung = {
        "epoch": decision.rung,
        "rank": decision.rank,
        "of": decision.of,
        "cutoff": None if decision.cutoff is None else sign * decision.cutoff,
        "ahead": list(decision.ahead),
    }
    return rung if bracket is None else {**rung, "bracket": bracket}


def _in_words(rung: dict[str, Any]) -> str:
    cutoff = "" if rung["cutoff"] is None else f", cut-off {rung['cutoff']:.6g}"
    return f"rank {rung['rank']} of {rung['of']} at rung {rung['epoch']}{cutoff}"
