"""The best value so far is that of the ledger read line by line; time stands still between two drivers."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments._sweep.analysis.progress import progress
from experiments._sweep.analysis.timeline import timeline
from experiments._sweep.ledger.history import History
from experiments._sweep.ledger.records import (
    EpochReported,
    Record,
    SegmentInterrupted,
    SegmentStarted,
    TrialProposed,
)
from experiments._sweep.sweep import Sweep
from tests.experiments.analysis.made import Ran, history, records
from tests.experiments.conftest import driver, entries

STORED = Path(__file__).parents[1] / "stored"
SWEEPS = sorted(path.parent for path in STORED.glob("*/*/ledger.jsonl"))
X = {"x": {"uniform": [0.0, 1.0]}}


def line_by_line(ledger: Path) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """Read a ledger with nothing but JSON: (ended, best of the ended) and (epochs, best of all) whenever better."""
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    failed = {each["trial"] for each in lines if each.get("ending") not in (None, "completed", "stopped")}
    own: dict[int, float] = {}
    by_ended: list[tuple[int, float]] = []
    by_epoch: list[tuple[int, float]] = []
    ended = epochs = 0
    done: list[float] = []
    for each in lines:
        if each["kind"] == "epoch":
            epochs += 1
            value = each["metrics"]["loss"]
            if value == value and each["trial"] not in failed:  # noqa: PLR0124 - NaN
                own[each["trial"]] = min(value, own.get(each["trial"], value))
                if not by_epoch or value < by_epoch[-1][1]:
                    by_epoch.append((epochs, value))
        if each.get("ending"):
            ended += 1
            if each["trial"] in own:
                done.append(own[each["trial"]])
            if done:
                by_ended.append((ended, min(done)))
    return by_ended, by_epoch


@pytest.mark.parametrize("folder", SWEEPS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_best_so_far_is_that_of_the_ledgers_lines(folder: Path) -> None:
    """Of sweeps that older versions wrote, with failures, held trials and a lost driver."""
    told = progress(Sweep(folder).history)
    by_ended, by_epoch = line_by_line(folder / "ledger.jsonl")
    assert [(step.ended, step.value) for step in told.by_ended] == by_ended
    assert [(step.epochs, step.value) for step in told.by_epoch][: len(by_epoch)] == by_epoch


def test_a_trial_that_failed_in_the_end_never_led() -> None:
    """It stands in no table as the best one either."""
    told = progress(
        history(X, [Ran({"x": 0.1}, [3.0]), Ran({"x": 0.2}, [1.0, "NaN"], "error"), Ran({"x": 0.3}, [2.0])])
    )
    assert [(step.ended, step.trial, step.value) for step in told.by_ended] == [(1, 0, 3.0), (2, 0, 3.0), (3, 2, 2.0)]
    assert [(step.epochs, step.value) for step in told.by_epoch] == [(1, 3.0), (4, 2.0)]


def test_higher_is_better_where_the_sweep_says_so() -> None:
    """The curve rises."""
    told = progress(history(X, [Ran({"x": 0.1}, [1.0]), Ran({"x": 0.2}, [0.5, 3.0])], mode="max"))
    assert [step.value for step in told.by_ended] == [1.0, 3.0]
    assert [(step.epochs, step.value) for step in told.by_epoch] == [(1, 1.0), (3, 3.0)]


def test_where_the_last_value_counts_those_that_got_further_lead() -> None:
    """A mean of two folds beats a better one of a single fold, as in the table of trials."""
    told = progress(history(X, [Ran({"x": 0.1}, [0.1], "stopped"), Ran({"x": 0.2}, [0.9, 0.5])], counts="last"))
    assert [(step.trial, step.value) for step in told.by_ended] == [(0, 0.1), (1, 0.5)]
    assert told.by_epoch[-1].value == 0.5


def test_a_sweep_without_a_value_has_no_steps() -> None:
    """Nothing is made up for it."""
    told = progress(history(X, [Ran({"x": 0.1}, [], "error")]))
    assert (told.by_ended, told.by_epoch) == ((), ())


def two_drivers() -> list[Record]:
    """Give a sweep that was cut after 2 s, and went on an hour later with a clock of its own."""
    made = records(X, [Ran({"x": 0.1}, [1.0, 0.9], None)])[:-1]
    again: list[Record] = [
        driver(2),
        SegmentStarted(trial=0, segment=2, t=0.5),
        EpochReported(
            trial=0, segment=2, epoch=3, metrics={"loss": 0.5}, action="stop", ending="completed", worker="h:7", t=1.5
        ),
    ]
    return [*made, *again]


def test_no_time_passes_between_two_drivers() -> None:
    """The second driver's first second is the third of the sweep."""
    made = History(entries(*two_drivers()))
    told, shown = progress(made), timeline(made)
    assert [step.seconds for step in told.by_epoch] == [1.0, 2.0, 3.5]
    assert told.drivers == shown.drivers == (2.0,)
    assert [(each.start_s, each.end_s, each.ended) for each in shown.stretches] == [
        (0.0, 2.0, "interrupted"),
        (2.5, 3.5, "completed"),
    ]
    assert "driver" in shown.stretches[0].why


