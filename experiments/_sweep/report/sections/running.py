"""How it ran, and what it takes to repeat it: timeline, endings, versions, the trials."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import TYPE_CHECKING

from experiments._sweep.ledger.records import FINAL_ENDINGS
from experiments._sweep.report.contents import Folded, Section, Table
from experiments._sweep.report.figures.bars import endings_bar, timeline_bars
from experiments._sweep.views.words import duration, learned_in_words, number, setting

if TYPE_CHECKING:
    from experiments._sweep.analysis.answers import Answers
    from experiments._sweep.analysis.searched import Searched
    from experiments._sweep.analysis.timeline import Timeline
    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import TrialHistory

_MOST_REASONS = 6
"""Reasons of an ending that are named."""
_MOST_TRACEBACKS = 5


def timeline_section(timeline: Timeline) -> Section:
    """Trials over workers."""
    drawn = timeline_bars(timeline)
    if drawn is None:
        return Section(name="timeline", title="Timeline", text=["No trial has begun."])
    busy = sum(stretch.end_s - stretch.start_s for stretch in timeline.stretches)
    lanes = len(timeline.lanes)
    share = busy / (timeline.seconds * lanes) if timeline.seconds and lanes else 0.0
    what = ("process" if lanes == 1 else "processes") if timeline.measured else ("slot" if lanes == 1 else "slots")
    text = f"{duration(timeline.seconds)} of work on {lanes} {what}, which trained for {share:.0%} of it."
    return Section(
        name="timeline", title="Timeline of trials over workers", short="Timeline", text=[text], figures=[drawn]
    )


def endings_section(history: History) -> Section:
    """The endings by kind, with their reasons."""
    drawn = endings_bar(history)
    by_state: dict[str, list[TrialHistory]] = {}
    for trial in history.trials.values():
        by_state.setdefault(trial.state, []).append(trial)
    order = [*(state for state in FINAL_ENDINGS if state in by_state)]
    order += [state for state in by_state if state not in order]
    rows = [
        (state.replace("_", " "), str(len(by_state[state])), _numbers(by_state[state]), _reasons(by_state[state]))
        for state in order
    ]
    failed = [trial for trial in history.trials.values() if trial.traceback]
    folded = [
        Folded(title=f"Traceback of trial {trial.number} ({trial.state})", body=trial.traceback.expandtabs())
        for trial in _different(failed)[:_MOST_TRACEBACKS]
    ]
    table = Table(head=("ending", "trials", "which", "why"), rows=rows, numbers=frozenset({1}))
    return Section(
        name="endings",
        title="How the trials ended",
        short="Endings",
        figures=[drawn] if drawn else [],
        tables=[table] if rows else [],
        texts=folded,
    )


def _numbers(trials: list[TrialHistory]) -> str:
    numbers = [str(trial.number) for trial in trials]
    return ", ".join(numbers[:8]) + (f" and {len(numbers) - 8} more" if len(numbers) > 8 else "")


def _reasons(trials: list[TrialHistory]) -> str:
    """Why, the most frequent first; comparisons, of which each has numbers of its own, by their rung."""
    reasons = Counter(_reason(trial) for trial in trials if trial.why)
    named = [f"{why} ({count})" if count > 1 else why for why, count in reasons.most_common(_MOST_REASONS)]
    more = len(reasons) - len(named)
    return "; ".join(named) + (f"; and {more} more" if more > 0 else "")


def _reason(trial: TrialHistory) -> str:
    rung = trial.stopped_at or (trial.epochs[-1].rung if trial.epochs else None)
    if trial.state == "stopped" and rung is not None and "epoch" in rung:
        return f"behind the cut-off at rung {rung['epoch']}"
    return trial.why


def _different(trials: list[TrialHistory]) -> list[TrialHistory]:
    """One trial for each last line of a traceback."""
    last = {trial.traceback.strip().rpartition("\n")[2]: trial for trial in reversed(trials)}
    return sorted(last.values(), key=lambda trial: trial.number)


def repeat_section(history: History, answers: Answers) -> Section:
    """Everything needed to repeat it."""
    versions = [(name, version) for name, version in history.versions.items()]
    tables = [
        Table(head=("what", "value"), rows=_facts(history, answers)),
        Table(head=("package", "version"), rows=versions, caption="What it ran with"),
    ]
    if history.code:
        files = [*history.code.items()]
        title = f"Code of the trainable: {len(files)} files with their digests"
        tables.append(Table(head=("file", "digest"), rows=files, folded=title))
    whole = json.dumps(history.asks, indent=2, ensure_ascii=False, default=str)
    return Section(
        name="repeat",
        title="Everything needed to repeat it",
        short="Repeat",
        text=[answers.repeat.sentence],
        commands=answers.repeat.commands,
        tables=tables,
        texts=[Folded(title="The experiment, as the ledger has it", body=whole)],
    )


def _facts(history: History, answers: Answers) -> list[tuple[str, str]]:
    """What was asked, and where it ran."""
    asks, sweep = history.asks, history.sweep
    trials = history.limits.get("num_trials") or asks.get("num_trials")
    facts = [
        ("experiment", ": ".join(filter(None, (sweep.source.get("kind"), sweep.source.get("path", sweep.name))))),
        ("trainable", str(asks.get("trainable", "-"))),
        ("search", _with_options(asks.get("search"))),
        ("scheduler", _with_options(asks.get("scheduler"))),
        ("budget", f"{setting(trials)} trials of at most {setting(asks.get('epochs'))} epochs"),
        ("resources of a trial", _resources(history)),
        ("seed", setting(asks.get("seed"))),
        ("changed on the command line", json.dumps(history.overrides) if history.overrides else "nothing"),
        *((f"learned from {each.get('sweep')}", learned_in_words(each)) for each in sweep.learned),
        *((f"driver {each.driver}", f"{each.host}, {moment(each.at)}") for each in history.drivers),
    ]
    if history.code:
        digest = answers.repeat.facts.get("code_digest")
        facts.append(("code of the trainable", f"digest {digest} of {len(history.code)} files"))
    return facts


def moment(at: float) -> str:
    """A wall-clock time for people of any zone."""
    try:
        return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))
    except (OverflowError, ValueError, OSError):  # what a foreign ledger says
        return "at an unknown time"


def _with_options(written: object) -> str:
    if not isinstance(written, dict):
        return setting(written)
    options = ", ".join(f"{key} {setting(value)}" for key, value in written.items() if key != "name")
    return f"{written.get('name', '-')}{f' ({options})' if options else ''}"


def _resources(history: History) -> str:
    asks = history.asks
    others = asks.get("resources_per_trial") or {}
    more = "".join(f", {setting(amount)} {name}" for name, amount in others.items()) if isinstance(others, dict) else ""
    return f"{setting(asks.get('cpus_per_trial'))} CPU, {setting(asks.get('gpus_per_trial'))} GPU{more}"


def trials_section(history: History, searched: Searched | None) -> Section:
    """All trials, the best first."""
    axes = searched.axes if searched else ()
    order = history.ranked
    placed = {trial.number for trial in order}
    order += [trial for trial in history.trials.values() if trial.number not in placed]
    rows = []
    for trial in order:
        row = searched.values.get(trial.number, {}) if searched else {}
        rows.append(
            (
                str(trial.number),
                trial.state.replace("_", " "),
                number(trial.value),
                "-" if trial.epoch is None else str(trial.epoch),
                str(len(trial.epochs)),
                duration(trial.seconds),
                *(setting(row[axis.name]) if axis.name in row else "" for axis in axes),
            )
        )
    head = ("trial", "ending", str(history.asks["metric"]), "at epoch", "epochs", "time", *(axis.name for axis in axes))
    table = Table(
        head=head,
        rows=rows,
        numbers=frozenset({2, 3, 4, 5}),
        folded=f"{len(rows)} trials, the best first",
    )
    return Section(name="trials", title="All trials", tables=[table] if rows else [])
