"""What a confirmation has found, on one screen: a row per configuration, the best first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Group
from rich.table import Table
from rich.text import Text

from experiments._sweep.views.figures import figure, interval
from experiments._sweep.views.words import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from experiments._sweep.ledger.history import History

    Column = tuple[str, list[str]]
    """Heading and cells."""

GAP = 2
"""Spaces between two columns."""


def confirmation_table(answer: Mapping[str, Any], width: int) -> Group:
    """A line of what was measured; then one row a configuration, the best first; the confirmed best one marked.

    Args:
        answer: As `answer_of` gives it.
        width: Characters in a line. Means of other metrics stand last, and only as far as they fit.
    """
    where = "on the test split" if answer["on"] == "test" else "anew"
    title = f"{clean(answer['sweep'])}: {clean(answer['metric'])} {where}, {answer['seeds']} fresh seeds"
    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False)
    columns = _needed(answer)
    left = width - sum(map(_width, columns))
    for column in _others(answer):
        left -= _width(column)
        if left >= 0:
            columns.append(column)
    for place, (heading, _) in enumerate(columns):
        table.add_column(Text(heading), justify="right" if place else "left", overflow="fold")
    for row, each in enumerate(answer["configurations"]):
        style = "bold green" if each["label"] == answer["winner"] else None
        table.add_row(*(Text(cells[row]) for _, cells in columns), style=style)
    return Group(Text(f"{title}, 95 % intervals"), table)


def _needed(answer: Mapping[str, Any]) -> list[Column]:
    """The columns without which there is no answer."""
    configurations, seeds = answer["configurations"], answer["seeds"]
    failed = [f"\n{each['failed']} of {seeds} failed" if each["failed"] else "" for each in configurations]
    confirmed = [f"{interval(each)}{how_many}" for each, how_many in zip(configurations, failed, strict=True)]
    return [
        ("", [clean(each["label"]) for each in configurations]),
        ("promised", [figure(each["promised"], like=each) for each in configurations]),
        ("confirmed", confirmed),
        ("gap", [figure(each["selection_gap"], like=each) for each in configurations]),
        ("behind the best", [_behind(each, answer) for each in configurations]),
    ]


def _others(answer: Mapping[str, Any]) -> list[Column]:
    """What may be left out: the luck in the gap, the mean of the search's metric, those of what else was measured."""
    configurations = answer["configurations"]
    names = dict.fromkeys(name for each in configurations for name in each["others"])
    others = [(clean(name), [figure(each["others"].get(name)) for each in configurations]) for name in names]
    if answer["on"] != "test":
        return others
    validation = [figure(each["validation"], like=each) for each in configurations]
    luck = [figure(each["luck"], like=each) for each in configurations]
    return [("luck", luck), (clean(answer["searched_metric"]), validation), *others]


def _width(column: Column) -> int:
    heading, cells = column
    return GAP + max(cell_len(line) for text in (heading, *cells) for line in (text.splitlines() or [""]))


def _behind(configuration: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """By how much it is worse than the best one, and whether that may be chance."""
    difference = configuration["difference"]
    if difference is None:
        return "best" if configuration["label"] == answer["winner"] else "-"
    if difference["mean"] is None:
        return "-"
    worse = difference if answer["mode"] == "min" else negated(difference)
    return f"{interval(worse)}{' tied' if configuration['tied'] else ''}"


def negated(difference: Mapping[str, Any]) -> dict[str, Any]:
    """A difference the other way round."""
    low, high = (None if (end := difference[name]) is None else -end for name in ("high", "low"))
    return {"mean": -difference["mean"], "low": low, "high": high}


def looks_line(looks: int) -> str:
    """How often the test split was used for a sweep."""
    if looks == 1:
        return "The test split was used once."
    times = "twice" if looks == 2 else f"{looks} times"
    return f"The test split was used {times}: each further use makes what it says more hopeful than it should be."


def overtaken(answer: Mapping[str, Any], history: History) -> list[str]:
    """What is to be said where the search went on since it was confirmed, and another trial leads it now."""
    best = history.best
    if best is None or answer["searched_winner"] == f"trial {best.number}":
        return []
    return [f"The search has gone on since it was confirmed, and trial {best.number} leads it now."]
