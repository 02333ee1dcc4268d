"""Parallel coordinates: each trial a line over all that was searched, to the value it reached.

Of ordinary lines: plotly's own `parcoords` needs WebGL and makes functions out of texts, which the page forbids.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from experiments._sweep.analysis.leading import comparable
from experiments._sweep.report.figures.drawing import (
    FEWER,
    LEADING,
    OTHERS,
    Figure,
    about,
    digits,
    empty,
    groups,
    text,
)
from experiments._sweep.views.words import number, setting

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from experiments._sweep.analysis.axis import Axis
    from experiments._sweep.analysis.searched import Searched
    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import TrialHistory
    from experiments._sweep.report.figures.drawing import Group

ABSENT = -0.12
"""Where a line passes an axis that its trial does not have, below all values."""
MOST_LABELS = 8
"""Categories that are named at an axis."""
MOST_AXES = 13
MOST_CHARACTERS = 12
"""Of a line of an axis' name."""
FEWEST = 0.1
"""Share of the trials that must have a dimension; of one that hardly any has, nothing can be seen here."""
MOST_TRIALS = 150
"""Lines of a group that are drawn: more of them are one grey area."""
AXIS_PX = 82
"""What an axis needs, so that its name does not run into the next one's."""


def parallel_coordinates(history: History, searched: Searched, order: tuple[str, ...]) -> Figure | None:
    """The lines, the leading trials on top; None where less than two dimensions were searched.

    `order` has the names of the dimensions by their importance, as far as that is known.
    """
    axes = _shown(searched, order)
    if len(axes) < 2:
        return None
    found = groups(history)
    placed = [trial for group in found for trial in group.trials if comparable(history, trial)]
    if not placed:
        return None
    scale = _Values(history, placed)
    trials = sum(len(group.trials) for group in found)
    absent = any(axis.conditional for axis in axes) or len(placed) < trials
    figure = empty(480, margin={"t": 34, "l": 60, "r": 110, "b": 14})
    for group in found:
        _lines(figure, group, axes, searched, scale)
    last = len(axes)
    figure.update_xaxes(visible=False, range=[-0.3, last + 0.3])
    figure.update_yaxes(visible=False, range=[ABSENT - 0.04 if absent else -0.04, 1.19])
    for place, axis in enumerate(axes):
        _axis(figure, place, axis.name, _labels(axis, searched))
    _axis(figure, last, history.asks["metric"], scale.labels())
    if absent:
        _level_of_the_absent(figure, last)
    caption = _caption(len(searched.axes), last, most=max(len(group.trials) for group in found))
    caption += FEWER if history.last_counts else ""
    width = AXIS_PX * (last + 1) + 110
    return Figure(name="parallel", title="Parallel coordinates", figure=figure, caption=caption, width=width)


def _level_of_the_absent(figure: go.Figure, last: int) -> None:
    figure.add_annotation(
        x=0, y=ABSENT, text="not there", showarrow=False, xanchor="right", xshift=-8, font={"size": 10}
    )
    line = {"width": 1, "dash": "dot", "color": OTHERS}
    figure.add_shape(type="line", x0=0, x1=last, y0=ABSENT, y1=ABSENT, line=line, layer="below")


def _caption(dimensions: int, shown: int, *, most: int) -> str:
    parts = [
        "Each line is a trial: from what was chosen for it to the value it reached, at the right, where up is better.",
        "A name in the legend hides its lines with a click, and shows them alone with two.",
    ]
    if shown < dimensions:
        parts.append(f"Left out: {dimensions - shown} of {dimensions} that few trials have, or that mattered least.")
    if most > MOST_TRIALS:
        parts.append(f"At most {MOST_TRIALS} lines of a group are drawn.")
    return " ".join(parts)


def _shown(searched: Searched, order: tuple[str, ...]) -> list[Axis]:
    """The dimensions that there is room for, in the order of the space: of those that many have, what matters most."""
    rows = searched.values.values()
    places = {name: place for place, name in enumerate(order)}
    had = {axis.name: sum(axis.name in row for row in rows) for axis in searched.axes}
    many = [axis for axis in searched.axes if had[axis.name] >= max(1, FEWEST * len(rows))]
    kept = {axis.name for axis in sorted(many, key=lambda axis: places.get(axis.name, len(places)))[:MOST_AXES]}
    return [axis for axis in many if axis.name in kept]


