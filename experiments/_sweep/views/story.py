"""The story of one trial: where it came from, what it went through, how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments._sweep.ledger.trial_history import flat
from experiments._sweep.views.words import beside, clean, duration, setting, standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from experiments._sweep.ledger.trial_history import SegmentHistory, TrialHistory

ORIGINS = {
    "start point": "a start point of the experiment",
    "grid": "the next point of the grid",
    "random": "drawn at random",
    "tpe": "proposed by TPE (tree-structured Parzen estimator)",
    "gp": "proposed by a Gaussian process",
}


def story_lines(sweep: Any, trial: int) -> Iterator[str]:
    """The lines; `sweep` is a `Sweep`."""
    history = sweep.history.trials[trial]
    yield f"trial {trial} of {clean(sweep.name)}: {clean(history.state)}"
    details = _details(history.details)
    origin = ORIGINS.get(history.origin, clean(history.origin))
    yield f"  {origin}{f', {details}' if details else ''}, when the ledger had {history.made_at} lines"
    config = {clean(key): setting(value) for key, value in flat(history.config).items()}
    width = max((len(key) for key in config), default=0)
    yield from (f"    {key:<{width}}  {value}" for key, value in config.items())
    if history.bracket is not None:
        yield f"  in bracket {setting(history.bracket)}{_members(sweep.history.trials.values(), history)}"
    for segment in history.segments:
        yield from _segment(history, segment)
    if history.stopped_at is not None:
        yield f"  then {_comparison(history.stopped_at, complete=True)}: was stopped"
    if history.value is not None:
        others = beside(history)
        at = f"at epoch {history.epoch} of {len(history.epochs)}"
        yield f"  {standing(history)} {at}{f', with {others}' if others else ''}"
    if history.why:
        yield f"  ended: {clean(history.why)}"
    if history.traceback:
        yield clean(history.traceback, lines=True).rstrip()


def story_facts(sweep: Any, trial: int) -> dict[str, Any]:
    """The same as values: `origin`, `details`, `bracket`, `rungs` and `segments`, in the order of their happening."""
    history = sweep.history.trials[trial]
    rungs: list[dict[str, Any]] = []
    segments = []
    for segment in history.segments:
        if segment.rung is not None:
            rungs.append({**segment.rung, "action": "continue"})
        epochs = [epoch for epoch in history.epochs if epoch.segment == segment.number]
        rungs += [{**epoch.rung, "action": epoch.action} for epoch in epochs if epoch.rung is not None]
        segments.append(
            {
                "segment": segment.number,
                "driver": segment.driver,
                "worker": segment.worker,
                "first_epoch": epochs[0].epoch if epochs else None,
                "last_epoch": epochs[-1].epoch if epochs else None,
                "seconds": round(segment.seconds, 3),
                "held": bool(epochs) and epochs[-1].action == "hold",
                "cause": segment.cause,
                "why": segment.why,
            }
        )
    if history.stopped_at is not None:
        rungs.append({**history.stopped_at, "action": "stop"})
    facts = {"origin": history.origin, "details": history.details, "bracket": history.bracket}
    return {**facts, "rungs": rungs, "segments": segments}


def _details(details: dict[str, Any]) -> str:
    """What made it the choice: `expected improvement 0.0132 (mean 0.41, sd 0.05)`."""
    rest = dict(details)
    parts = []
    if "acquisition" in rest and "value" in rest:
        parts.append(f"{clean(str(rest.pop('acquisition')))} {setting(rest.pop('value'))}")
    if "good" in rest and "of" in rest:
        parts.append(f"{setting(rest.pop('good'))} of {setting(rest.pop('of'))} trials taken as good")
    others = ", ".join(f"{clean(str(key)).replace('_', ' ')} {setting(value)}" for key, value in rest.items())
    if parts and others:
        return f"{', '.join(parts)} ({others})"
    return ", ".join(parts) or others


def _members(trials: Iterable[TrialHistory], history: TrialHistory) -> str:
    """Whom it is compared with: a bracket takes trials as they come, so their numbers follow one another."""
    numbers = [trial.number for trial in trials if trial.bracket == history.bracket]
    return f": trials {numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else ""


def _segment(history: TrialHistory, segment: SegmentHistory) -> Iterator[str]:
    epochs = [epoch for epoch in history.epochs if epoch.segment == segment.number]
    if segment.rung is not None:
        yield f"  then {_comparison(segment.rung, complete=True)}: was promoted"
    trained = "no epoch"
    if epochs:
        first, last = epochs[0].epoch, epochs[-1].epoch
        trained = f"epoch {first}" if first == last else f"epochs {first} to {last}"
    cause = f"; {clean(segment.cause)}: {clean(segment.why)}" if segment.cause else ""
    host, _, process = (segment.worker or "").rpartition(":")
    where = f" on {clean(host)} (process {clean(process)})" if host else ""
    took = f"{duration(segment.seconds)}{where} under driver {segment.driver}"
    yield f"  segment {segment.number}: {trained}, {took}{cause}"
    for epoch in epochs:
        if epoch.rung is not None:
            value = f"{clean(history.metric)} {_exact(epoch.metrics.get(history.metric))}"
            went = {"continue": "went on", "hold": "was held", "stop": "was stopped"}[epoch.action]
            compared = _comparison(epoch.rung, complete=epoch.action != "hold")
            yield f"    {compared}, with {value}: {went}"
        elif epoch.action == "hold":  # by a scheduler of Ray's, which does not say whom it compared
            yield f"    epoch {epoch.epoch}: was held"


def _exact(value: Any) -> str:
    """With as many digits as it takes to see on which side of a cut-off a value lies, as a rule."""
    return f"{value:.6g}" if isinstance(value, int | float) else clean(str(value))


def _comparison(rung: dict[str, Any], *, complete: bool) -> str:
    """`rung 3: rank 5 of 12, cut-off 0.3100, behind trials 2, 4, 7 and 1 more`; not complete while others come."""
    parts = [f"rung {rung['epoch']}: rank {rung['rank']} of {rung['of']}{'' if complete else ' so far'}"]
    if rung["cutoff"] is not None:
        parts.append(f"cut-off {_exact(rung['cutoff'])}")
    elif complete:
        parts.append("nobody to compare with" if rung["of"] == 1 else "too few to compare with")
    ahead = rung.get("ahead") or []  # ledgers of the first release do not have it
    if ahead:
        further = rung["rank"] - 1 - len(ahead)
        named = ", ".join(str(each) for each in ahead) + (f" and {further} more" if further > 0 else "")
        parts.append(f"behind {'trial' if len(ahead) == 1 else 'trials'} {named}")
    return clean(", ".join(parts))
