"""The story of one trial: where it came from, what it went through, how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments._sweep.views.words import clean, duration, number, setting, standing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiments._sweep.ledger.history import TrialHistory

ORIGINS = {
    "random": "drawn at random",
    "tpe": "proposed by TPE (tree-structured Parzen estimator)",
}


def story_lines(sweep: Any, trial: int) -> Iterator[str]:
    """The lines; `sweep` is a `Sweep`."""
    history = sweep.history.trials[trial]
    yield f"trial {trial} of {clean(sweep.name)}: {clean(history.state)}"
    origin = ORIGINS.get(history.origin, clean(history.origin))
    yield f"  {origin}, when the ledger had {history.made_at} lines"
    yield f"  {', '.join(f'{clean(key)} {setting(value)}' for key, value in history.config.items())}"
    yield from _rungs(history)
    for segment in history.segments:
        began = "" if segment.first_epoch is None else f" from epoch {segment.first_epoch}"
        cause = f"; {clean(segment.cause)}: {clean(segment.why)}" if segment.cause else ""
        yield f"  segment {segment.number}{began}: {duration(segment.seconds)} under driver {segment.driver}{cause}"
    if history.value is not None:
        at = f"at epoch {history.epoch} of {len(history.epochs)}"
        yield f"  {standing(history)} {at}"
    if history.why:
        yield f"  ended: {clean(history.why)}"
    if history.traceback:
        yield clean(history.traceback, lines=True).rstrip()


def _rungs(history: TrialHistory) -> Iterator[str]:
    for epoch in history.epochs:
        if epoch.rung is None:
            continue
        rung = epoch.rung
        cutoff = "nobody to compare with" if rung["cutoff"] is None else f"cut-off {number(rung['cutoff'])}"
        value = f"{clean(history.metric)} {number(epoch.metrics.get(history.metric))}"
        went = {"continue": "went on", "hold": "was held", "stop": "was stopped"}[epoch.action]
        yield f"  rung {rung['epoch']}: {value}, rank {rung['rank']} of {rung['of']}, {cutoff}: {went}"