class _Values:
    """The last axis: the metric, good values at the top, with the room of the many and not of the few far off."""

    def __init__(self, history: History, placed: list[TrialHistory]) -> None:
        values = sorted(trial.value for trial in placed if trial.value is not None)
        good = values if history.asks["mode"] == "min" else values[::-1]
        self.best, self.worst = good[0], good[min(len(good) - 1, math.ceil(0.9 * len(good)))]
        self.log = min(values) > 0 and max(self.best, self.worst) / min(self.best, self.worst) >= 10
        self._placed = {trial.number for trial in placed}

    def place(self, trial: TrialHistory) -> float:
        """From 0 for the worst that is told apart to 1 for the best; below all for one that cannot be compared."""
        if trial.value is None or trial.number not in self._placed:
            return ABSENT
        if self.worst == self.best:
            return 1.0
        return min(1.0, max(0.0, (self._scaled(self.worst) - self._scaled(trial.value)) / self._span))

    @property
    def _span(self) -> float:
        return self._scaled(self.worst) - self._scaled(self.best)

    def _scaled(self, value: float) -> float:
        return math.log(max(value, 1e-300)) if self.log else value

    def labels(self) -> list[tuple[float, str]]:
        """Places and what stands there."""
        if self.worst == self.best:
            return [(1.0, number(self.best))]
        middle = (self._scaled(self.worst) + self._scaled(self.best)) / 2
        return [
            (0.0, f"{number(self.worst)} or worse"),
            (0.5, number(math.exp(middle) if self.log else middle)),
            (1.0, number(self.best)),
        ]


def _lines(figure: go.Figure, group: Group, axes: list[Axis], searched: Searched, scale: _Values) -> None:
    x: list[float | None] = []
    y: list[float | None] = []
    told: list[str | None] = []
    step = max(1.0, len(group.trials) / MOST_TRIALS)
    for place in range(min(len(group.trials), MOST_TRIALS)):
        trial = group.trials[int(place * step)]
        row = searched.values.get(trial.number, {})
        spread = 0.0 if group.colour == LEADING else _spread(trial)
        for at, axis in enumerate(axes):
            x.append(at)
            y.append(digits(_height(axis, row, searched, spread)))
            had = text(setting(row[axis.name]), 40) if axis.name in row else "not there"
            told.append(f"{about(trial)}<br>{text(axis.name)}: {had}")
        x.append(len(axes))
        y.append(digits(scale.place(trial)))
        told.append(about(trial))
        x.append(None)
        y.append(None)
        told.append(None)
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        name=text(group.name),
        opacity=group.opacity,
        line={"color": group.colour, "width": 2.6 if group.colour == LEADING else 1.1},
        hovertext=told,
        hoverinfo="text",
        legendrank=1000 - len(figure.data),
    )


def _height(axis: Axis, row: dict[str, Any], searched: Searched, spread: float) -> float:
    if axis.name not in row:
        return ABSENT
    place = searched.position(axis, row[axis.name])
    if place is None:
        return ABSENT
    # Lines through one category lie beside each other, so that one sees how many they are.
    return place if axis.numeric else place + spread * min(0.5 / max(1, len(axis.categories)), 0.1)


def _spread(trial: TrialHistory) -> float:
    """From -1 to 1, evenly over the numbers of trials."""
    return 2 * (trial.number * 0.6180339887 % 1) - 1


def _labels(axis: Axis, searched: Searched) -> list[tuple[float, str]]:
    """What stands at an axis, from the bottom to the top: the ends of a range, or the categories."""
    if axis.numeric:
        lower, upper = searched.bounds(axis)
        if axis.kind == "int" and not axis.log and axis.step in (None, 1) and 0 < upper - lower < MOST_LABELS:
            each = range(int(lower), int(upper) + 1)
            return [(searched.position(axis, value) or 0.0, str(value)) for value in each]
        middle = math.sqrt(lower * upper) if axis.log else (lower + upper) / 2
        middle = round(middle) if axis.kind == "int" else middle
        ticks = [(lower, _short(lower)), (middle, _short(middle)), (upper, _short(upper))]
        return [(searched.position(axis, value) or 0.0, label) for value, label in ticks[: 1 if lower == upper else 3]]
    count = len(axis.categories)
    every = math.ceil(count / MOST_LABELS)
    return [((place + 0.5) / count, axis.labels[place]) for place in range(0, count, every)]


def _short(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e6 else f"{value:.2g}"


def _axis(figure: go.Figure, place: int, name: str, labels: list[tuple[float, str]]) -> None:
    figure.add_shape(type="line", x0=place, x1=place, y0=0, y1=1, line={"width": 1, "color": "#7a8696"}, layer="below")
    figure.add_annotation(
        x=place, y=1.045, text=f"<b>{_wrapped(name)}</b>", showarrow=False, yanchor="bottom", font={"size": 11}
    )
    for at, label in labels:
        figure.add_annotation(
            x=place,
            y=at,
            text=text(label, 18),
            showarrow=False,
            xanchor="left",
            xshift=3,
            font={"size": 10},
            bgcolor="rgba(127,127,127,0.14)",
            borderpad=1,
        )


def _wrapped(name: str) -> str:
    """A name on up to three lines, broken where its parts meet; of a longer one the end, which tells it from others."""
    lines = [""]
    for part in re.split(r"(?<=[\]._])|(?=\[)", name):
        if lines[-1] and len(lines[-1]) + len(part) > MOST_CHARACTERS:
            lines.append("")
        lines[-1] += part
    return "<br>".join(text(line, MOST_CHARACTERS + 3) for line in lines[-3:])