def test_no_lane_holds_two_stretches_at_a_time_and_none_is_lost() -> None:
    """Whatever the stretches are; the lanes are as few as they can be."""
    rng = np.random.default_rng(0)
    made: list[Record] = records(X, [])[:-1]
    spans = [(start, start + rng.uniform(0, 20)) for start in (rng.uniform(0, 100) for _ in range(60))]
    for number, (start, end) in enumerate(spans):
        made.append(TrialProposed(trial=number, config={"x": 0.1}, origin="random", made_at=2, t=start))
        made.append(SegmentStarted(trial=number, segment=1, t=start))
        made.append(SegmentInterrupted(trial=number, segment=1, cause="lost", why="gone", t=end))
    shown = timeline(History(entries(*made)))
    assert sorted((each.start_s, each.end_s) for each in shown.stretches) == sorted(spans)
    for lane in range(len(shown.lanes)):
        mine = [each for each in shown.stretches if each.lane == lane]
        assert all(one.end_s <= other.start_s for one, other in itertools.pairwise(mine))
    busiest = max(sum(start <= at < end for start, end in spans) for at, _ in spans)
    assert len(shown.lanes) == busiest
    assert not shown.measured
    assert shown.lanes[0] == "slot 1"


def worked(trial: int, worker: str | None, start: float, end: float) -> list[Any]:
    """Give the records of a trial that one process trained."""
    return [
        TrialProposed(trial=trial, config={"x": 0.1}, origin="random", made_at=2, t=start),
        SegmentStarted(trial=trial, segment=1, t=start),
        EpochReported(
            trial=trial,
            segment=1,
            epoch=1,
            metrics={"loss": 1.0},
            action="hold",
            worker=worker,
            t=end,
        ),
    ]


def test_a_process_keeps_its_lane_and_gives_it_on_when_it_trains_no_more() -> None:
    """Two hosts: the lanes go by their names; what a held trial did ends as held."""
    made = [
        *records(X, [])[:-1],
        *worked(0, "a:1", 0.0, 2.0),
        *worked(1, "b:1", 0.0, 9.0),
        *worked(2, "a:1", 3.0, 4.0),
        *worked(3, "a:2", 5.0, 6.0),
    ]
    shown = timeline(History(entries(*made)))
    assert shown.measured
    assert shown.lanes == ("a 1", "b 1")
    assert {each.trial: (each.lane, each.worker) for each in shown.stretches} == {
        0: (0, "a:1"),
        1: (1, "b:1"),
        2: (0, "a:1"),
        3: (0, "a:2"),
    }
    assert {each.ended for each in shown.stretches} == {"held"}
