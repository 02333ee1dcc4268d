"""What is told while a sweep runs, in plain lines and in the display: events, progress, resources, the time."""

import dataclasses
import io
from typing import Any

import pytest

from experiments._sweep.ledger.history import History
from experiments._sweep.ledger.records import DriverEnded, Record, SegmentStarted, TrialProposed
from experiments._sweep.views.clock import SweepClock
from experiments._sweep.views.events import Events
from experiments._sweep.views.lines import OFTEN_S, Lines
from experiments._sweep.views.resources import Cluster, resources_in_use
from tests.experiments.conftest import driver, entries, experiment, opened
from tests.experiments.test_display import epoch, half_way


def test_a_clock_runs_on_between_records_and_stands_still_at_the_end() -> None:
    """Its zero is the start of the newest driver; the time before that one is counted in all."""
    now = [100.0]
    clock, history = SweepClock(lambda: now[0], late_s=2.0), History()
    first = [
        opened(experiment()),
        driver(),
        epoch_of_trial_0 := TrialProposed(trial=0, config={}, origin="", made_at=0, t=5.0),
    ]
    for entry in entries(*first):
        history.apply(entry)
    assert epoch_of_trial_0.t == 5.0 and clock.t(history) == 7.0  # the newest record was two seconds old
    now[0] += 3.0
    assert clock.t(history) == 10.0
    history.apply(entries(*first, driver(2))[3])
    now[0] += 1.0
    assert clock.t(history) == 0.0 and clock.seconds(history) == 5.0
    now[0] += 1.0
    assert clock.seconds(history) == 6.0
    history.apply(entries(*first, driver(2), DriverEnded(driver=2, reason="finished", t=1.5, at=0.0))[4])
    now[0] += 50.0
    assert clock.t(history) == 1.5


@pytest.mark.parametrize(
    ("asks", "there", "words"),
    [
        ({}, None, "2 CPUs in use"),
        ({"cpus_per_trial": 0.5}, None, "1 CPU in use"),
        ({"gpus_per_trial": 0.25}, {"CPU": 8.0, "GPU": 1.0}, "2 of 8 CPUs, 0.5 of 1 GPU in use"),
        ({"resources_per_trial": {"big\x1b[2J": 1}}, None, "2 CPUs, 2 big\N{REPLACEMENT CHARACTER}[2J in use"),
        ({"cpus_per_trial": 0}, None, ""),
    ],
)
def test_resources_in_use(asks: dict[str, Any], there: dict[str, float] | None, words: str) -> None:
    """What the running trials hold, by Ray's names, and of how much where that is known."""
    first = opened(experiment())
    first.asks.update(asks)
    running = [
        record
        for trial in range(2)
        for record in (
            TrialProposed(trial=trial, config={}, origin="", made_at=0, t=0.0),
            SegmentStarted(trial=trial, segment=1, t=0.0),
            dataclasses.replace(epoch(trial, 1), worker=f"node{trial}:17"),
        )
    ]
    expected = f"{words} on 2 hosts" if words else ""
    assert resources_in_use(History(entries(first, driver(), *running)), there) == expected
    assert Cluster()() is None or there is None


def test_a_lead_is_told_once_a_trial_and_promotions_and_drivers_are_told() -> None:
    """Two trials that overtake each other at every epoch are not two lines an epoch."""
    events, history = Events(), History()
    started: list[Record] = []
    for trial in range(2):
        started.append(TrialProposed(trial=trial, config={}, origin="", made_at=0, t=0.0))
        started.append(SegmentStarted(trial=trial, segment=1, t=0.0))
    race = [
        dataclasses.replace(epoch(trial, number), metrics={"loss": 1.0 / (2 * number + trial)})
        for number in range(1, 6)
        for trial in range(2)
    ]
    rung = {"epoch": 3, "rank": 1, "of": 4}
    held = dataclasses.replace(epoch(0, 6), action="hold")
    promoted = SegmentStarted(trial=0, segment=2, rung=rung, t=9.0)
    told = []
    for entry in entries(opened(experiment()), driver(), *started, *race, held, promoted, driver(2)):
        history.apply(entry)
        told += events.of(entry, history)
    assert told == [
        "first epoch reported after 0.1 s",
        "trial 1 leads with loss 0.3333 at epoch 1",
        "trial 0 goes on after epoch 3, rank 1 of 4 there",
        "driver 2 goes on with it, process 1 on here",
    ]


def test_lines_say_how_far_it_is_also_where_much_is_said() -> None:
    """Trials that end one after the other do not tell how many are left, nor for how long."""
    records, now, file = half_way(), [0.0], io.StringIO()
    lines, history = Lines(file, clock=lambda: now[0]), History()
    for entry in entries(*records):
        history.apply(entry)
        now[0] += OFTEN_S / 2 / len(records)
        lines.saw(entry, history)
        lines.tick(history)
    for now[0] in (OFTEN_S * 0.7, OFTEN_S * 0.9, OFTEN_S * 1.05):
        lines.tick(history)
        lines.noted("something else", history)
    told = file.getvalue().splitlines()
    assert "5 completed, 11 stopped, 2 running; best so far: trial 1 with" in told[-2] and " left" in told[-2]
    assert sum("best so far" in line for line in told) == 1
