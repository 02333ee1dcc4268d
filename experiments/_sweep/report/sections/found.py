"""What the sweep found: the best configuration, and what fresh seeds say of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from experiments._sweep.analysis.asking import fixed_settings, range_in_words
from experiments._sweep.analysis.winning import first_confirmed
from experiments._sweep.ledger.trial_history import flat
from experiments._sweep.report.contents import Folded, Section, Table
from experiments._sweep.report.figures.confirmed import confirmed_intervals
from experiments._sweep.views.confirmation import negated
from experiments._sweep.views.figures import figure, interval, lopsided
from experiments._sweep.views.words import number, setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from experiments._sweep.analysis.answers import Answers
    from experiments._sweep.analysis.searched import Searched
    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import TrialHistory

ABSENT = "not there"
OWN = "its own"
"""A default that no ledger has: the trainable's, or its model's, own."""


def best_section(history: History, searched: Searched | None, answers: Answers, confirmed: Any) -> Section:
    """The best configuration, that which came first on fresh seeds where it is another, and what trains them again."""
    best = history.best
    if best is None:
        return Section(name="best", title="The best configuration", short="Best", text=["No trial has a value yet."])
    configurations = (confirmed or {}).get("configurations", ())
    defaults = next((each["config"] for each in configurations if each["trial"] is None), None)
    first = first_confirmed(confirmed)
    shown = {best.number: best}
    if first is not None and first["trial"] in history.trials:
        shown.setdefault(first["trial"], history.trials[first["trial"]])
    tables = [_settings([*shown.values()], searched, defaults)] if searched else []
    tables += [_measured(trial) for trial in shown.values()]
    whole = "The whole configuration of trial {}, as JSON"
    texts = [_as_json(whole.format(trial.number), trial.config) for trial in shown.values()]
    texts += [_as_json("The defaults' configuration, as JSON", defaults)] if defaults is not None else []
    title = "The best configuration" if len(shown) == 1 else "The best configurations"
    return Section(
        name="best",
        title=title,
        short="Best",
        text=[
            *_stands(best, [*shown.values()][1:]),
            *([_defaults_in_words(history, tables)] if defaults is not None else []),
        ],
        tables=tables,
        commands=[each for each in answers.repeat.commands if each.text != answers.repeat.facts.get("run")],
        texts=texts,
    )


def _as_json(title: str, config: Mapping[str, Any]) -> Folded:
    return Folded(title=title, body=json.dumps(config, indent=2, ensure_ascii=False, default=str))


def _stands(best: TrialHistory, others: Sequence[TrialHistory]) -> Iterator[str]:
    """What each of them reached in the search."""
    at = f"at epoch {best.epoch} of the {len(best.epochs)} it trained"
    yield f"Trial {best.number} leads the search with {best.metric} {figure(best.value)} {at}."
    for trial in others:
        yield (
            f"Trial {trial.number} came first on fresh seeds; in the search it had {trial.metric} "
            f"{figure(trial.value)}. Is it real? says whether the two can be told apart."
        )


def _defaults_in_words(history: History, tables: Sequence[Table]) -> str:
    """What the word means, in a line."""
    trainable, epochs = history.asks["trainable"], history.asks["epochs"]
    fixed = ", ".join(fixed_settings(history))
    same = (
        f"what the space fixes ({fixed}) and the budget of {epochs} epochs are"
        if fixed
        else (f"the budget of {epochs} epochs is")
    )
    own = any(OWN in row for table in tables for row in table.rows)
    what = f" '{OWN}' is a value that the trainable or its model chooses, which no ledger has." if own else ""
    return f"Defaults: {trainable} as it is without any of the searched settings; {same} the same.{what}"


def _settings(trials: Sequence[TrialHistory], searched: Searched, defaults: Mapping[str, Any] | None) -> Table:
    usual = flat(dict(defaults or {}))
    names = (f"trial {trial.number}" for trial in trials)
    head = ("hyperparameter", *names, *(("defaults",) if defaults is not None else ()), "searched over")
    rows = []
    for axis in searched.axes:
        had = [searched.values.get(trial.number, {}) for trial in trials]
        values = (setting(row[axis.name]) if axis.name in row else ABSENT for row in had)
        default = (_default(axis.name, usual),) if defaults is not None else ()
        rows.append((axis.name, *values, *default, range_in_words(axis)))
    numbers = frozenset(range(1, 1 + len(trials) + (defaults is not None)))
    return Table(head=head, rows=rows, numbers=numbers, caption="What was searched")


def _default(name: str, usual: Mapping[str, Any]) -> str:
    """What the defaults had, as far as their configuration says it."""
    if name in usual:
        return "none" if usual[name] is None else setting(usual[name])
    if f"{name}.name" in usual:
        return setting(usual[f"{name}.name"])
    before, of_a_branch, key = name.rpartition("].")
    choice, _, label = before.rpartition("[")
    taken = usual.get(choice, usual.get(f"{choice}.name")) if of_a_branch else None
    if taken is not None and str(taken) != label:
        return ABSENT
    inside = usual.get(f"{choice}.{key}") if of_a_branch else None
    return OWN if inside is None else setting(inside)


def _measured(best: TrialHistory) -> Table:
    """All that it reported at the epoch that stands for it."""
    metrics = best.epochs[(best.epoch or 1) - 1].metrics
    rows = [
        (name, number(value) if isinstance(value, float) else str(value))
        for name, value in metrics.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and not name.startswith("best_")
    ]
    title = f"What trial {best.number} measured at epoch {best.epoch}"
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
    ends = any(lopsided(each) or lopsided(each["difference"]) for each in configurations)
    rows = []
    for each in configurations:
        failed = f" ({each['failed']} of {answer['seeds']} failed)" if each["failed"] else ""
        rows.append(
            (
                each["label"],
                figure(each["promised"], like=each),
                f"{interval(each, ends=ends)}{failed}",
                figure(each["selection_gap"], like=each),
                _behind(each, answer, ends=ends),
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
        caption=(
            f"{answer['metric']} {where}: the mean of {answer['seeds']} fresh seeds with its 95 % interval; promised "
            f"is the {answer.get('searched_metric', 'value')} of the search, the gap is promised less confirmed"
        ),
    )


def _behind(each: Mapping[str, Any], answer: Mapping[str, Any], *, ends: bool) -> str:
    """By how much it is worse than the best one, and whether that may be chance."""
    difference = each["difference"]
    if difference is None or difference["mean"] is None:
        return "best" if each["label"] == answer["winner"] else "-"
    worse = difference if answer["mode"] == "min" else negated(difference)
    return f"{interval(worse, ends=ends)}{', tied' if each['tied'] else ''}"
