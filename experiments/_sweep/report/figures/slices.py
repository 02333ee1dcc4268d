"""Each hyperparameter against the metric, logarithmic where its range is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from experiments._sweep.report.figures.drawing import (
    FAILED,
    LEADING,
    OTHERS,
    Figure,
    ValueAxis,
    about,
    digits,
    empty,
    groups,
    log_ticks,
    text,
    value_axis,
)
from experiments._sweep.views.words import setting

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from experiments._sweep.analysis.axis import Axis
    from experiments._sweep.analysis.edges import Edge
    from experiments._sweep.analysis.searched import Searched
    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import TrialHistory
    from experiments._sweep.report.figures.drawing import Group

HEIGHT = 250
WORST = 0.975
"""Of the height: where a trial without a value stands, as if it were the worst of all."""
FEW = 12
MOST_LABELS = 10
"""Categories that are named at an axis."""


def slices(history: History, searched: Searched, edges: tuple[Edge, ...], order: tuple[str, ...]) -> list[Figure]:
    """A small figure for each dimension, in the order of the names given, those without one last."""
    found = groups(history)
    if not history.ranked:
        return []
    axis_of_values = _axis_of_values(history)
    places = {name: place for place, name in enumerate(order)}
    axes = [axis for axis in searched.axes if any(axis.name in row for row in searched.values.values())]
    axes.sort(key=lambda axis: places.get(axis.name, len(places)))
    figures = []
    for place, axis in enumerate(axes):
        figure = empty(HEIGHT, showlegend=False, margin={"t": 8, "l": 58, "r": 14, "b": 34})
        figure.update_yaxes(**axis_of_values.layout)
        figure.update_yaxes(title={"text": text(history.asks["metric"], 24)})
        for group in found:
            _points(figure, group, axis, searched)
        _scale(figure, axis, searched)
        for edge in edges:
            if edge.name == axis.name:
                figure.add_vline(x=_bound(axis, edge), line={"color": "#e8590c", "width": 2, "dash": "dash"})
        active = sum(axis.name in row for row in searched.values.values())
        some = f"{active} of {len(history.trials)} trials have it." if active < len(history.trials) else ""
        figures.append(Figure(name=f"slice-{place}", title=axis.name, figure=figure, caption=some))
    return figures


def _bound(axis: Axis, edge: Edge) -> float:
    """Where the end of a range is on its axis; among categories, at that of its value."""
    number = None if axis.numeric else axis.number_of(edge.bound)
    return edge.bound if number is None else number


def beyond(history: History) -> str:
    """What is to be said of the values that the small figures do not show."""
    return _axis_of_values(history).words


def _axis_of_values(history: History) -> ValueAxis:
    """Of the trials that did not fail; those that did have a place of their own, whatever they had reached."""
    values = [trial.value for trial in history.ranked if trial.value is not None]
    return value_axis(values, history.asks["metric"], history.asks["mode"])


def _points(figure: go.Figure, group: Group, axis: Axis, searched: Searched) -> None:
    """A group's trials; those without a value stand at the worst side, where one sees which settings fail."""
    failed, aside = group.colour == FAILED, group.colour != LEADING
    placed = [
        (place, trial)
        for trial in group.trials
        if (place := _place(axis, searched.values.get(trial.number, {}), trial, aside=aside)) is not None
        and (failed or trial.value is not None)
    ]
    if not placed:
        return
    whole = [trial.state == "completed" for _, trial in placed]
    worst = WORST if placed[0][1].mode == "min" else 1 - WORST
    figure.add_scatter(
        x=[place for place, _ in placed],
        y=[worst] * len(placed) if failed else [digits(trial.value or 0.0) for _, trial in placed],
        yaxis="y2" if failed else "y",
        mode="markers",
        name=text(group.name),
        opacity=max(group.opacity, 0.65),
        marker={
            "color": group.colour,
            "size": 9 if group.colour == LEADING else 6,
            "symbol": ["x-thin-open" if failed else "circle" if each else "circle-open" for each in whole],
            "line": {"width": 1.2, "color": group.colour},
        },
        hovertext=[
            f"{about(trial)}<br>{text(axis.name)}: {text(setting(searched.values[trial.number][axis.name]), 40)}"
            for _, trial in placed
        ],
        hoverinfo="text",
    )
    if failed:
        figure.update_layout(
            yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True, "side": "right"}
        )


def _place(axis: Axis, row: dict[str, Any], trial: TrialHistory, *, aside: bool) -> float | None:
    """Where a trial stands on the axis; categories are spread a little, so that one sees how many there are."""
    if axis.name not in row:
        return None
    spread = 0.0 if not aside else trial.number * 0.6180339887 % 1 - 0.5
    if axis.numeric:
        value = float(row[axis.name])
        return None if axis.log and value <= 0 else digits(value + (0.4 * spread if _few(axis) else 0.0))
    number = axis.number_of(row[axis.name])
    return None if number is None else digits(number + 0.5 * spread)


def _few(axis: Axis) -> bool:
    """Whether its values are a few whole numbers, so that many trials stand in one place."""
    if axis.kind != "int" or axis.log or axis.lower is None or axis.upper is None:
        return False
    return axis.step == 1 and axis.upper - axis.lower <= FEW


def _scale(figure: go.Figure, axis: Axis, searched: Searched) -> None:
    if axis.numeric:
        lower, upper = searched.bounds(axis)
        if axis.log and lower > 0:
            margin = 0.03 * math.log10(upper / lower) or 0.1
            ends = [math.log10(lower) - margin, math.log10(upper) + margin]
            figure.update_xaxes(type="log", range=ends, **log_ticks(lower, upper))
        else:
            margin = 0.03 * (upper - lower) or 0.5
            margin = 0.5 if _few(axis) else margin
            figure.update_xaxes(range=[lower - margin, upper + margin], dtick=1 if _few(axis) else None)
        for bound in (lower, upper):
            figure.add_vline(x=bound, line={"color": OTHERS, "width": 1, "dash": "dot"})
        return
    every = math.ceil(len(axis.categories) / MOST_LABELS)
    shown = range(0, len(axis.categories), every)
    longest = max(6, 44 // max(1, len(shown)))
    figure.update_xaxes(
        tickvals=[*shown],
        ticktext=[text(axis.labels[number], longest) for number in shown],
        range=[-0.6, len(axis.categories) - 0.4],
        tickangle=0,
    )
