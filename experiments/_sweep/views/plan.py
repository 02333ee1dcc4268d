"""What an experiment would run, in plain words (`sweep show`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments._sweep.store.places import place_of
from experiments._sweep.views.words import setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


def plan_lines(
    experiment: Any,
    *,
    name: str,
    question: str,
    where: str,
    slots: int | None,
    folder: Path,
    learned: Sequence[str] = (),
    disk: Sequence[str] = (),
) -> Iterator[str]:
    """The lines; `experiment` is an `Experiment`, `slots` how many trials run at a time (None: the cluster says).

    `learned` says what the searcher is told of earlier sweeps, `disk` what the sweep takes in `folder`.
    """
    yield f"{name}: {question}" if question else name
    if where != name:
        yield f"  from {where}"
    yield ""
    better = "lower" if experiment.mode == "min" else "higher"
    yield from _entry("trainable", [getattr(experiment.trainable, "__name__", repr(experiment.trainable))])
    if getattr(experiment.trainable, "config_type", None) is None:
        yield from _entry(
            "",
            [
                "a plain Ray function: its keys cannot be checked, and only the checkpoints that it",
                "reports survive a lost process or driver",
            ],
        )
    yield from _entry("metric", [f"{experiment.metric}, {better} is better"])
    described = experiment.described()
    width = max((len(key) for key, _ in described), default=0)
    yield from _entry("space", [f"{key:<{width}}  {words}" for key, words in described])
    if experiment.require is not None:
        yield from _entry("requires", [experiment.asks()["require"]])
    yield from _entry("start", [_start(place, point) for place, point in enumerate(experiment.asks()["start_points"])])
    yield from _entry("search", [str(experiment.search), *experiment.search.in_words(experiment.searched)])
    yield from _entry("learns", list(learned))
    yield from _entry("scheduler", [str(experiment.scheduler), *_schedule(experiment), *_after_holding(experiment)])
    fewest, most = experiment.budgets
    each = f"at most {most}" if fewest == most else f"{fewest} to {most}"
    whole = experiment.num_trials * most
    yield from _entry("budget", [f"{experiment.num_trials} trials of {each} epochs: at most {whole} epochs"])
    yield from _entry("limits", list(_limits(experiment)))
    at_a_time = "as many at a time as the cluster holds" if slots is None else f"{slots} at a time on this machine"
    cpus, gpus = experiment.cpus_per_trial, experiment.gpus_per_trial
    others = "".join(f", {amount:g} {name}" for name, amount in experiment.resources_per_trial.items())
    shared = [f"trials share a GPU: PyTorch gives each {gpus:g} of its memory at most"] if 0 < gpus < 1 else []
    yield from _entry("resources", [f"{cpus:g} CPU and {gpus:g} GPU{others} a trial; {at_a_time}", *shared])
    yield from _entry("seed", [str(experiment.seed)])
    yield from _entry("callbacks", list(_callbacks(experiment.asks().get("callbacks", []))))
    yield from _entry("folder", [place_of(folder)])
    yield from _entry("disk", list(disk))


def _schedule(experiment: Any) -> list[str]:
    """What the scheduler will do; where the budget is searched, it compares nobody."""
    if "epochs" in experiment.space:
        return ["Every trial trains its whole budget: the epochs that its own configuration has."]
    return list(experiment.scheduler.in_words(experiment.epochs, experiment.num_trials))


def _after_holding(experiment: Any) -> Iterator[str]:
    """What a plain Ray function costs under a scheduler that holds trials."""
    if not hasattr(experiment.trainable, "epochs") and getattr(experiment.scheduler, "holds", False):
        yield "A plain Ray function that was held goes on from the newest checkpoint it reported; without"
        yield "one it trains its epochs again, from the first, each recorded once."


def _limits(experiment: Any) -> Iterator[str]:
    if experiment.target is not None:
        better = "lower" if experiment.mode == "min" else "higher"
        yield f"ends early when a trial reaches {experiment.metric} {experiment.target} or {better}"
    patience = experiment.patience_trials
    if patience is not None:
        trials = "a trial has" if patience == 1 else f"{patience} trials have"
        yield f"ends early when {trials} ended without a better {experiment.metric} than the best before"


def _callbacks(names: Sequence[str]) -> Iterator[str]:
    """Who else is told, and what of."""
    if names:
        yield f"{', '.join(names)}: one run for each trial; nothing that they do ends the sweep"


def _start(trial: int, point: Mapping[str, Any]) -> str:
    """A start point in words."""
    given = ", ".join(f"{key} {setting(value)}" for key, value in point.items())
    return f"trial {trial}: {given or 'nothing given'}; the rest is drawn from the space"


def _entry(heading: str, lines: list[str]) -> Iterator[str]:
    for i, line in enumerate(lines):
        yield f"{heading if i == 0 else '':<11}{line}"
