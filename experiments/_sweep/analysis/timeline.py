"""Who trained what and when: stretches of training, side by side on the workers that did it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments._sweep.analysis.progress import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import SegmentHistory, TrialHistory


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """One segment of a trial."""

    trial: int
    segment: int
    lane: int
    """Its place in `Timeline.lanes`."""
    worker: str
    """`HOST:PID` of who trained it, empty where that is not known."""
    driver: int
    start_s: float
    end_s: float
    """Seconds of work of all drivers together, as in `progress`."""
    first_epoch: int | None
    last_epoch: int | None
    """None where it reported none."""
    ended: str
    """`held`, `interrupted`, an ending, or `running`."""
    why: str
    """Why it was interrupted, or why the trial ended."""


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """All stretches, in the order in which they began."""

    stretches: tuple[Stretch, ...]
    lanes: tuple[str, ...]
    """What the lanes are called: the host and a number on it, or `slot 1` where the host is not known."""
    measured: bool
    """Whether the ledger says who trained each stretch; else they lie wherever there was room."""
    seconds: float
    drivers: tuple[float, ...]
    """Seconds at which later drivers took over."""


def timeline(history: History) -> Timeline:
    """The stretches of a sweep in lanes, of which none holds two at a time.

    A process keeps its lane, and a lane is given on when its process trains no more. Older versions did not write who
    trained: their stretches are put side by side.
    """
    rows = sorted(
        (
            (moment(history, each, each.started), trial.number, each.number, trial, each)
            for trial, each in _all(history)
        ),
        key=lambda row: row[:3],
    )
    spans = _spans(history, [(trial, segment) for *_, trial, segment in rows])
    lanes, labels = _packed(spans)
    stretches = []
    for start, number, _, trial, segment in rows:
        epochs = [epoch.epoch for epoch in trial.epochs if epoch.segment == segment.number]
        ended, why = _ended(trial, segment)
        stretches.append(
            Stretch(
                trial=number,
                segment=segment.number,
                lane=lanes[_who(trial, segment)],
                worker=segment.worker or "",
                driver=segment.driver,
                start_s=start,
                end_s=max(start, moment(history, segment, segment.ended)),
                first_epoch=epochs[0] if epochs else None,
                last_epoch=epochs[-1] if epochs else None,
                ended=ended,
                why=why,
            )
        )
    return Timeline(
        stretches=tuple(stretches),
        lanes=labels,
        measured=any(each.worker for each in stretches)
        and all(each.worker for each in stretches if each.first_epoch is not None),
        seconds=history.seconds,
        drivers=tuple(history.began_s[driver.driver] for driver in history.drivers[1:]),
    )


def _all(history: History) -> Iterable[tuple[TrialHistory, SegmentHistory]]:
    return ((trial, segment) for trial in history.trials.values() for segment in trial.segments)


def _who(trial: TrialHistory, segment: SegmentHistory) -> tuple[str, int, int]:
    """A process; where it is not known, the stretch by itself."""
    return (segment.worker, segment.driver, 0) if segment.worker else ("", trial.number, segment.number)


def _spans(
    history: History, rows: Sequence[tuple[TrialHistory, SegmentHistory]]
) -> dict[tuple[str, int, int], tuple[float, float]]:
    """From when to when each of them trained, in the order of their beginning."""
    spans: dict[tuple[str, int, int], tuple[float, float]] = {}
    for trial, segment in rows:
        start, end = (moment(history, segment, t) for t in (segment.started, segment.ended))
        who = _who(trial, segment)
        first, last = spans.get(who, (start, end))
        spans[who] = min(first, start), max(last, end)
    return spans


def _packed(
    spans: dict[tuple[str, int, int], tuple[float, float]],
) -> tuple[dict[tuple[str, int, int], int], tuple[str, ...]]:
    """Each of them in the first lane of its host that is free, and what the lanes are called."""
    free: dict[str, list[float]] = {}
    places: dict[tuple[str, int, int], tuple[str, int]] = {}
    for who, (start, end) in spans.items():
        host = who[0].rpartition(":")[0] or who[0]
        lanes = free.setdefault(host, [])
        place = next((at for at, until in enumerate(lanes) if until <= start), len(lanes))
        lanes[place:] = [end] if place == len(lanes) else [end, *lanes[place + 1 :]]
        places[who] = host, place
    order = [(host, place) for host in sorted(free) for place in range(len(free[host]))]
    numbers = {each: number for number, each in enumerate(order)}
    labels = tuple(f"{host or 'slot'} {place + 1}" for host, place in order)
    return {who: numbers[place] for who, place in places.items()}, labels


def _ended(trial: TrialHistory, segment: SegmentHistory) -> tuple[str, str]:
    if segment.cause:
        return "interrupted", f"{segment.cause}: {segment.why}" if segment.why else segment.cause
    if segment is trial.segments[-1] and trial.stopped_at is None and (trial.ended or trial.state == "running"):
        is_held = bool(trial.epochs) and trial.epochs[-1].action == "hold" and trial.epochs[-1].ending is None
        return ("held", "") if is_held else (trial.state, trial.why)
    return "held", ""
