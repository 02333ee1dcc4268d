"""What a report says of how a sweep ran: how full its room was, what was cut, what the failures share."""

from pathlib import Path

import pytest

from experiments import open_sweep
from experiments._sweep.analysis.searched import searched
from experiments._sweep.analysis.timeline import timeline
from experiments._sweep.ledger.history import History
from experiments._sweep.ledger.records import EpochReported, Record, SegmentInterrupted, SegmentStarted, TrialProposed
from experiments._sweep.report.contents import Section
from experiments._sweep.report.figures.bars import LEAST_SEEN, timeline_bars
from experiments._sweep.report.figures.confirmed import confirmed_intervals
from experiments._sweep.report.figures.parallel import parallel_coordinates
from experiments._sweep.report.figures.slices import slices
from experiments._sweep.report.sections.running import endings_section, timeline_section
from tests.experiments.analysis.made import Ran, history, records
from tests.experiments.conftest import entries
from tests.experiments.reportable import candidate, reportable

X = {"x": {"uniform": [0.0, 1.0]}}


def ran(trial: int, start: float, end: float, worker: str | None) -> list[Record]:
    """Give the records of a trial that one process trained, or that ended before it said who did."""
    made: list[Record] = [
        TrialProposed(trial=trial, config={"x": 0.1}, origin="random", made_at=2, t=start),
        SegmentStarted(trial=trial, segment=1, t=start),
    ]
    if worker is None:
        return [*made, SegmentInterrupted(trial=trial, segment=1, cause="lost", why="gone", t=end)]
    report = EpochReported(
        trial=trial, segment=1, epoch=1, metrics={"loss": 1.0}, action="stop", ending="completed", worker=worker, t=end
    )
    return [*made, report]


def told(*trials: list[Record]) -> tuple[History, Section]:
    """Give the history of the trials, and the section about their times."""
    made = [*records(X, [])[:-1], *sorted((each for trial in trials for each in trial), key=lambda each: each.t)]
    found = History(entries(*made))
    return found, timeline_section(timeline(found))


def test_a_trial_that_ended_at_once_needs_no_lane_and_no_room_of_its_own() -> None:
    """Two processes that trained all the time were busy all the time, whatever failed between two of their trials."""
    found, section = told(
        ran(0, 0.0, 50.0, "h:1"),
        ran(1, 0.0, 49.9, "h:2"),
        ran(2, 49.9, 50.0, None),
        ran(3, 50.0, 100.0, "h:1"),
        ran(4, 50.05, 100.0, "h:2"),
    )
    shown = timeline(found)
    assert (shown.lanes, shown.slots) == (("h 1", "h 2"), 2)
    assert "at most 2 trials at a time. 100% of that room was training" in section.text[0]


def test_what_ran_beside_the_others_for_an_instant_is_no_third_place() -> None:
    """It has a lane, and does not lower the share."""
    found, _ = told(ran(0, 0.0, 100.0, "h:1"), ran(1, 0.0, 100.0, "h:2"), ran(2, 10.0, 10.1, "h:3"))
    assert (len(timeline(found).lanes), timeline(found).slots) == (3, 2)


def test_what_ended_at_once_can_be_seen() -> None:
    """A bar has a least width."""
    found, _ = told(ran(0, 0.0, 100.0, "h:1"), ran(1, 50.0, 50.0, None))
    drawn = timeline_bars(timeline(found))
    assert drawn is not None
    assert min(width for trace in drawn.figure.data for width in trace.x) == pytest.approx(LEAST_SEEN * 100.0)


def test_the_endings_tell_what_was_cut_and_what_the_failures_share() -> None:
    """Which trials, why, and whether they went on; and a setting that only failed trials have."""
    found, _ = told(ran(0, 0.0, 9.0, "h:1"), ran(7, 1.0, 2.0, None))
    assert "Interrupted (lost: gone): trial 7. 0 of 1 were gone on with." in endings_section(found).text
    space = {"depth": {"choice": [[1, 2, 3]]}}
    trials = [Ran({"depth": 1 + n % 3}, [1.0], "error" if n % 3 == 2 else "completed") for n in range(9)]
    made = history(space, trials)
    [shared] = endings_section(made, searched(made)).text
    assert shared == "All 3 trials that failed have depth 3, and none of the others has it."


@pytest.mark.parametrize(("mode", "worst"), [("min", "top"), ("max", "bottom")])
def test_trials_that_failed_stand_at_the_worst_side_of_the_axis(mode: str, worst: str) -> None:
    """Nobody should take one of them for the best."""
    made = history(
        X, [Ran({"x": n / 9}, [n] if n % 3 else [], "completed" if n % 3 else "error") for n in range(9)], mode=mode
    )
    found = searched(made)
    assert found is not None
    [drawn] = slices(made, found, (), ())
    [failed] = [trace for trace in drawn.figure.data if trace.name.startswith("failed")]
    assert all((height > 0.9) is (worst == "top") for height in failed.y)


def test_a_range_of_few_integers_names_each_of_them_where_its_lines_meet() -> None:
    """And the best line goes through the very place of its category."""
    space = {"layers": {"randint": [1, 5]}, "act": {"choice": [["relu", "tanh"]]}}
    made = history(space, [Ran({"layers": 1 + n % 4, "act": ["relu", "tanh"][n % 2]}, [n]) for n in range(12)])
    found = searched(made)
    assert found is not None
    drawn = parallel_coordinates(made, found, ())
    assert drawn is not None
    named = {note.text for note in drawn.figure.layout.annotations}
    assert {"1", "2", "3", "4"} <= named
    [best] = [trace for trace in drawn.figure.data if trace.name.startswith("best")]
    assert best.y[1] == pytest.approx(0.25)


def test_finalists_can_be_told_apart_beside_defaults_that_are_far_off() -> None:
    """On a logarithmic axis; one points at a seed and sees whose it is."""
    configurations = [candidate("trial 1", 1, 0.02, {}), candidate("defaults", None, 0.4, {})]
    for each in configurations:
        each |= {"low": each["mean"] * 0.9, "high": each["mean"] * 1.1, "promised": None}
        each["values"] = [each["mean"]] * 3
    drawn = confirmed_intervals({"metric": "loss", "mode": "min", "configurations": configurations})
    assert drawn is not None
    assert drawn.figure.layout.xaxis.type == "log"
    assert "<b>trial 1</b>, fresh seed 2: 0.02" in drawn.figure.data[0].hovertext


def test_a_stop_names_the_epoch_of_its_rung(tmp_path: Path) -> None:
    """The third rung may be that of epoch 9: a bare number would be read as the other one."""
    made = open_sweep(reportable(tmp_path / "widths", trials=16)).history
    [why] = [row[3] for row in endings_section(made).tables[0].rows if row[0] == "stopped"]
    assert "behind the cut-off at the rung of epoch 3" in why
