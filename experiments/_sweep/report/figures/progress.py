"""How the best value came down: over trials, over time, and for several sweeps beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments._sweep.report.figures.drawing import (
    COLOURS,
    FEWER,
    GOOD,
    LEADING,
    OTHERS,
    Figure,
    ValueAxis,
    about,
    digits,
    empty,
    text,
    value_axis,
)
from experiments._sweep.views.words import number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import plotly.graph_objects as go

    from experiments._sweep.analysis.progress import Progress, Step
    from experiments._sweep.analysis.timeline import Timeline
    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import TrialHistory

HEIGHT = 360


def best_over_trials(history: History, progress: Progress) -> Figure:
    """The best value so far after so many trials have ended, with the value of each of them."""
    ended = sorted((trial for trial in history.trials.values() if trial.ended_at is not None), key=_ended_at)
    figure = empty(HEIGHT, xaxis={"title": {"text": "trials ended"}, "range": [0, 1.03 * len(ended) + 0.2]})
    _dots(figure, [(place, trial) for place, trial in enumerate(ended, 1)])
    steps = progress.by_ended
    _line(figure, [step.ended for step in steps], steps, "best so far", color=LEADING)
    axis = _axis(history, steps, ended)
    figure.update_yaxes(**axis.layout)
    caption = f"Each point is a trial in the order in which they ended, open where it was stopped early.{axis.words}"
    caption += FEWER if history.last_counts else ""
    return Figure(name="best-over-trials", title="Over trials", figure=figure, caption=caption)


def best_over_time(history: History, progress: Progress, timeline: Timeline) -> Figure:
    """The best value so far after so many seconds of work."""
    scale, unit = time_unit(timeline.seconds)
    ended_s = {stretch.trial: stretch.end_s for stretch in timeline.stretches}
    ended = [trial for trial in history.trials.values() if trial.ended and trial.number in ended_s]
    figure = empty(
        HEIGHT, xaxis={"title": {"text": f"{unit} of work"}, "range": [0, 1.03 * timeline.seconds / scale or 1.0]}
    )
    _dots(figure, [(ended_s[trial.number] / scale, trial) for trial in ended])
    steps = progress.by_epoch
    _line(figure, [step.seconds / scale for step in steps], steps, "best so far", color=LEADING)
    for taken_over in progress.drivers:
        figure.add_vline(x=taken_over / scale, line={"width": 1, "dash": "dot", "color": OTHERS})
    axis = _axis(history, steps, ended)
    figure.update_yaxes(**axis.layout)
    later = " Dotted: a driver went on where another one had been cut." if progress.drivers else ""
    caption = f"Trials count from their first epoch on. Time while nothing ran is left out.{later}{axis.words}"
    return Figure(name="best-over-time", title="Over time", figure=figure, caption=caption)


def _ended_at(trial: TrialHistory) -> int:
    return trial.ended_at or 0


def _axis(history: History, steps: Sequence[Step], ended: Sequence[TrialHistory]) -> ValueAxis:
    values = [trial.value for trial in ended if trial.value is not None]
    values += [step.value for step in steps[-1:]]
    return value_axis(values, history.asks["metric"], history.asks["mode"])


def _dots(figure: go.Figure, places: Sequence[tuple[float, TrialHistory]]) -> None:
    """The trials that have a value, filled where they trained all they were to train."""
    for name, symbol, whole in (("completed", "circle", True), ("ended early", "circle-open", False)):
        some = [(x, t) for x, t in places if t.value is not None and (t.state == "completed") is whole]
        if not some:
            continue
        figure.add_scatter(
            x=[digits(x) for x, _ in some],
            y=[digits(trial.value or 0.0) for _, trial in some],
            mode="markers",
            name=name,
            marker={"size": 6, "color": GOOD if whole else OTHERS, "symbol": symbol},
            hovertext=[about(trial) for _, trial in some],
            hoverinfo="text",
        )


def _line(figure: go.Figure, x: Sequence[float], steps: Sequence[Step], name: str, **line: str) -> None:
    figure.add_scatter(
        x=[digits(each) for each in x],
        y=[digits(step.value) for step in steps],
        mode="lines",
        name=text(name),
        line={"width": 2.5, "shape": "hv", **line},
        hovertext=[f"<b>{text(name)}</b><br>{text(number(step.value))} by trial {step.trial}" for step in steps],
        hoverinfo="text",
    )


def time_unit(seconds: float) -> tuple[float, str]:
    """How many seconds the unit has in which a time is best told, and its name."""
    if seconds < 180:
        return 1.0, "seconds"
    return (60.0, "minutes") if seconds < 3 * 3600 else (3600.0, "hours")


def beside_each_other(
    named: Sequence[tuple[str, Progress]], metric: str, mode: str, number_of_group: int
) -> list[Figure]:
    """The best values so far of several sweeps, against trials, epochs and time."""
    last = [progress.by_epoch[-1] for _, progress in named if progress.by_epoch]
    scale, unit = time_unit(max((step.seconds for step in last), default=0.0))
    values = [step.value for _, progress in named for step in progress.by_epoch]
    axis = value_axis(values, metric, mode)
    kinds: tuple[tuple[str, str, Callable[[Progress], Sequence[Step]], Callable[[Step], float]], ...] = (
        ("trials", "trials ended", lambda progress: progress.by_ended, lambda step: step.ended),
        ("epochs", "epochs trained", lambda progress: progress.by_epoch, lambda step: step.epochs),
        ("time", f"{unit} of work", lambda progress: progress.by_epoch, lambda step: step.seconds / scale),
    )
    figures = []
    for kind, title, steps_of, place_of in kinds:
        figure = empty(400, xaxis={"title": {"text": title}, "rangemode": "tozero"})
        figure.update_yaxes(**axis.layout)
        for turn, (name, progress) in enumerate(named):
            steps = steps_of(progress)
            dash = ("solid", "dash", "dot")[turn // len(COLOURS) % 3]
            _line(
                figure, [place_of(step) for step in steps], steps, name, color=COLOURS[turn % len(COLOURS)], dash=dash
            )
        figures.append(Figure(name=f"compared-{number_of_group}-{kind}", title=f"Against {kind}", figure=figure))
    return figures
