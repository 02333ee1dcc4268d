"""The page about one sweep."""

from __future__ import annotations

import time
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from experiments._sweep.analysis.answers import answers
from experiments._sweep.analysis.importance import importance
from experiments._sweep.analysis.progress import progress
from experiments._sweep.analysis.searched import searched
from experiments._sweep.analysis.timeline import timeline
from experiments._sweep.analysis.winning import first_confirmed
from experiments._sweep.report.contents import Page, Section, Tile
from experiments._sweep.report.sections.found import best_section, confirmed_section
from experiments._sweep.report.sections.running import (
    endings_section,
    moment,
    repeat_section,
    timeline_section,
    trials_section,
)
from experiments._sweep.report.sections.searching import curves_section, hyperparameter_sections, progress_section
from experiments._sweep.views.figures import figure
from experiments._sweep.views.words import counts, duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from experiments._sweep.analysis.answers import Answers
    from experiments._sweep.ledger.history import History
    from experiments._sweep.sweep import Sweep


def page_of(sweep: Sweep) -> Page:
    """The page about a sweep, of what its ledger and its newest confirmation say."""
    history = sweep.history
    space, important, times = searched(history), importance(history), timeline(history)
    found = answers(sweep, important)
    confirmed = found.confirmed.answer
    return Page(
        title=f"{sweep.name}: {history.sweep.question}" if history.sweep.question else sweep.name,
        kind="Report of a sweep",
        name=sweep.name,
        question=history.sweep.question,
        lead=[found.won.sentence],
        state=_state(sweep, found.real.sentence),
        standing="good" if found.real.facts.get("verdict") == "yes" else "open",
        tiles=_tiles(history, confirmed),
        sections=[
            _in_short(found),
            best_section(history, space, found, confirmed),
            confirmed_section(confirmed, found),
            progress_section(history, progress(history), times),
            curves_section(history),
            *hyperparameter_sections(history, space, important, found.mattered),
            timeline_section(times),
            endings_section(history, space),
            repeat_section(history, found),
            trials_section(history, space),
        ],
        footer=footer([sweep]),
    )


def _in_short(found: Answers) -> Section:
    """The six answers; of the commands that repeat it those that train, for all of them stand further down."""
    commands = tuple(each for each in found.repeat.commands if each.text.startswith(("sweep run ", "sweep replay ")))
    repeat = replace(found.repeat, commands=commands)
    answered = [repeat if each is found.repeat else each for each in found]
    return Section(name="answers", title="In short", answers=answered)


def _state(sweep: Sweep, real: str) -> str:
    """Whether the answer is confirmed, and whether it may still change."""
    running = "The sweep is still running: this is what it had when the page was made. " if sweep.live else ""
    return f"{running}Is it real? {real}"


def _tiles(history: History, confirmed: dict[str, Any] | None) -> list[Tile]:
    best, asks = history.best, history.asks
    tiles = []
    if best is not None:
        what = f"{best.metric} of trial {best.number}, the best of the search"
        tiles.append(Tile(value=figure(best.value), what=what))
    first = first_confirmed(confirmed)
    if confirmed is not None:
        if first is not None:
            split = "on the test split, " if confirmed["on"] == "test" else ""
            who = "the defaults" if first["trial"] is None else first["label"]
            what = f"{confirmed['metric']} of {who}, first {split}on {confirmed['seeds']} fresh seeds{_ends(first)}"
            tiles.append(Tile(value=figure(first["mean"], like=first), what=what))
    else:
        tiles.append(Tile(value="not yet", what="confirmed: no fresh seeds, nothing measured on the test split"))
    epochs = sum(len(trial.epochs) for trial in history.trials.values())
    whole = len(history.trials) * asks["epochs"] if isinstance(asks.get("epochs"), int) else 0
    share = f", {epochs / whole:.0%} of what all trials in full would take" if 0 < epochs < whole else ""
    tiles.append(Tile(value=str(len(history.trials)), what=f"trials: {counts(history)}"))
    tiles.append(Tile(value=str(epochs), what=f"epochs trained{share}"))
    tiles.append(Tile(value=duration(history.seconds), what="of work, over all drivers"))
    return tiles


def _ends(estimate: Mapping[str, Any]) -> str:
    """Its interval, in words."""
    low, high = estimate["low"], estimate["high"]
    if low is None or high is None:
        return ""
    return f" (95 %: {figure(low, like=estimate)} to {figure(high, like=estimate)})"


def footer(sweeps: list[Sweep]) -> list[str]:
    """Where the page comes from."""
    try:
        ours = f"raysweeps {version('raysweeps')}"
    except PackageNotFoundError:  # from a checkout
        ours = "raysweeps"
    began = ", ".join(f"{sweep.name} began {moment(sweep.history.sweep.at)}" for sweep in sweeps)
    return [
        f"Made by {ours} on {moment(time.time())} from the ledger; {began}.",
        "This file needs no network and sends nothing. Figures by plotly.js (MIT licence), importance by Optuna.",
    ]
