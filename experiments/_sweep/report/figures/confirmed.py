"""How good it is on fresh seeds: values, means with their intervals, and what the search promised."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from experiments._sweep.report.figures.drawing import (
    GOOD,
    LEADING,
    OTHERS,
    Figure,
    arms,
    digits,
    empty,
    log_ticks,
    text,
)
from experiments._sweep.views.figures import figure as in_figures
from experiments._sweep.views.figures import interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import plotly.graph_objects as go

_ASIDE = 0.24
"""Of a row: single seeds lie below the mean, what was promised above it."""
_RATIO_OF_A_LOG_AXIS = 6
_WIDEST = 24
"""Characters of a name beside a row."""


def confirmed_intervals(answer: Mapping[str, Any]) -> Figure | None:
    """What the search promised and what fresh seeds gave, with intervals; None where every run failed."""
    configurations = [each for each in answer["configurations"] if each["mean"] is not None][::-1]
    if not configurations:
        return None
    figure = empty(
        110 + 56 * len(configurations),
        xaxis=_values_axis(answer, configurations),
        margin={"l": 120, "t": 34, "r": 20, "b": 48},
    )
    _seeds(figure, configurations)
    figure.add_scatter(
        x=[digits(each["mean"]) for each in configurations],
        y=[*range(len(configurations))],
        mode="markers",
        name="their mean, with the 95 % interval of the mean",
        marker={"color": GOOD, "size": 10},
        error_x=arms([(each["mean"], each["low"], each["high"]) for each in configurations], GOOD, 2),
        hovertext=[f"<b>{text(each['label'])}</b>: mean {interval(each, ends=True)}" for each in configurations],
        hoverinfo="text",
    )
    promised = [(place, each) for place, each in enumerate(configurations) if each["promised"] is not None]
    figure.add_scatter(
        x=[digits(each["promised"]) for _, each in promised],
        y=[place + _ASIDE for place, _ in promised],
        mode="markers",
        name="promised by the search",
        marker={"color": LEADING, "size": 9, "symbol": "diamond-open", "line": {"width": 2}},
        hovertext=[f"<b>{text(each['label'])}</b>: promised {in_figures(each['promised'])}" for _, each in promised],
        hoverinfo="text",
    )
    names = [text(each["label"], _WIDEST) for each in configurations]
    figure.update_yaxes(tickvals=[*range(len(names))], ticktext=names, range=[-0.6, len(names) - 0.4])
    caption = "A single seed may well lie outside the interval, which is that of the mean."
    return Figure(name="confirmed", title="On fresh seeds", figure=figure, caption=caption)


def _seeds(figure: go.Figure, configurations: Sequence[Mapping[str, Any]]) -> None:
    """Single seeds, each a point below the mean of its configuration."""
    seeds = [
        (place, v, f"<b>{text(each['label'])}</b>, fresh seed {seed}: {in_figures(v)}")
        for place, each in enumerate(configurations)
        for seed, v in enumerate(each["values"], 1)
        if v is not None
    ]
    figure.add_scatter(
        x=[digits(v) for _, v, _ in seeds],
        y=[place - _ASIDE for place, *_ in seeds],
        mode="markers",
        name="a fresh seed",
        marker={"color": OTHERS, "size": 6},
        hovertext=[told for *_, told in seeds],
        hoverinfo="text",
    )


def _values_axis(answer: Mapping[str, Any], configurations: list[Any]) -> dict[str, Any]:
    """The axis of the confirmed values: logarithmic where the best would else be one blot beside the defaults."""
    title = f"{answer['metric']} ({'lower' if answer['mode'] == 'min' else 'higher'} is better)"
    axis: dict[str, Any] = {"title": {"text": text(title)}}
    ends = [each[key] for each in configurations for key in ("mean", "low", "high", "promised")]
    seen = [
        v
        for v in (*ends, *(v for each in configurations for v in each["values"]))
        if v is not None and math.isfinite(v)
    ]
    low, high = min(seen), max(seen)
    span = math.log10(high) - math.log10(low) if low > 0 else 0.0
    if span >= math.log10(_RATIO_OF_A_LOG_AXIS):
        margin = 0.04 * span
        axis |= {"type": "log", "range": [math.log10(low) - margin, math.log10(high) + margin], **log_ticks(low, high)}
    return axis
