"""What the sweep found: the best configuration, and what fresh seeds say of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from experiments._sweep.ledger.trial_history import flat
from experiments._sweep.report.contents import Folded, Section, Table
from experiments._sweep.report.figures.bars import confirmed_intervals
from experiments._sweep.views.figures import figure, interval
from experiments._sweep.views.words import number, setting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from experiments._sweep.analysis.answers import Answers
    from experiments._sweep.analysis.axis import Axis
    from experiments._sweep.analysis.searched import Searched
    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import TrialHistory

_MOST_LISTED = 12
"""Categories of a choice that are named in a table."""


def range_in_words(axis: Axis) -> str:
    """`0.0001 to 0.1, logarithmic`; `relu, tanh or gelu`; what a dimension was searched over."""
    if not axis.numeric:
        labels = list(axis.labels[:_MOST_LISTED])
        more = len(axis.labels) - len(labels)
        return ", ".join(labels) + (f" and {more} more" if more > 0 else "")
    if axis.mean is not None:
        return f"normal, mean {setting(axis.mean)}, sd {setting(axis.sd)}"
    if axis.lower is None or axis.upper is None:
        return "any number"
    log = ", logarithmic" if axis.log else ""
    step = f", in steps of {setting(axis.step)}" if axis.step not in (None, 1) else ""
    return f"{setting(axis.lower)} to {setting(axis.upper)}{log}{step}"


def best_section(history: History, searched: Searched | None, answers: Answers, confirmed: Any) -> Section:
    """The best configuration and the commands that train it again."""
    best = history.best
    if best is None:
        return Section(name="best", title="The best configuration", short="Best", text=["No trial has a value yet."])
    configurations = (confirmed or {}).get("configurations", ())
    defaults = next((each["config"] for each in configurations if each["trial"] is None), None)
    tables = [_settings(best, searched, defaults)] if searched else []
    tables.append(_measured(best))
    text = (
        f"Trial {best.number} leads the search with {best.metric} {number(best.value)} at epoch {best.epoch} "
        f"of the {len(best.epochs)} it trained."
    )
    whole = json.dumps(best.config, indent=2, ensure_ascii=False, default=str)
    return Section(
        name="best",
        title="The best configuration",
        short="Best",
        text=[text],
        tables=tables,
        commands=[each for each in answers.repeat.commands if each.text != answers.repeat.facts.get("run")],
        texts=[Folded(title="The whole configuration, as JSON", body=whole)],
    )


def _settings(best: TrialHistory, searched: Searched, defaults: Mapping[str, Any] | None) -> Table:
    row = searched.values.get(best.number, {})
    usual = flat(dict(defaults or {}))
    head = ("hyperparameter", f"trial {best.number}", *(("defaults",) if defaults else ()), "searched over")
    rows = []
    for axis in searched.axes:
        value = setting(row[axis.name]) if axis.name in row else "not there"
        default = ((setting(usual[axis.name]) if axis.name in usual else "-",)) if defaults else ()
        rows.append((axis.name, value, *default, range_in_words(axis)))
    return Table(head=head, rows=rows, numbers=frozenset({1, 2} if defaults else {1}), caption="What was searched")


def _measured(best: TrialHistory) -> Table:
    """All that it reported at the epoch that stands for it."""
    metrics = best.epochs[(best.epoch or 1) - 1].metrics
    rows = [
        (name, number(value) if isinstance(value, float) else str(value))
        for name, value in metrics.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and not name.startswith("best_")
    ]
    title = f"What it measured at epoch {best.epoch}"
    return Table(head=("metric", "value"), rows=rows, numbers=frozenset({1}), folded=title)


def confirmed_section(answer: dict[str, Any] | None, answers: Answers) -> Section:
    """What fresh seeds and the test split say, or how to ask them."""
    if answer is None:
        return Section(
            name="real",
            title="Is it real?",
            text=[answers.real.sentence, *answers.real.more],
            commands=answers.real.commands,
        )
    drawn = confirmed_intervals(answer)
    return Section(
        name="real",
        title="Is it real?",
        text=[answers.real.sentence],
        figures=[drawn] if drawn else [],
        tables=[_configurations(answer)],
        commands=answers.real.commands,
        notes=[*answers.real.more],
    )


def _configurations(answer: Mapping[str, Any]) -> Table:
    configurations = answer["configurations"]
    others = list(dict.fromkeys(name for each in configurations for name in each["others"]))[:6]
    rows = []
    for each in configurations:
        difference = each["difference"]
        behind = "best" if each["label"] == answer["winner"] else "-"
        if difference is not None and difference["mean"] is not None:
            worse = difference if answer["mode"] == "min" else _negated(difference)
            behind = f"{interval(worse)}{', tied' if each['tied'] else ''}"
        failed = f" ({each['failed']} of {answer['seeds']} failed)" if each["failed"] else ""
        rows.append(
            (
                each["label"],
                figure(each["promised"], like=each),
                f"{interval(each)}{failed}",
                figure(each["selection_gap"], like=each),
                behind,
                *(figure(each["others"].get(name)) for name in others),
            )
        )
    place = next((at for at, each in enumerate(configurations) if each["label"] == answer["winner"]), None)
    where = "on the test split" if answer["on"] == "test" else "anew"
    return Table(
        head=("", "promised", "confirmed", "gap", "behind the best", *others),
        rows=rows,
        numbers=frozenset(range(1, 5 + len(others))),
        marked=frozenset() if place is None else frozenset({place}),
        caption=f"{answer['metric']} {where}, {answer['seeds']} fresh seeds, 95 % intervals",
    )


def _negated(difference: Mapping[str, Any]) -> dict[str, Any]:
    low, high = (None if (end := difference[name]) is None else -end for name in ("high", "low"))
    return {"mean": -difference["mean"], "low": low, "high": high}
