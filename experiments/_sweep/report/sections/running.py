"""How it ran, and what it takes to repeat it: timeline, endings, versions, the trials."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import TYPE_CHECKING

from experiments._sweep.analysis.axis import is_number
from experiments._sweep.ledger.records import FINAL_ENDINGS, SUCCESSES
from experiments._sweep.report.contents import Folded, Section, Table
from experiments._sweep.report.figures.bars import endings_bar, timeline_bars
from experiments._sweep.views.words import duration, learned_in_words, number, setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from experiments._sweep.analysis.answers import Answers
    from experiments._sweep.analysis.axis import Axis
    from experiments._sweep.analysis.searched import Searched
    from experiments._sweep.analysis.timeline import Timeline
    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import SegmentHistory, TrialHistory

_MOST_REASONS = 6
"""Reasons of an ending that are named."""
_MOST_TRACEBACKS = 5
_MOST_NUMBERS = 8
"""Trials that are named in a row."""


def timeline_section(timeline: Timeline) -> Section:
    """Trials over workers."""
    drawn = timeline_bars(timeline)
    if drawn is None:
        return Section(name="timeline", title="Timeline", text=["No trial has begun."])
    busy = sum(stretch.end_s - stretch.start_s for stretch in timeline.stretches)
    share = min(1.0, busy / (timeline.seconds * timeline.slots)) if timeline.seconds else 0.0
    at_once = "one trial" if timeline.slots == 1 else f"at most {timeline.slots} trials"
    text = (
        f"{duration(timeline.seconds)} of work, {at_once} at a time. {share:.0%} of that room was training; the rest "
        "was starting, ending and waiting."
    )
    return Section(
        name="timeline", title="Timeline of trials over workers", short="Timeline", text=[text], figures=[drawn]
    )


def endings_section(history: History, searched: Searched | None = None) -> Section:
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
    which = "\n".join(f"{state}: {', '.join(str(trial.number) for trial in by_state[state])}" for state in order)
    folded = [Folded(title="Which trials ended how", body=which)] if rows else []
    folded += [
        Folded(title=f"Traceback of trial {trial.number} ({trial.state})", body=trial.traceback.expandtabs())
        for trial in _different(failed)[:_MOST_TRACEBACKS]
    ]
    table = Table(head=("ending", "trials", "which", "why"), rows=rows, numbers=frozenset({1}))
    return Section(
        name="endings",
        title="How the trials ended",
        short="Endings",
        text=[*_shared_by_failures(history, searched), *_interruptions(history)],
        figures=[drawn] if drawn else [],
        tables=[table] if rows else [],
        texts=folded,
    )


def _shared_by_failures(history: History, searched: Searched | None) -> Iterator[str]:
    """What the trials that failed have in common, and none of those that succeeded has."""
    failed = [trial.number for trial in history.trials.values() if trial.ended and trial.state not in SUCCESSES]
    able = [trial.number for trial in history.in_state(*SUCCESSES)]
    if searched is None or len(failed) < 2 or not able:
        return
    for axis in searched.axes:
        if axis.numeric:
            continue
        had, kept = (
            {axis.label(searched.values[n][axis.name]) for n in numbers if axis.name in searched.values.get(n, {})}
            for numbers in (failed, able)
        )
        everywhere = all(axis.name in searched.values.get(number, {}) for number in failed)
        if len(had) == 1 and everywhere and not had & kept:
            [label] = had
            yield f"All {len(failed)} trials that failed have {axis.name} {label}, and none of the others has it."


def _interruptions(history: History) -> Iterator[str]:
    """What was cut and gone on with, by its cause."""
    by_cause: dict[str, list[int]] = {}
    for trial in history.trials.values():
        for segment in trial.segments:
            if segment.cause:
                by_cause.setdefault(_cause(segment), []).append(trial.number)
    for cause, numbers in [*by_cause.items()][:_MOST_REASONS]:
        shown = ", ".join(map(str, numbers[:_MOST_NUMBERS]))
        more = f" and {len(numbers) - _MOST_NUMBERS} more" if len(numbers) > _MOST_NUMBERS else ""
        which = f"trial{'' if len(numbers) == 1 else 's'} {shown}{more}"
        yield f"Interrupted ({cause}): {which}. {_went_on(history, numbers)}"


def _cause(segment: SegmentHistory) -> str:
    return f"{segment.cause}: {segment.why}" if segment.why else segment.cause


def _went_on(history: History, numbers: Sequence[int]) -> str:
    later = sum(len(history.trials[number].segments) > 1 for number in {*numbers})
    whole = len({*numbers})
    if later == whole:
        return "It was gone on with." if whole == 1 else "All were gone on with."
    return f"{later} of {whole} were gone on with."


def _numbers(trials: list[TrialHistory]) -> str:
    numbers = [str(trial.number) for trial in trials]
    more = f" and {len(numbers) - _MOST_NUMBERS} more, below" if len(numbers) > _MOST_NUMBERS else ""
    return ", ".join(numbers[:_MOST_NUMBERS]) + more


def _reasons(trials: list[TrialHistory]) -> str:
    """Why, the most frequent first; comparisons, of which each has numbers of its own, by their rung."""
    reasons = Counter(_reason(trial) for trial in trials if trial.why)
    named = [f"{why} ({count})" if count > 1 else why for why, count in reasons.most_common(_MOST_REASONS)]
    more = len(reasons) - len(named)
    return "; ".join(named) + (f"; and {more} more" if more > 0 else "")


def _reason(trial: TrialHistory) -> str:
    rung = trial.stopped_at or (trial.epochs[-1].rung if trial.epochs else None)
    if trial.state == "stopped" and rung is not None and "epoch" in rung:
        return f"behind the cut-off at the rung of epoch {rung['epoch']}"
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


def _of_numbers(axis: Axis) -> bool:
    """Whether its values are numbers, also those of a choice."""
    return axis.numeric or (bool(axis.categories) and all(map(is_number, axis.categories)))


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
        numbers=frozenset({2, 3, 4, 5, *(6 + at for at, axis in enumerate(axes) if _of_numbers(axis))}),
        tall=True,
        folded=f"{len(rows)} trials, the best first",
    )
    return Section(name="trials", title="All trials", tables=[table] if rows else [])
