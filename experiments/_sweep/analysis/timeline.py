"""Who trained what and when: stretches of training, side by side on the workers that did it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments._sweep.analysis.progress import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import SegmentHistory, TrialHistory

    _Who = tuple[str, int, int]
    """A process and its driver; a stretch by itself where no process is known."""
    _Times = dict[_Who, list[tuple[float, float]]]


BRIEF = 0.01
"""What lasted for less than this part of the work is no place at which trials run."""


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """One segment of a trial."""

    trial: int
    segment: int
    lane: int
    """Its place in `Timeline.lanes`."""
    worker: str
    """`HOST:PID` of who trained it, empty where that is not known."""
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
    slots: int
    """How many stretches ran at a time, at most; what lasted for less than a hundredth of the work is not counted."""
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
    lanes, labels = _packed(spans, _times(history, rows))
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
        slots=_at_a_time(stretches, history.seconds),
        seconds=history.seconds,
        drivers=tuple(history.began_s[driver.driver] for driver in history.drivers[1:]),
    )


def _all(history: History) -> Iterable[tuple[TrialHistory, SegmentHistory]]:
    return ((trial, segment) for trial in history.trials.values() for segment in trial.segments)


def _who(trial: TrialHistory, segment: SegmentHistory) -> _Who:
    """A process; where it is not known, the stretch by itself."""
    return (segment.worker, segment.driver, 0) if segment.worker else ("", trial.number, segment.number)


def _spans(history: History, rows: Sequence[tuple[TrialHistory, SegmentHistory]]) -> dict[_Who, tuple[float, float]]:
    """From when to when each of them trained, in the order of their beginning."""
    spans: dict[_Who, tuple[float, float]] = {}
    for trial, segment in rows:
        start, end = (moment(history, segment, t) for t in (segment.started, segment.ended))
        who = _who(trial, segment)
        first, last = spans.get(who, (start, end))
        spans[who] = min(first, start), max(last, end)
    return spans


def _times(history: History, rows: Iterable[tuple[float, int, int, TrialHistory, SegmentHistory]]) -> _Times:
    """From when to when each stretch lasted, by who trained it."""
    found: _Times = {}
    for start, _, _, trial, segment in rows:
        end = max(start, moment(history, segment, segment.ended))
        found.setdefault(_who(trial, segment), []).append((start, end))
    return found


def _packed(spans: dict[_Who, tuple[float, float]], times: _Times) -> tuple[dict[_Who, int], tuple[str, ...]]:
    """Each of them in the first lane of its host that is free, and what the lanes are called.

    A stretch that reported nothing names no worker: it lies in a lane that trained nothing meanwhile, if there is one.
    """
    known = {who: span for who, span in spans.items() if who[0]}
    taken: dict[tuple[str, int], list[tuple[float, float]]] = {}
    free: dict[str, list[float]] = {}
    places: dict[_Who, tuple[str, int]] = {}
    for who, (start, end) in known.items():
        host = who[0].rpartition(":")[0] or who[0]
        places[who] = _next(free, host, start, end)
        taken.setdefault(places[who], []).extend(times[who])
    for who, (start, end) in spans.items():
        if who[0]:
            continue
        room = (each for each, of in taken.items() if all(b <= start or end <= a for a, b in of))
        places[who] = next(room, None) or _next(free, "", start, end)
        if places[who] in taken:
            taken[places[who]].append((start, end))
    order = [(host, place) for host in sorted(free) for place in range(len(free[host]))]
    numbers = {each: number for number, each in enumerate(order)}
    labels = tuple(f"{host or 'slot'} {place + 1}" for host, place in order)
    return {who: numbers[place] for who, place in places.items()}, labels


def _next(free: dict[str, list[float]], host: str, start: float, end: float) -> tuple[str, int]:
    """The first lane of a host that is free from then on, a new one where none is."""
    lanes = free.setdefault(host, [])
    place = next((at for at, until in enumerate(lanes) if until <= start), len(lanes))
    lanes[place:] = [end] if place == len(lanes) else [end, *lanes[place + 1 :]]
    return host, place


def _at_a_time(stretches: Sequence[Stretch], seconds: float) -> int:
    """The most of them at once that lasted for a hundredth of the work, at least 1."""
    changes = sorted((at, by) for each in stretches for at, by in ((each.start_s, 1), (each.end_s, -1)))
    lasted: dict[int, float] = {}
    running, since = 0, 0.0
    for at, by in changes:
        lasted[running] = lasted.get(running, 0.0) + at - since
        running, since = running + by, at
    long = 0.0
    for count in sorted(lasted, reverse=True):
        long += lasted[count]
        if count and long >= BRIEF * seconds:
            return count
    return 1


def _ended(trial: TrialHistory, segment: SegmentHistory) -> tuple[str, str]:
    if segment.cause:
        return "interrupted", f"{segment.cause}: {segment.why}" if segment.why else segment.cause
    if segment is trial.segments[-1] and trial.stopped_at is None and (trial.ended or trial.state == "running"):
        is_held = bool(trial.epochs) and trial.epochs[-1].action == "hold" and trial.epochs[-1].ending is None
        return ("held", "") if is_held else (trial.state, trial.why)
    return "held", ""
