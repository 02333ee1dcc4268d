"""What all figures share: texts that are safe in them, colours with a meaning, the axis of a metric."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import quantiles
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from experiments._sweep.analysis.leading import leading
from experiments._sweep.ledger.records import SUCCESSES
from experiments._sweep.views.words import clean, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import TrialHistory

LONGEST = 60
"""Characters of a text in a figure; the page's tables have the whole of it."""

LEADING, GOOD, OTHERS, FAILED = "#e8590c", "#3b82c4", "#98a2b0", "#c92a2a"
"""Colours that can be told apart by whoever does not see all of them, on a light page and on a dark one."""
ENDINGS = {
    "completed": "#2f7fb8",
    "stopped": "#a9b2bd",
    "held": "#e6c14a",
    "running": "#2aa187",
    "interrupted": "#c9a0dc",
    "diverged": "#d9480f",
    "out_of_memory": "#b5179e",
    "error": "#c92a2a",
    "timed_out": "#8d6b3f",
    "lost": "#5f3dc4",
}
"""Ending of a trial, or state of one that has not ended, to its colour."""
COLOURS = ("#2f7fb8", "#e8590c", "#2aa187", "#8a5cd1", "#b8860b", "#d6457b", "#5c7c2f", "#7a8696")
"""Of sweeps that are compared."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure and the words under it."""

    name: str
    """Of the element that holds it: small letters and dashes."""
    title: str
    figure: go.Figure
    caption: str = ""
    width: int = 0
    """Pixels without which it cannot be read; narrower, it is scrolled."""

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.figure.layout.height)


@dataclass(frozen=True, kw_only=True)
class Group:
    """Trials that stand equally well in a sweep."""

    name: str
    colour: str
    opacity: float
    trials: tuple[TrialHistory, ...]


FEWER = " A trial that ended early stands with an estimate from fewer folds, which cannot be compared with the others."
"""What is to be said where the last value of a trial counts."""


def text(given: object, longest: int = LONGEST) -> str:
    """A text as it stands, for plotly, which reads some HTML and `%{...}` in what it is given."""
    shown = clean(str(given))
    shown = shown if len(shown) <= longest else f"{shown[: longest - 1]}…"
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("%", "&#37;"), ("$", "&#36;")):
        shown = shown.replace(character, entity)
    return shown


def digits(value: float) -> float:
    """With as many digits as a figure can show."""
    return float(f"{value:.6g}")


def arms(estimates: Sequence[tuple[float, float | None, float | None]], color: str, thickness: float) -> dict[str, Any]:
    """The whiskers of values, each with the ends of its interval, where it has one."""
    above = [0.0 if high is None else digits(max(0.0, high - value)) for value, _, high in estimates]
    below = [0.0 if low is None else digits(max(0.0, value - low)) for value, low, _ in estimates]
    look = {"color": color, "thickness": thickness, "width": 4}
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, **look}


def empty(height: int, **layout: Any) -> go.Figure:
    """A figure without anything in it; the page gives it its template."""
    figure = go.Figure()
    figure.update_layout(template=None, height=height, **layout)
    return figure


def groups(history: History) -> list[Group]:
    """The trials by how they stand: those that failed, the others, the leading ones, the best last of all."""
    ranked = history.ranked
    counted = {*leading(history)} or {trial.number for trial in ranked[: math.ceil(len(ranked) / 4)]}
    failed = [trial for trial in history.trials.values() if trial.ended and trial.state not in SUCCESSES]
    first = [trial for trial in ranked[1:] if trial.number in counted]
    rest = [trial for trial in ranked[1:] if trial.number not in counted]
    best = f"best: trial {ranked[0].number}" if ranked else ""
    found = [
        Group(name=f"failed ({len(failed)})", colour=FAILED, opacity=0.6, trials=tuple(failed)),
        Group(name=f"the rest ({len(rest)})", colour=OTHERS, opacity=0.45, trials=tuple(rest)),
        Group(name=f"the other {len(first)} leading", colour=GOOD, opacity=0.75, trials=tuple(first)),
        Group(name=best, colour=LEADING, opacity=1.0, trials=tuple(ranked[:1])),
    ]
    return [group for group in found if group.trials]


def about(trial: TrialHistory) -> str:
    """What is told of a trial where one points at it."""
    lines = [f"<b>trial {trial.number}</b> {text(trial.state)}"]
    if trial.value is not None:
        lines.append(f"{text(trial.metric)} {text(number(trial.value))} at epoch {trial.epoch} of {len(trial.epochs)}")
    elif trial.why:
        lines.append(text(trial.why))
    return "<br>".join(lines)


@dataclass(frozen=True, kw_only=True)
class ValueAxis:
    """The axis of a metric, so that the good values can be told apart although some are bad beyond measure."""

    layout: dict[str, Any]
    hidden: int
    """Values that lie beyond it."""

    @property
    def words(self) -> str:
        """What is to be said of it."""
        if not self.hidden:
            return ""
        lie = "value lies" if self.hidden == 1 else "values lie"
        return f" {self.hidden} {lie} beyond the axis, which ends where the many do."


def value_axis(values: Iterable[float], metric: str, mode: str, *, worst: float | None = None) -> ValueAxis:
    """The axis for the values of a metric: logarithmic where they span orders of magnitude, without what is far off.

    `worst` is a value that must be seen, whatever the others are.
    """
    known = sorted(values if mode == "min" else (-value for value in values))
    title = f"{text(metric)} ({'lower' if mode == 'min' else 'higher'} is better)"
    layout: dict[str, Any] = {"title": {"text": title}}
    if len(known) < 4:
        return ValueAxis(layout=layout, hidden=0)
    low, high = known[0], _end(known)
    if worst is not None:
        high = max(high, worst if mode == "min" else -worst)
    if mode == "min" and low > 0 and high / low >= 30:
        margin = 0.05 * (math.log10(high) - math.log10(low))
        ends = [math.log10(low) - margin, math.log10(high) + margin]
        layout |= {"type": "log", "range": ends, **log_ticks(low, high)}
    elif high > low:
        margin = 0.05 * (high - low)
        ends = [low - margin, high + margin]
        layout["range"] = ends if mode == "min" else [-end for end in reversed(ends)]
    return ValueAxis(layout=layout, hidden=sum(value > high for value in known))


def log_ticks(low: float, high: float) -> dict[str, Any]:
    """The places that are named on a logarithmic axis: decades, with 2 and 5 between them where there is room."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    factors = (1, 2, 5) if high / low <= 150 else (1,)
    every = max(1, math.ceil((last - first) / 8))
    values = [float(f"{factor}e{size}") for size in range(first, last + 1, every) for factor in factors]
    return {"tickmode": "array", "tickvals": values, "ticktext": [f"{value:.3g}" for value in values]}


def _end(known: Sequence[float]) -> float:
    """The worst value that is not far off, as box plots have it, of values in ascending order."""
    first, _, third = quantiles(known, n=4, method="inclusive")
    fence = third + 3 * (third - first)
    if known[0] > 0:  # on a logarithmic scale as well: losses spread upwards
        ratio = third / first
        fence = max(fence, third * min(ratio * ratio, 30.0))
    return max((value for value in known if value <= fence), default=known[-1])
