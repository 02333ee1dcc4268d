"""How the search went: progress, curves, hyperparameters, importance, edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments._sweep.analysis.asking import range_in_words
from experiments._sweep.analysis.edges import at_edges, has_ends
from experiments._sweep.analysis.leading import FEWEST, leading
from experiments._sweep.report.contents import Section, Table
from experiments._sweep.report.figures.bars import importance_bars
from experiments._sweep.report.figures.curves import learning_curves
from experiments._sweep.report.figures.drawing import FAILED, FEWER, GOOD, LEADING, OTHERS, groups
from experiments._sweep.report.figures.parallel import parallel_coordinates
from experiments._sweep.report.figures.progress import best_over_time, best_over_trials
from experiments._sweep.report.figures.slices import beyond, slices
from experiments._sweep.views.words import setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiments._sweep.analysis.answer import Answer
    from experiments._sweep.analysis.axis import Axis
    from experiments._sweep.analysis.edges import Edge
    from experiments._sweep.analysis.importance import Importance
    from experiments._sweep.analysis.progress import Progress
    from experiments._sweep.analysis.searched import Searched
    from experiments._sweep.analysis.timeline import Timeline
    from experiments._sweep.ledger.history import History

_MOST_LISTED = 6
"""Categories of the leading trials that are named."""


def progress_section(history: History, progress: Progress, timeline: Timeline) -> Section:
    """The best value over trials and over time."""
    if not progress.by_epoch:
        return Section(name="progress", title="Best value so far", text=["No trial has a value yet."])
    figures = [best_over_time(history, progress, timeline)]
    if progress.by_ended:
        figures.insert(0, best_over_trials(history, progress))
    return Section(name="progress", title="Best value so far", short="Progress", layout="two", figures=figures)


def curves_section(history: History) -> Section:
    """The learning curves."""
    drawn = learning_curves(history)
    text = [] if drawn else ["No trial has more than one epoch with a value."]
    return Section(name="curves", title="Learning curves", short="Curves", text=text, figures=[drawn] if drawn else [])


def hyperparameter_sections(
    history: History, searched: Searched | None, important: Importance, matters: Answer
) -> Iterator[Section]:
    """Parallel coordinates, slices, importance, edges."""
    if searched is None:
        yield Section(name="parallel", title="Hyperparameters", text=["Nothing was searched: every value was given."])
        return
    edges, order = at_edges(history), tuple(share.name for share in important.shares)
    lines = parallel_coordinates(history, searched, order)
    if lines is not None:
        yield Section(name="parallel", title="All hyperparameters together", short="All together", figures=[lines])
    drawn = slices(history, searched, edges, order)
    if drawn:
        yield Section(
            name="slices",
            title="Each hyperparameter against the metric",
            short="One by one",
            text=[_slices_in_words(ordered=bool(important.shares))],
            key=_key(history, edges),
            figures=drawn,
            layout="three",
            notes=[each for each in (searched.note, beyond(history).strip(), _fewer(history)) if each],
        )
    yield _importance(important, matters)
    yield _edges(history, searched, edges)


def _fewer(history: History) -> str:
    return FEWER.strip() if history.last_counts else ""


def _slices_in_words(*, ordered: bool) -> str:
    first = "The most important first. " if ordered else ""
    return f"{first}A point is a trial with the value that stands for it; among categories it is moved a little aside."


def _key(history: History, edges: tuple[Edge, ...]) -> list[tuple[str, str]]:
    colours = {LEADING: "leading", GOOD: "good", OTHERS: "others", FAILED: "failed"}
    found = groups(history)
    key = [(colours[group.colour], group.name) for group in reversed(found) if group.colour != FAILED]
    if any(trial.state != "completed" for trial in history.ranked):
        key.append(("early", "open: ended before its budget"))
    if any(group.colour == FAILED for group in found):
        key.append(("failed", "failed, without a value: at the worst side of the axis"))
    return [*key, ("edge", "a bound at which the leading trials crowd")] if edges else key


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 or share == 0 else f"{share:.1%}"


def _importance(important: Importance, matters: Answer) -> Section:
    drawn = importance_bars(important)
    if drawn is None:
        return Section(name="importance", title="What mattered", text=[important.reason], notes=[*important.notes])
    rows = [
        (
            share.name,
            _percent(share.share),
            f"{_percent(share.low)} to {_percent(share.high)}",
            _percent(share.chance),
            "yes" if share.stands_out else "no",
            str(share.trials),
        )
        for share in important.shares
    ]
    stand_out = frozenset(place for place, share in enumerate(important.shares) if share.stands_out)
    table = Table(
        head=("hyperparameter", "share", "95 of 100 halves", "as much by chance", "stands out", "trials"),
        rows=rows,
        numbers=frozenset({1, 2, 3, 5}),
        marked=stand_out,
        caption="Marked: chance alone gives as much in at most 1 of 20 cases" if stand_out else "None stands out",
    )
    how = f"By {important.evaluator} of Optuna ({important.paper}), on {important.trials} trials."
    return Section(
        name="importance",
        title="What mattered",
        short="Importance",
        text=[matters.sentence, *matters.facts.get("explained", ())],
        figures=[drawn],
        tables=[table],
        notes=[how, *important.notes],
    )


def _edges(history: History, searched: Searched, edges: tuple[Edge, ...]) -> Section:
    judged = leading(history)
    numbers = judged or [trial.number for trial in history.ranked[:3]]
    title, short = "Ranges with their optimum at an edge", "Edges"
    if not numbers:
        return Section(name="edges", title=title, short=short, text=["No trial has a value yet."])
    best = numbers[0]
    rows: list[tuple[str, ...]] = []
    marked: set[int] = set()
    for axis in searched.axes:
        at = [edge for edge in edges if edge.name == axis.name]
        if at:
            marked.add(len(rows))
        row = searched.values.get(best, {})
        rows.append(
            (
                axis.name,
                range_in_words(axis),
                setting(row[axis.name]) if axis.name in row else "not there",
                _where(axis, searched, numbers),
                _optimum(axis, at, row, seen=any(axis.name in searched.values.get(each, {}) for each in judged)),
            )
        )
    table = Table(
        head=("hyperparameter", "searched over", f"trial {best}", f"leading {len(numbers)} trials", "where they lie"),
        rows=rows,
        marked=frozenset(marked),
    )
    none = (
        "At no bound do more of the leading trials lie than of all that were tried, beyond what chance explains: no "
        "range has to be widened for what was found."
    )
    few = f"Too few to say whether the leading trials crowd at a bound: it takes {FEWEST} that have ended."
    text = [edge.sentence for edge in edges] or [none if judged else few]
    return Section(name="edges", title=title, short=short, text=text, tables=[table])


def _optimum(axis: Axis, at: list[Edge], best: dict[str, Any], *, seen: bool) -> str:
    """Where the best trial and the leading ones lie; nothing of a hyperparameter that none of them has."""
    if not at:
        return "no crowd at a bound" if seen and has_ends(axis) else ""
    said = []
    for edge in at:
        many = 2 * edge.crowded >= edge.leading
        who = (
            ("best and leading" if many else "best")
            if edge.best
            else "leading, not the best,"
            if edge.name in best
            else "leading"
        )
        said.append(f"{who} at the {edge.side} bound{', as is most of the search' if edge.led else ''}")
    return " and ".join(said)


def _where(axis: Axis, searched: Searched, numbers: list[int]) -> str:
    """Between which values the leading trials lie, or which they have how often."""
    rows = [searched.values.get(number, {}) for number in numbers]
    had = [row[axis.name] for row in rows if axis.name in row]
    if not had:
        return "none has it"
    some = f" ({len(had)} have it)" if len(had) < len(numbers) else ""
    if axis.numeric:
        least, most = setting(min(had)), setting(max(had))
        return f"{least if least == most else f'{least} to {most}'}{some}"
    counts: dict[str, int] = {}
    for value in had:
        label = axis.label(value)
        counts[label] = counts.get(label, 0) + 1
    order = sorted(counts.items(), key=lambda pair: -pair[1])
    more = f" and {len(order) - _MOST_LISTED} more" if len(order) > _MOST_LISTED else ""
    return ", ".join(f"{label} x {count}" for label, count in order[:_MOST_LISTED]) + more + some
