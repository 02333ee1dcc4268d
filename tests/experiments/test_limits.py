"""Limits in the metric: a target reached, and no improvement over the last trials that ended."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from experiments import ASHA, InputError
from experiments._sweep.engine.deciding.assignments import Segment
from experiments._sweep.engine.deciding.limits import limit_reached
from experiments._sweep.engine.faults import Fault
from tests.experiments.conftest import Driven, experiment

Drive = Callable[..., Driven]

FAULT = Fault(ending="error", summary="ValueError: no", traceback="", fresh_process=False)


def tell(driven: Driven, *losses: float) -> Segment:
    """Start the next stretch of training and report its epochs, until it must stop; give the stretch."""
    segment = driven.conductor.next_segment()
    assert isinstance(segment, Segment)
    for epoch, loss in enumerate(losses, len(driven.journal.history.trials[segment.trial].epochs) + 1):
        if not driven.conductor.report(segment.trial, segment.number, {"epoch": epoch, "loss": loss}):
            break
    return segment


def state(driven: Driven, trial: int) -> tuple[str, int]:
    """A trial's state and how many epochs it has."""
    known = driven.journal.history.trials[trial]
    return known.state, len(known.epochs)


# The target


@pytest.mark.parametrize(("mode", "values"), [("min", (0.6, 0.5)), ("max", (0.4, 0.5)), ("min", (0.6, -7.0))])
def test_a_target_that_is_reached_ends_the_sweep(drive: Drive, mode: str, values: tuple[float, ...]) -> None:
    """At the epoch that reaches it, exactly or beyond; the trial can go on, and nothing new starts."""
    driven = drive(experiment(mode=mode, target=0.5))
    tell(driven, *values, 9.0)
    assert driven.conductor.halt is not None
    assert (driven.conductor.halt.reason, driven.conductor.halt.why) == (
        "target",
        "the target of 0.5 was reached by trial 0",
    )
    assert state(driven, 0) == ("interrupted", 2)
    assert driven.conductor.next_segment() == "done"


def test_trials_beside_it_stop_at_their_next_report(drive: Drive) -> None:
    """As on Ctrl+C: they are kept, and go on when the sweep is extended."""
    driven = drive(experiment(target=0.5))
    beside = tell(driven, 0.9)
    tell(driven, 0.4)
    assert not driven.conductor.report(beside.trial, beside.number, {"epoch": 2, "loss": 0.8})
    assert state(driven, 0) == ("interrupted", 2)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_reaches_no_target(drive: Drive, value: float) -> None:
    """Its trial diverges, and the sweep goes on."""
    driven = drive(experiment(target=0.5))
    tell(driven, value)
    assert state(driven, 0) == ("diverged", 1)
    assert driven.conductor.halt is None and isinstance(driven.conductor.next_segment(), Segment)


def test_the_last_epoch_of_all_may_reach_it(drive: Drive) -> None:
    """The trial is completed, and the sweep ended by its target."""
    driven = drive(experiment(target=0.5, num_trials=1))
    tell(driven, 0.9, 0.8, 0.5)
    assert state(driven, 0) == ("completed", 3)
    assert driven.conductor.next_segment() == "done"
    assert driven.conductor.halt is not None and driven.conductor.halt.reason == "target"


def test_where_the_last_value_counts_only_a_completed_trial_reaches_it(drive: Drive) -> None:
    """An estimate from some folds is none yet."""
    asked = experiment(target=0.5)
    object.__setattr__(asked.trainable, "counts", "last")
    driven = drive(asked)
    tell(driven, 0.4, 0.4)
    assert driven.conductor.halt is None
    driven.conductor.report(0, 1, {"epoch": 3, "loss": 0.5})
    assert driven.conductor.next_segment() == "done"
    assert driven.conductor.halt is not None and driven.conductor.halt.reason == "target"


# No improvement


