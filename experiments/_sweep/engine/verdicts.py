"""What a result means for its trial: it goes on, is held, or ends, and why. A pure function of what is recorded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from experiments._sweep.experiment import Experiment
    from experiments._sweep.policy import Action, Decision


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is recorded beside a result."""

    action: Action
    ending: str | None = None
    """The trial's final ending, None where it goes on or is held."""
    why: str = ""
    rung: dict[str, Any] | None = None
    """Where trials were compared: `epoch`, `rank`, `of`, `cutoff` (in the metric's own sign)."""


def verdict_on(
    experiment: Experiment,
    losses: Mapping[int, Mapping[int, float]],
    *,
    trial: int,
    epoch: int,
    value: float,
    budget: int,
) -> Verdict:
    """The verdict on a trial's `value` at `epoch`.

    Args:
        experiment: Gives metric, mode and scheduler.
        losses: Trial to epoch to finite loss, everything reported before this result.
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
        losses, trial=trial, epoch=epoch, loss=sign * value, epochs=experiment.epochs
    )
    rung = _rung(decision, sign)
    if decision.action != "stop":
        return Verdict(action=decision.action, rung=rung)
    why = _in_words(rung) if rung else f"stopped by {type(experiment.scheduler).__name__}"
    return Verdict(action="stop", ending="stopped", why=why, rung=rung)


def _rung(decision: Decision, sign: float) -> dict[str, Any] | None:
    if decision.rung is None:
        return None
    cutoff = None if decision.cutoff is None else sign * decision.cutoff
    return {"epoch": decision.rung, "rank": decision.rank, "of": decision.of, "cutoff": cutoff}


def _in_words(rung: dict[str, Any]) -> str:
    cutoff = "" if rung["cutoff"] is None else f", cut-off {rung['cutoff']:.6g}"
    return f"rank {rung['rank']} of {rung['of']} at rung {rung['epoch']}{cutoff}"
