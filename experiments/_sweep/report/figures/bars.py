"""What mattered, when it ran, and how good it is on fresh seeds: bars and intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments._sweep.report.figures.drawing import ENDINGS, GOOD, LEADING, OTHERS, Figure, digits, empty, text
from experiments._sweep.report.figures.progress import time_unit
from experiments._sweep.views.figures import figure as in_figures
from experiments._sweep.views.words import duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from experiments._sweep.analysis.importance import Importance
    from experiments._sweep.analysis.timeline import Stretch, Timeline
    from experiments._sweep.ledger.history import History

ROW_PX = 30
_WIDEST = 24
"""Characters of a name beside a bar."""


def importance_bars(importance: Importance) -> Figure | None:
    """A bar for each hyperparameter, the largest first, with its interval; None where there is no importance."""
    shares = importance.shares[::-1]
    if not shares:
        return None
    figure = empty(
        90 + ROW_PX * len(shares),
        xaxis={"title": {"text": "importance, as a share of the whole"}, "tickformat": ".0%", "rangemode": "tozero"},
        margin={"l": 190, "t": 16, "r": 30, "b": 48},
        bargap=0.4,
        showlegend=False,
    )
    figure.add_bar(
        x=[digits(share.share) for share in shares],
        y=[*range(len(shares))],
        orientation="h",
        marker={"color": [GOOD if share.stands_out else OTHERS for share in shares]},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [digits(max(0.0, share.high - share.share)) for share in shares],
            "arrayminus": [digits(max(0.0, share.share - share.low)) for share in shares],
            "color": "#7a8696",
            "thickness": 1.4,
            "width": 4,
        },
        hovertext=[
            f"<b>{text(share.name)}</b> {share.share:.1%} ({share.low:.1%} to {share.high:.1%})<br>"
            f"{share.trials} trials have it; shuffled values give as much in {share.chance:.0%} of cases"
            for share in shares
        ],
        hoverinfo="text",
    )
    names = [text(share.name, _WIDEST) for share in shares]
    figure.update_yaxes(tickvals=[*range(len(shares))], ticktext=names, showgrid=False, zeroline=False)
    return Figure(
        name="importance",
        title="Importance",
        figure=figure,
        caption="Blue stands out from chance; grey does not. Whiskers: what 95 of 100 halves of the trials give.",
    )


def timeline_bars(timeline: Timeline) -> Figure | None:
    """Who trained what and when; None where nothing has run."""
    if not timeline.stretches:
        return None
    scale, unit = time_unit(timeline.seconds)
    lanes = len(timeline.lanes)
    row = min(ROW_PX, max(9, 900 // max(1, lanes)))
    figure = empty(
        110 + row * lanes,
        xaxis={"title": {"text": f"{unit} of work"}},
        barmode="overlay",
        bargap=0.25,
        margin={"l": 150, "t": 34, "r": 20, "b": 48},
    )
    kinds = [*ENDINGS, *sorted({stretch.ended for stretch in timeline.stretches} - set(ENDINGS))]
    for kind in kinds:
        some = [stretch for stretch in timeline.stretches if stretch.ended == kind]
        if not some:
            continue
        figure.add_bar(
            x=[digits((stretch.end_s - stretch.start_s) / scale) for stretch in some],
            base=[digits(stretch.start_s / scale) for stretch in some],
            y=[stretch.lane for stretch in some],
            orientation="h",
            name=text(kind.replace("_", " "), 24),
            marker={"color": ENDINGS.get(kind, OTHERS), "line": {"width": 0.6, "color": "rgba(255,255,255,0.7)"}},
            hovertext=[_stretch(stretch) for stretch in some],
            hoverinfo="text",
        )
    for taken_over in timeline.drivers:
        figure.add_vline(x=taken_over / scale, line={"width": 1, "dash": "dot", "color": OTHERS})
    every = max(1, lanes // 40)
    shown = [*range(0, lanes, every)]
    figure.update_yaxes(
        tickvals=shown,
        ticktext=[text(timeline.lanes[lane], _WIDEST - 4) for lane in shown],
        autorange="reversed",
        showgrid=False,
        zeroline=False,
    )
    how = "" if timeline.measured else " The ledger does not say which process trained what: lanes are packed."
    later = " Dotted: a driver went on where another one had been cut." if timeline.drivers else ""
    caption = f"A bar is a stretch of training; its colour says what came then.{how}{later}"
    return Figure(name="timeline", title="Timeline", figure=figure, caption=caption)


def _stretch(stretch: Stretch) -> str:
    epochs = "no epoch"
    if stretch.first_epoch is not None and stretch.last_epoch is not None:
        same = stretch.first_epoch == stretch.last_epoch
        epochs = f"epoch {stretch.first_epoch}" if same else f"epochs {stretch.first_epoch} to {stretch.last_epoch}"
    why = f"<br>{text(stretch.why)}" if stretch.why else ""
    return (
        f"<b>trial {stretch.trial}</b>, stretch {stretch.segment}: {epochs}<br>"
        f"{duration(stretch.end_s - stretch.start_s)}, then {text(stretch.ended)}{why}"
    )


def endings_bar(history: History) -> Figure | None:
    """How many trials ended how, as one bar; None where there is no trial."""
    counts: dict[str, int] = {}
    for trial in history.trials.values():
        counts[trial.state] = counts.get(trial.state, 0) + 1
    if not counts:
        return None
    figure = empty(120, barmode="stack", bargap=0.1, margin={"l": 10, "r": 10, "t": 34, "b": 26})
    figure.update_layout(legend={"traceorder": "normal"})
    for kind in [*ENDINGS, *sorted(set(counts) - set(ENDINGS))]:
        if kind in counts:
            name = text(kind.replace("_", " "), 24)
            figure.add_bar(
                x=[counts[kind]],
                y=[0],
                orientation="h",
                name=f"{name} {counts[kind]}",
                marker={"color": ENDINGS.get(kind, OTHERS)},
                hovertext=[f"{name}: {counts[kind]} of {len(history.trials)}"],
                hoverinfo="text",
            )
    figure.update_yaxes(visible=False)
    figure.update_xaxes(range=[0, len(history.trials)], showgrid=False)
    return Figure(name="endings", title="Endings", figure=figure)


def confirmed_intervals(answer: Mapping[str, Any]) -> Figure | None:
    """What the search promised and what fresh seeds gave, with intervals; None where every run failed."""
    configurations = [each for each in answer["configurations"] if each["mean"] is not None][::-1]
    if not configurations:
        return None
    title = f"{answer['metric']} ({'lower' if answer['mode'] == 'min' else 'higher'} is better)"
    figure = empty(
        100 + 44 * len(configurations),
        xaxis={"title": {"text": text(title)}},
        margin={"l": 120, "t": 34, "r": 20, "b": 48},
    )
    figure.add_scatter(
        x=[digits(v) for each in configurations for v in each["values"] if v is not None],
        y=[place for place, each in enumerate(configurations) for v in each["values"] if v is not None],
        mode="markers",
        name="a fresh seed",
        marker={"color": OTHERS, "size": 6},
        hoverinfo="x",
    )
    figure.add_scatter(
        x=[digits(each["mean"]) for each in configurations],
        y=[*range(len(configurations))],
        mode="markers",
        name="mean and 95 % interval",
        marker={"color": GOOD, "size": 10},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [_arm(each["high"], each["mean"]) for each in configurations],
            "arrayminus": [_arm(each["mean"], each["low"]) for each in configurations],
            "color": GOOD,
            "thickness": 2,
        },
        hovertext=[f"{text(each['label'])}: mean {in_figures(each['mean'], like=each)}" for each in configurations],
        hoverinfo="text",
    )
    promised = [(place, each["promised"]) for place, each in enumerate(configurations) if each["promised"] is not None]
    figure.add_scatter(
        x=[digits(value) for _, value in promised],
        y=[place for place, _ in promised],
        mode="markers",
        name="promised by the search",
        marker={"color": LEADING, "size": 11, "symbol": "diamond-open", "line": {"width": 2}},
        hoverinfo="x",
    )
    names = [text(each["label"], _WIDEST) for each in configurations]
    figure.update_yaxes(tickvals=[*range(len(names))], ticktext=names, range=[-0.6, len(names) - 0.4])
    return Figure(name="confirmed", title="On fresh seeds", figure=figure)


def _arm(high: float | None, low: float | None) -> float:
    return 0.0 if high is None or low is None else digits(max(0.0, high - low))
