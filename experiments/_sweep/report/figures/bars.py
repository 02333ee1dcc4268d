"""What mattered, when it ran, and how it ended: bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments._sweep.report.figures.drawing import (
    ENDINGS,
    GOOD,
    OTHERS,
    Figure,
    arms,
    digits,
    empty,
    text,
)
from experiments._sweep.report.figures.progress import time_unit
from experiments._sweep.views.words import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    import plotly.graph_objects as go

    from experiments._sweep.analysis.importance import Importance, Share
    from experiments._sweep.analysis.timeline import Stretch, Timeline
    from experiments._sweep.ledger.history import History

ROW_PX = 30
LEAST_SEEN = 0.005
"""A stretch is drawn at least so wide, as a part of the whole time: else none would see what ended at once."""
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
        margin={"l": 190, "t": 16, "r": 124, "b": 48},
        bargap=0.4,
        showlegend=False,
    )
    figure.add_bar(
        x=[digits(share.share) for share in shares],
        y=[*range(len(shares))],
        orientation="h",
        marker={"color": [GOOD if share.stands_out else OTHERS for share in shares]},
        error_x=arms([(share.share, share.low, share.high) for share in shares], "#7a8696", 1.4),
        hovertext=[*map(_share, shares)],
        hoverinfo="text",
    )
    _by_chance(figure, shares)
    names = [text(share.name, _WIDEST) for share in shares]
    figure.update_yaxes(tickvals=[*range(len(shares))], ticktext=names, showgrid=False, zeroline=False)
    return Figure(
        name="importance",
        title="Importance",
        figure=figure,
        caption=(
            "Blue stands out from chance, grey does not: at the right, how often shuffled orders give as much (at most "
            "5 % stands out). Whiskers: what 95 of 100 halves of the trials give."
        ),
    )


def _share(share: Share) -> str:
    return (
        f"<b>{text(share.name)}</b> {share.share:.1%} ({share.low:.1%} to {share.high:.1%})<br>"
        f"{share.trials} trials have it; shuffled orders give as much in {share.chance:.0%} of cases"
    )


def _by_chance(figure: go.Figure, shares: Sequence[Share]) -> None:
    """Beside each bar, what its colour is chosen by."""
    for place, share in enumerate(shares):
        figure.add_annotation(
            x=1,
            xref="paper",
            y=place,
            text=f"by chance {text(_chance(share.chance))}",
            showarrow=False,
            xanchor="left",
            xshift=8,
            font={"size": 11},
        )


def _chance(chance: float) -> str:
    return f"{chance:.0%}" if chance >= 0.01 else f"{chance:.1%}"


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
    # What is drawn last lies on top: the rare and the short, such as failures and what was interrupted.
    kinds = [*ENDINGS, *sorted({stretch.ended for stretch in timeline.stretches} - set(ENDINGS))]
    for kind in kinds:
        some = [stretch for stretch in timeline.stretches if stretch.ended == kind]
        if not some:
            continue
        least = LEAST_SEEN * timeline.seconds
        figure.add_bar(
            x=[digits(max(least, stretch.end_s - stretch.start_s) / scale) for stretch in some],
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
    caption = (
        "A bar is a stretch of training; its colour says what came then. The shortest are drawn wider than they were."
        f"{how}{later}"
    )
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