def test_trials_that_end_without_a_better_value_end_the_sweep(drive: Drive) -> None:
    """Counted after the epoch that has the best value; the trial that has it does not count, a tie and failures do."""
    driven = drive(experiment(patience_trials=3, num_trials=9))
    tell(driven, 0.9, 0.9, 0.9)
    tell(driven, 0.5, 0.6, 0.6)
    tell(driven, 0.5, 0.5, 0.5)
    tell(driven, math.nan)
    third = driven.conductor.next_segment()
    assert isinstance(third, Segment)
    driven.conductor.failed(third.trial, third.number, FAULT)
    assert driven.conductor.next_segment() == "done"
    assert driven.conductor.halt is not None
    assert (driven.conductor.halt.reason, driven.conductor.halt.why) == (
        "no improvement",
        "3 trials ended without a better loss than trial 1",
    )


def test_a_better_value_begins_the_count_anew(drive: Drive) -> None:
    """Also one of a trial that still runs."""
    driven = drive(experiment(patience_trials=2, num_trials=9))
    running = tell(driven, 0.9)
    tell(driven, 0.8, 0.8, 0.8)
    tell(driven, 0.8, 0.8, 0.8)
    assert driven.conductor.halt is None
    assert driven.conductor.report(running.trial, running.number, {"epoch": 2, "loss": 0.1})
    tell(driven, 0.8, 0.8, 0.8)
    assert isinstance(driven.conductor.next_segment(), Segment)


def test_who_draws_level_later_has_not_improved_anything(drive: Drive) -> None:
    """Also where it has the lower number, and therefore leads: the count goes on from who was first."""
    driven = drive(experiment(patience_trials=3, num_trials=9))
    slow = tell(driven, 0.9)
    tell(driven, 0.5, 0.6, 0.6)
    tell(driven, 0.8, 0.8, 0.8)
    tell(driven, 0.8, 0.8, 0.8)
    assert driven.conductor.report(slow.trial, slow.number, {"epoch": 2, "loss": 0.5})
    assert driven.journal.history.best is driven.journal.history.trials[0]
    tell(driven, 0.8, 0.8, 0.8)
    assert driven.conductor.next_segment() == "done"
    assert driven.conductor.halt is not None
    assert driven.conductor.halt.why == "3 trials ended without a better loss than trial 1"


def test_trials_that_never_have_a_value_count(drive: Drive) -> None:
    """A sweep in which all diverge ends, too."""
    driven = drive(experiment(patience_trials=2, num_trials=9))
    tell(driven, math.nan)
    tell(driven, math.nan)
    assert driven.conductor.next_segment() == "done"
    assert driven.conductor.halt is not None and driven.conductor.halt.why == "2 trials ended without a loss"


def test_a_limit_is_a_function_of_the_ledger(drive: Drive) -> None:
    """A resumed sweep sees the same limit reached, at every line of the ledger."""
    asked = experiment(patience_trials=1, target=0.2, num_trials=9, scheduler=ASHA())
    driven = drive(asked)
    for losses in ((0.9, 0.8, 0.7), (0.5, 0.4, 0.3), (0.95,)):
        tell(driven, *losses)
    assert driven.conductor.next_segment() == "done"
    halt, lines = driven.conductor.halt, driven.lines()
    again = drive(asked, "again", b"".join(lines))
    assert again.conductor.next_segment() == "done" and again.conductor.halt == halt
    before = drive(asked, "before", b"".join(lines[:-1]))
    assert limit_reached(before.journal.history, asked) is None


# What is refused


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"target": math.nan},
            "target must be a finite number, a value of loss at which the sweep ends, got nan. Give",
        ),
        ({"target": "low"}, "target must be a finite number, a value of loss at which the sweep ends, got 'low'."),
        ({"target": True}, "target must be a finite number, a value of loss at which the sweep ends, got True."),
        ({"patience_trials": 0}, "patience_trials must be a whole number of at least 1, got 0. Give how many trials"),
        ({"patience_trials": 2.5}, "patience_trials must be a whole number of at least 1, got 2.5."),
    ],
)
def test_a_bad_limit_is_refused(change: dict[str, Any], said: str) -> None:
    """Once, by its text."""
    with pytest.raises(InputError) as refused:
        experiment(**change)
    (fault,) = refused.value.faults
    assert fault.startswith(said)
