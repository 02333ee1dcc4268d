"""The learning curves, with what was stopped at which rung."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from experiments._sweep.ledger.records import SUCCESSES
from experiments._sweep.ledger.trial_history import value_of
from experiments._sweep.report.figures.drawing import (
    ENDINGS,
    FAILED,
    GOOD,
    LEADING,
    OTHERS,
    Figure,
    digits,
    empty,
    text,
    value_axis,
)
from experiments._sweep.views.words import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import plotly.graph_objects as go

    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import TrialHistory

MOST_CURVES, MOST_POINTS = 250, 15_000
"""More curves are one blot, and more points than these a page that is slow to use."""
TITLE = "Learning curves"


def learning_curves(history: History) -> Figure | None:
    """The metric over the epochs of each trial; None where no trial has more than one."""
    trained = [trial for trial in history.trials.values() if trial.losses]
    if not any(len(trial.losses) > 1 for trial in trained):
        return None
    shown = _shown(history, trained)
    metric, mode = history.asks["metric"], history.asks["mode"]
    last = max(epoch for trial in shown for epoch in trial.losses)
    figure = empty(460, xaxis={"title": {"text": "epoch"}, "range": [0, last * 1.02]})
    best = history.best
    rest = [trial for trial in shown if trial is not best]
    _lines(figure, "stopped", [trial for trial in rest if trial.state == "stopped"], color=OTHERS)
    _lines(figure, "completed", [trial for trial in rest if trial.state == "completed"], color=GOOD)
    _lines(figure, "not ended", [trial for trial in rest if not trial.ended], color=ENDINGS["running"])
    failed = [trial for trial in rest if trial.ended and trial.state not in SUCCESSES]
    _lines(figure, "failed", failed, color=FAILED)
    _stops(figure, shown)
    stops = Counter(trial.epochs[-1].epoch for trial in trained if trial.state == "stopped")
    if best is not None and best.losses:
        _lines(figure, f"best: trial {best.number}", [best], color=LEADING, width=3)
    values = [_sign(mode) * loss for trial in shown for loss in trial.losses.values()]
    axis = value_axis(values, metric, mode)
    figure.update_yaxes(**axis.layout)
    rungs = sorted({rung["epoch"] for trial in history.trials.values() for rung in _rungs(trial)})
    for rung in rungs if len(rungs) <= 12 else ():
        figure.add_vline(x=rung, line={"width": 1, "dash": "dot", "color": OTHERS}, opacity=0.7)
    return Figure(
        name="curves", title=TITLE, figure=figure, caption=_caption(len(trained), len(shown), rungs, stops, axis.words)
    )


def _caption(trained: int, shown: int, rungs: Sequence[int], stops: dict[int, int], beyond: str) -> str:
    parts = []
    if shown < trained:
        parts.append(f"{shown} of {trained} trials are drawn: the leading ones, and the others evenly by rank.")
    if stops:
        at = ", ".join(f"{count} at epoch {epoch}" for epoch, count in sorted(stops.items())[:12])
        more = " and further ones later" if len(stops) > 12 else ""
        parts.append(f"A cross is where a trial was stopped: {at}{more}.")
    if 0 < len(rungs) <= 12:
        parts.append(f"Dotted: the rungs at which trials were compared ({', '.join(map(str, rungs))}).")
    return " ".join(parts) + beyond


def _shown(history: History, trained: Sequence[TrialHistory]) -> list[TrialHistory]:
    """All of them, or as many as there is room for: half of the room for the leading ones."""
    points = sum(len(trial.losses) for trial in trained)
    room = min(len(trained), MOST_CURVES, int(len(trained) * MOST_POINTS / max(1, points)))
    if room == len(trained):
        return list(trained)
    order = [trial for trial in history.by_rank() if trial.losses]
    placed = {trial.number for trial in order}
    order += [trial for trial in trained if trial.number not in placed]
    leading, rest = order[: room // 2], order[room // 2 :]
    left = max(1, room - len(leading))
    return [*leading, *(rest[place * len(rest) // left] for place in range(left))]


def _lines(figure: go.Figure, name: str, trials: Iterable[TrialHistory], *, color: str, width: float = 1.2) -> None:
    """One line of many pieces: a line of its own for each trial would take a browser too long."""
    epochs: list[int | None] = []
    values: list[float | None] = []
    numbers: list[int | None] = []
    metric = ""
    for trial in trials:
        metric, sign = trial.metric, _sign(trial.mode)
        epochs += [*trial.losses, None]
        values += [*(digits(sign * loss) for loss in trial.losses.values()), None]
        numbers += [*([trial.number] * len(trial.losses)), None]
    if not epochs:
        return
    figure.add_scatter(
        x=epochs,
        y=values,
        customdata=numbers,
        mode="lines+markers" if all(each is None for each in epochs[1::2]) else "lines",
        name=text(name),
        opacity=1.0 if width > 2 else 0.5,
        line={"color": color, "width": width},
        marker={"size": 4},
        hovertemplate=f"<b>trial %{{customdata}}</b><br>epoch %{{x}}: {text(metric)} %{{y:.5g}}<extra></extra>",
    )


def _stops(figure: go.Figure, trials: Iterable[TrialHistory]) -> None:
    """Marks where trials were stopped."""
    x, y, told = [], [], []
    for trial in trials:
        last = trial.epochs[-1]
        value = value_of(last.metrics, trial.metric)
        if trial.state != "stopped" or value is None:
            continue
        x.append(last.epoch)
        y.append(digits(value))
        rung = trial.stopped_at or last.rung
        told.append(f"<b>trial {trial.number}</b> stopped at epoch {last.epoch}<br>{_why(trial, rung)}")
    if x:
        marker: dict[str, Any] = {"symbol": "x-thin", "size": 7, "line": {"width": 1.5, "color": "#6b7785"}}
        figure.add_scatter(
            x=x, y=y, mode="markers", name="stopped here", marker=marker, hovertext=told, hoverinfo="text"
        )


def _why(trial: TrialHistory, rung: dict[str, Any] | None) -> str:
    if rung is None or rung.get("rank") is None:
        return text(trial.why)
    cutoff = rung.get("cutoff")
    behind = f", cut-off {number(cutoff)}" if isinstance(cutoff, int | float) else ""
    return text(f"at the rung of epoch {rung.get('epoch')}: rank {rung['rank']} of {rung.get('of')}{behind}")


def _rungs(trial: TrialHistory) -> list[dict[str, Any]]:
    found = [epoch.rung for epoch in trial.epochs if epoch.rung is not None]
    return [rung for rung in (*found, trial.stopped_at) if rung is not None and isinstance(rung.get("epoch"), int)]


def _sign(mode: str) -> int:
    return 1 if mode == "min" else -1
