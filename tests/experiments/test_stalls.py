"""How long a trial may be silent: a given time, or one made of the epochs that were seen."""

from collections.abc import Callable
from itertools import count

import pytest

from experiments._sweep.engine.deciding.assignments import Segment
from experiments._sweep.engine.on_ray import stalls
from experiments._sweep.engine.on_ray.stalls import AT_LEAST_S, BEFORE_ANY_S, Stalls
from experiments._sweep.ledger.history import History
from experiments._sweep.ledger.records import EpochReported, SegmentStarted, TrialProposed
from tests.experiments.conftest import Driven, driver, entries, experiment, opened

Drive = Callable[..., Driven]


class Clock:
    """Time that passes when told to."""

    now = 1000.0

    def monotonic(self) -> float:
        """Give the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that the engine looks at."""
    made = Clock()
    monkeypatch.setattr(stalls, "time", made)
    return made


def seen(*seconds: float) -> History:
    """A sweep of one trial whose epochs took so long."""
    at, n = 10.0, count(1)
    records: list[object] = [opened(experiment()), driver()]
    records.append(TrialProposed(trial=0, config={}, origin="random", made_at=1, t=at))
    records.append(SegmentStarted(trial=0, segment=1, t=at))
    for each in seconds:
        at += each
        records.append(EpochReported(trial=0, segment=1, epoch=next(n), metrics={"loss": 1}, action="continue", t=at))
    return History(entries(*records))


@pytest.mark.parametrize(
    ("timeout", "history", "limit"),
    [
        ("auto", seen(), BEFORE_ANY_S),
        ("auto", seen(0.1, 0.2), AT_LEAST_S),
        ("auto", seen(1.0, 100.0, 1.0), 2000.0),
        ("auto", seen(200.0), 4000.0),
        (30.0, seen(100.0), 30.0),
        (None, seen(100.0), None),
    ],
)
def test_f18_the_limit_comes_from_the_slowest_epoch(timeout: object, history: History, limit: float | None) -> None:
    """Twenty times as long, at least ten minutes; two hours before there is any; also in a sweep that is resumed."""
    assert Stalls(timeout, history).limit_s == limit  # type: ignore[arg-type]


def test_f18_who_was_silent_for_too_long_is_told_once(clock: Clock) -> None:
    """From when it began to train, or from its last report; who has ended is not waited for."""
    watch = Stalls(60.0, seen())
    watch.began("0000-001", "one")
    watch.began("0001-001", "two")
    watch.began("0002-001", "three")
    clock.now += 50
    watch.heard("0000-001", 0)
    watch.over("0002-001")
    assert list(watch.late()) == []
    clock.now += 20
    assert list(watch.late()) == [("two", "no report for 70 s (the stall timeout is 60 s)")]
    clock.now += 50
    assert [whom for whom, _ in watch.late()] == ["one"]
    clock.now += 100
    assert list(watch.late()) == []


def test_f18_the_limit_follows_the_epochs_of_the_sweep(drive: Drive) -> None:
    """An epoch that takes long makes the sweep more patient."""
    driven = drive(experiment(num_trials=1))
    watch = Stalls("auto", driven.journal.history)
    segment = driven.conductor.next_segment()
    assert isinstance(segment, Segment) and watch.limit_s == BEFORE_ANY_S
    driven.journal._started -= 50
    driven.conductor.report(segment.trial, segment.number, {"epoch": 1, "loss": 1.0})
    watch.heard("0000-001", 0)
    assert watch.limit_s == pytest.approx(1000, rel=0.05)


def test_f18_nobody_is_late_where_there_is_no_limit(clock: Clock) -> None:
    """`--stall-timeout none`."""
    watch = Stalls(None, seen())
    watch.began("0000-001", "one")
    clock.now += 1e9
    assert list(watch.late()) == []
