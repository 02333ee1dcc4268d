"""Ray Tune's own schedulers in an experiment: they decide as in Ray, and are rebuilt from the ledger."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from ray.tune.schedulers import (
    AsyncHyperBandScheduler,
    FIFOScheduler,
    HyperBandScheduler,
    MedianStoppingRule,
)
from ray.tune.schedulers.trial_scheduler import TrialScheduler

from experiments._sweep.engine.deciding.assignments import Segment
from experiments._sweep.ledger.files import read
from experiments._sweep.ledger.records import EpochReported, TrialProposed
from tests.experiments.conftest import Driven, experiment
from tests.experiments.test_foreign import at, endings, train

Drive = Callable[..., Driven]


SCHEDULERS: dict[str, Callable[[], Any]] = {
    "median": lambda: MedianStoppingRule(time_attr="training_iteration", grace_period=1, min_samples_required=2),
    "median-slices": lambda: MedianStoppingRule(
        time_attr="training_iteration", grace_period=1, min_time_slice=2, hard_stop=False
    ),
    "median-default": MedianStoppingRule,
    "asha": lambda: AsyncHyperBandScheduler(max_t=9, grace_period=1, reduction_factor=3),
    "hyperband": lambda: HyperBandScheduler(max_t=9, reduction_factor=3),
    "hyperband-81": HyperBandScheduler,
    "fifo": FIFOScheduler,
}


@pytest.mark.parametrize("slots", [1, 2, 5])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_sweep_with_a_scheduler_of_rays_ends(drive: Drive, name: str, slots: int) -> None:
    """Whatever the slots: every trial ends, each epoch is trained once, and no epoch is lost by holding."""
    driven = drive(experiment(scheduler=SCHEDULERS[name](), num_trials=12, epochs=9))
    reported = train(driven, slots)
    ended = endings(driven)
    assert len(ended) == 12 and {ending for ending, _ in ended} <= {"completed", "stopped"}
    assert sum(epochs for _, epochs in ended) == reported <= 12 * 9
    stops = {"median": True, "asha": True, "hyperband": True}.get(name, False)
    assert not stops or "stopped" in dict(ended), "it compares"


def test_hyperband_compares_whole_brackets_also_with_one_slot(drive: Drive) -> None:
    """Its brackets hold trials that wait, so that a limit on how many train does not switch it off."""
    few, many = (
        drive(
            experiment(scheduler=HyperBandScheduler(max_t=9, reduction_factor=3), num_trials=17, epochs=9), str(slots)
        )
        for slots in (1, 17)
    )
    assert train(few, 1) == train(many, 17) < 17 * 9
    assert sorted(endings(few)) == sorted(endings(many))


def test_a_median_rule_that_pauses_holds(drive: Drive) -> None:
    """With `hard_stop=False` the worse trials wait until no new ones come, and then train to the end."""
    rule = MedianStoppingRule(
        time_attr="training_iteration", grace_period=1, min_samples_required=2, hard_stop=False, min_time_slice=9
    )
    driven = drive(experiment(scheduler=rule, num_trials=8, epochs=4, search=at(*(n / 8 for n in range(8)))))
    train(driven, slots=2)
    assert endings(driven) == [("completed", 4)] * 8
    assert any(len(trial.segments) > 1 for trial in driven.journal.history.trials.values())


@pytest.mark.parametrize("name", ["asha", "median", "hyperband"])
def test_it_decides_as_in_ray_on_the_same_results(drive: Drive, name: str) -> None:
    """Every recorded decision is what a fresh object says to the recorded results in their order."""
    driven = drive(experiment(scheduler=SCHEDULERS[name](), num_trials=12, epochs=9))
    train(driven, slots=3)
    again = drive(experiment(scheduler=SCHEDULERS[name](), num_trials=12, epochs=9), "again", b"".join(driven.lines()))
    assert again.conductor.next_segment() == "done"
    counted = [e.record for e in read(driven.folder / "ledger.jsonl") if isinstance(e.record, EpochReported)]
    assert any(record.action == "stop" and record.ending == "stopped" for record in counted) or name == "hyperband"


@pytest.mark.parametrize("name", ["asha", "median", "hyperband"])
def test_a_repeatable_scheduler_goes_on_as_if_nothing_had_happened(drive: Drive, name: str) -> None:
    """From many lines of the ledger, the driver lost: the same trials are stopped at the same epochs."""
    asked = experiment(scheduler=SCHEDULERS[name](), num_trials=12, epochs=9)
    whole = drive(asked, "whole")
    train(whole)
    lines = whole.lines()
    for cut in range(2, len(lines), 21):
        again = drive(asked, f"cut{cut}", b"".join(lines[:cut]))
        train(again)
        assert endings(again) == endings(whole), cut


def test_a_failed_trial_holds_nobody_up(drive: Drive) -> None:
    """Trials that diverge leave their bracket; the others go on or are ended."""
    asked = experiment(scheduler=HyperBandScheduler(max_t=9, reduction_factor=3), num_trials=12, epochs=9)
    driven = drive(asked)
    for _ in range(4):
        segment = driven.conductor.next_segment()
        assert isinstance(segment, Segment)
        driven.conductor.report(segment.trial, segment.number, {"epoch": 1, "loss": math.nan})
    train(driven, slots=2)
    assert {ending for ending, _ in endings(driven)} == {"diverged", "completed", "stopped"}


def test_a_scheduler_that_raises_is_named(drive: Drive) -> None:
    """The engine makes it a fault with exit code 3; the result that it was asked about is told again on resume."""

    class Broken(FIFOScheduler):  # type: ignore[misc]
        def on_trial_result(self, controller: Any, trial: Any, result: Any) -> str:
            raise LookupError("no such rung")

    driven = drive(experiment(scheduler=Broken()))
    with pytest.raises(RuntimeError, match="the scheduler Broken raised LookupError: no such rung"):
        train(driven)
    assert endings(driven) == [("running", 0)]


def test_what_was_recorded_stays_where_the_scheduler_would_decide_otherwise(drive: Drive) -> None:
    """A scheduler that stops everything, after one that stopped nothing: what went on goes on."""

    class Stopping(FIFOScheduler):  # type: ignore[misc]
        def on_trial_result(self, controller: Any, trial: Any, result: Any) -> str:
            return str(TrialScheduler.STOP)

    first = drive(experiment(scheduler=FIFOScheduler()))
    train(first, most=2)
    again = drive(experiment(scheduler=Stopping()), "again", b"".join(first.lines()))
    train(again)
    assert endings(again) == [("completed", 3), *[("stopped", 1)] * 3]
    assert [trial.why for trial in again.journal.history.trials.values()][1] == "stopped by Stopping"
    assert sum(isinstance(e.record, TrialProposed) for e in read(again.folder / "ledger.jsonl")) == 4
