"""The conductor without Ray: how trials end, what is told again, what is held, drained and cut."""

import errno
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from ray import tune

from experiments import FIFO
from experiments._sweep.engine.deciding.assignments import Segment
from experiments._sweep.engine.deciding.conductor import Conductor
from experiments._sweep.engine.deciding.failures import LOSSES_ALLOWED
from experiments._sweep.engine.faults import Fault
from experiments._sweep.engine.here import run_here
from experiments._sweep.engine.segment import TrainableSource, Workplace
from experiments._sweep.engine.signals import Drain
from experiments._sweep.ledger.files import read
from experiments._sweep.ledger.records import EpochReported
from experiments._sweep.ledger.trial_history import TrialHistory
from experiments._sweep.policy import Decision, Observation
from tests.experiments.conftest import Driven, Made, experiment

Drive = Callable[..., Driven]


def take(conductor: Conductor) -> Segment:
    """The next segment, which there must be."""
    segment = conductor.next_segment()
    assert isinstance(segment, Segment)
    return segment


def report(conductor: Conductor, segment: Segment, epoch: Any, loss: Any, **more: Any) -> bool:
    """Report an epoch of a segment."""
    return conductor.report(segment.trial, segment.number, {"epoch": epoch, "loss": loss, **more})


def train(conductor: Conductor, segment: Segment, losses: Mapping[int, float]) -> None:
    """Report epochs until the trial must stop."""
    for epoch, loss in losses.items():
        if not report(conductor, segment, epoch, loss):
            return


def only(driven: Driven) -> TrialHistory:
    """The one trial of a sweep."""
    (trial,) = driven.journal.history.trials.values()
    return trial


def run(driven: Driven) -> None:
    """Run a sweep to its end in this process, as `--here` does."""
    source = TrainableSource(path=None, trainable=driven.conductor.experiment.trainable)
    asked = driven.conductor.experiment
    workplace = Workplace(
        source=source,
        sweep=str(driven.folder),
        working_directory=".",
        data_dir=None,
        metric=asked.metric,
        mode=asked.mode,
    )
    run_here(driven.conductor, workplace, drain=Drain(None))


def fault(text: str = "ValueError: no", line: int = 7) -> Fault:
    """An exception of a trainable, raised in some line of its file."""
    shown = f'Traceback (most recent call last):\n  File "mine.py", line {line}, in train\n    ...\n{text}\n'
    return Fault(ending="error", summary=text, traceback=shown, fresh_process=False)


# How trials end


def test_a_trial_that_trains_its_budget_is_completed(drive: Drive) -> None:
    """The last epoch's line has the ending: result, decision and ending are one record."""
    driven = drive(experiment(num_trials=1))
    segment = take(driven.conductor)
    assert [report(driven.conductor, segment, epoch, 1 / epoch) for epoch in (1, 2, 3)] == [True, True, False]
    last = read(driven.folder / "ledger.jsonl")[-1].record
    assert isinstance(last, EpochReported) and last.ending == "completed" and last.action == "stop"
    assert "budget of 3 epochs" in only(driven).why
    assert driven.conductor.next_segment() == "done"


def test_a_trial_that_returns_early_is_completed(drive: Drive) -> None:
    """Its own patience ran out."""
    driven = drive(experiment(num_trials=1))
    segment = take(driven.conductor)
    report(driven.conductor, segment, 1, 0.5)
    driven.conductor.returned(segment.trial, segment.number)
    assert (only(driven).state, only(driven).why) == ("completed", "finished by itself after epoch 1")


def test_a_trial_that_reports_nothing_is_an_error(drive: Drive) -> None:
    """Returning without a report is no success."""
    driven = drive(experiment(num_trials=1))
    segment = take(driven.conductor)
    driven.conductor.returned(segment.trial, segment.number)
    assert (only(driven).state, only(driven).why) == ("error", "finished without reporting loss")


@pytest.mark.parametrize(
    "loss",
    [math.nan, math.inf, -math.inf, np.float32("nan"), -(10**400), torch.tensor(math.inf)],
    ids=lambda loss: str(loss)[:9],
)
def test_f13_a_trial_that_is_not_finite_diverges(drive: Drive, loss: Any) -> None:
    """It stops at that epoch, which is recorded, and counts as no loss."""
    driven = drive(experiment(num_trials=1))
    segment = take(driven.conductor)
    assert report(driven.conductor, segment, 1, 0.5)
    assert not report(driven.conductor, segment, 2, loss)
    assert only(driven).state == "diverged" and only(driven).why.startswith("loss became")
    assert len(only(driven).epochs) == 2 and only(driven).losses == {1: 0.5}
    assert driven.journal.history.best is None


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (None, "metric 'loss' must be a number, got None (NoneType)"),
        ("0.5", "metric 'loss' must be a number, got '0.5' (str)"),
        (True, "metric 'loss' must be a number, got True (bool)"),
        (torch.zeros(2), "metric 'loss' must be a number, got '<Tensor>' (Tensor)"),
        (np.zeros(3), "metric 'loss' must be a number, got '<ndarray>' (ndarray)"),
    ],
)
def test_a_metric_that_is_no_number_is_an_error(drive: Drive, loss: Any, said: str) -> None:
    """It costs its trial, by name and type, and not the sweep."""
    driven = drive(experiment(num_trials=2))
    segment = take(driven.conductor)
    assert not report(driven.conductor, segment, 1, loss)
    assert (only(driven).state, only(driven).why) == ("error", said)
    assert driven.conductor.halt is None and take(driven.conductor).trial == 1


@pytest.mark.parametrize("loss", [np.float64(0.5), np.float32(0.5), torch.tensor(0.5), torch.tensor([[0.5]]), 1])
def test_numbers_of_numpy_and_torch_are_numbers(drive: Drive, loss: Any) -> None:
    """They are recorded as Python's."""
    driven = drive(experiment(num_trials=1))
    assert report(driven.conductor, take(driven.conductor), 1, loss)
    assert type(only(driven).epochs[0].metrics["loss"]) in (int, float)


@pytest.mark.parametrize("record", [5, None, [1], {1: 2}, {"loss": {}}, {"x" * 200: 1}, {"text": "x" * 70_000}])
def test_f13_g11_no_record_ends_a_sweep(drive: Drive, record: Any) -> None:
    """Whatever a trial yields, it is that trial's error, and the next one starts."""
    driven = drive(experiment(num_trials=2))
    report(driven.conductor, take(driven.conductor), 1, 0.5)
    driven.conductor.returned(0, 1)
    second = take(driven.conductor)
    assert not driven.conductor.report(second.trial, second.number, record)
    assert driven.journal.history.trials[1].state == "error"
    assert driven.conductor.halt is None


def test_a_metric_that_is_never_reported_stops_the_sweep(drive: Drive) -> None:
    """The first report tells: the name is wrong, and every other trial would fail as well."""
    driven = drive(experiment(num_trials=4))
    assert not driven.conductor.report(0, take(driven.conductor).number, {"epoch": 1, "lose": 1.0})
    halt = driven.conductor.halt
    assert halt is not None and halt.reason == "failed"
    assert "metric 'loss' was not reported; reported: epoch, lose. Did you mean 'lose'?" in halt.why
    assert driven.conductor.next_segment() == "done"


def test_a_metric_missing_in_one_trial_is_that_trials_error(drive: Drive) -> None:
    """Where another trial has reported it, the name is right."""
    driven = drive(experiment(num_trials=3))
    report(driven.conductor, take(driven.conductor), 1, 0.5)
    second = take(driven.conductor)
    assert not driven.conductor.report(second.trial, second.number, {"epoch": 1})
    assert driven.journal.history.trials[1].state == "error" and driven.conductor.halt is None


def test_f16_the_same_exception_in_the_first_trials_stops_the_sweep(drive: Drive) -> None:
    """G10: three of three are the code's fault, whatever values their messages have; the sweep fails with it."""
    driven = drive(experiment(num_trials=9))
    for number in range(3):
        segment = take(driven.conductor)
        driven.conductor.failed(segment.trial, segment.number, fault(f"ValueError: x is {number}"))
    assert driven.conductor.halt is not None and driven.conductor.halt.reason == "failed"
    assert driven.conductor.halt.why == "the first 3 trials all ended with: ValueError: x is 2"


def test_different_exceptions_do_not(drive: Drive) -> None:
    """Nor does the same one after a first trial that succeeded."""
    driven = drive(experiment(num_trials=9))
    for text, line in (("ValueError", 7), ("KeyError", 7), ("ValueError", 8), ("ValueError", 7), ("ValueError", 7)):
        segment = take(driven.conductor)
        driven.conductor.failed(segment.trial, segment.number, fault(text, line))
    assert driven.conductor.halt is None


def test_an_exception_without_words_is_an_error_like_others() -> None:
    """A message that cannot be made is the trainable's code, too."""

    class Mute(Exception):  # noqa: N818 - made up
        def __str__(self) -> str:
            raise RuntimeError

    assert Fault.of(Mute()).summary == "Mute: <its message cannot be read>"
    assert Fault.of(MemoryError()).ending == Fault.of(torch.OutOfMemoryError("x")).ending == "out_of_memory"


# Epochs, each once


def test_a_checkpoint_that_is_told_again_is_not_recorded_again(drive: Drive) -> None:
    """After a lost process the segment begins with a record that the ledger has, or with one that it lacks."""
    driven = drive(experiment(num_trials=1, epochs=5))
    first = take(driven.conductor)
    train(driven.conductor, first, {1: 0.9, 2: 0.8})
    driven.conductor.lost(first.trial, first.number, "it died")
    second = take(driven.conductor)
    assert (second.trial, second.number, second.config) == (0, 2, first.config)
    train(driven.conductor, second, {2: 0.8, 3: 0.7})
    driven.conductor.lost(second.trial, second.number, "it died")
    train(driven.conductor, take(driven.conductor), {1: 0.9, 2: 0.8, 3: 0.7, 4: 0.6, 5: 0.5})  # no checkpoint is left
    assert [(epoch.epoch, epoch.segment) for epoch in only(driven).epochs] == [(1, 1), (2, 1), (3, 2), (4, 3), (5, 3)]
    assert only(driven).state == "completed"


@pytest.mark.parametrize("epoch", [3, 0, -1, 1.5, "two", None, math.nan, 1])
def test_an_epoch_out_of_order_is_refused(drive: Drive, epoch: Any) -> None:
    """Gaps, counting from 0, and the same epoch again and again are the trainable's error, said as such."""
    driven = drive(experiment(num_trials=1))
    segment = take(driven.conductor)
    assert report(driven.conductor, segment, 1, 0.5)
    assert not report(driven.conductor, segment, epoch, 0.4)
    assert only(driven).state == "error"
    assert only(driven).why == f"reported epoch {epoch!r} after epoch 1; epochs are numbered 1, 2, 3 ..."


def test_a_segment_that_is_over_changes_nothing(drive: Drive) -> None:
    """A process that outlived its segment may report, return, fail or die: nobody listens."""
    driven = drive(experiment(num_trials=1))
    stale = take(driven.conductor)
    driven.conductor.lost(stale.trial, stale.number, "it seemed dead")
    take(driven.conductor)
    before = driven.lines()
    assert not report(driven.conductor, stale, 1, 0.5)
    driven.conductor.returned(stale.trial, stale.number)
    driven.conductor.failed(stale.trial, stale.number, fault())
    driven.conductor.lost(stale.trial, stale.number, "again")
    assert driven.lines() == before


def test_a_trial_lost_too_often_is_lost(drive: Drive) -> None:
    """Its number is handed out again so many times, before any new one; then the sweep goes on without it."""
    driven = drive(experiment(num_trials=2))
    for number in range(1, LOSSES_ALLOWED + 2):
        segment = take(driven.conductor)
        assert (segment.trial, segment.number) == (0, number)
        driven.conductor.lost(segment.trial, segment.number, "oom-killer")
    assert only(driven).state == "lost"
    assert only(driven).why.endswith("lost 4 times without an epoch in between, the last time: oom-killer")
    assert take(driven.conductor).trial == 1


def test_a_plain_function_counts_for_itself(drive: Drive) -> None:
    """A Ray function does not number its epochs; without a checkpoint it begins again, and nothing is doubled."""

    def plain(config: dict[str, Any]) -> None:
        tune.report({"loss": config["x"]})

    driven = drive(experiment(trainable=plain, num_trials=1))
    (driven.folder / "ray" / "one").mkdir(parents=True)
    first = take(driven.conductor)
    assert driven.conductor.report(0, first.number, {"loss": 0.9}, "ray/one")
    assert driven.conductor.report(0, first.number, {"loss": 0.8})
    driven.conductor.lost(0, first.number, "it died")
    second = take(driven.conductor)
    assert second.checkpoint == "ray/one"
    assert driven.conductor.report(0, second.number, {"loss": 0.8})
    driven.conductor.lost(0, second.number, "it died")
    (driven.folder / "ray" / "one").rmdir()
    third = take(driven.conductor)
    assert third.checkpoint is None, "a checkpoint that is gone: the function begins again, and so do its numbers"
    assert driven.conductor.report(0, third.number, {"loss": 0.9})
    assert driven.conductor.report(0, third.number, {"loss": 0.8})
    assert not driven.conductor.report(0, third.number, {"loss": 0.7})
    assert [epoch.metrics["loss"] for epoch in only(driven).epochs] == [0.9, 0.8, 0.7]


def test_f7_a_full_disk_is_not_the_trials_fault(drive: Drive) -> None:
    """The sweep stops with the disk's own words, and the trial is interrupted, not ended."""
    driven = drive(experiment(num_trials=4))
    first = take(driven.conductor)
    driven.conductor.failed(first.trial, first.number, Fault.of(OSError(errno.ENOSPC, "No space left on device")))
    halt = driven.conductor.halt
    assert halt is not None and halt.reason == "fault"
    assert halt.why == "the disk is full: No space left on device. Make room or restore access, then resume."
    assert only(driven).state == "interrupted"


# Held, drained, cut


@dataclass(frozen=True, kw_only=True)
class Halving(FIFO):
    """Holds every trial at epoch 1; the best half goes on once all are there."""

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """The first epoch."""
        return (1,)

    def decide(
        self, trials: Mapping[int, Observation], *, trial: int, epoch: int, loss: float, epochs: int
    ) -> Decision:
        """Hold at epoch 1."""
        return Decision(action="hold" if epoch == 1 else "continue", rung=1 if epoch == 1 else None, rank=1, of=1)

    def judge(
        self, trials: Mapping[int, Observation], held: Mapping[int, int], *, epochs: int, more_to_come: bool
    ) -> dict[int, Decision]:
        """The best held one, while fewer than half went on."""
        there = {number: each.losses for number, each in trials.items() if each.losses}
        waiting = more_to_come or any(not each.losses and each.ending is None for each in trials.values())
        if waiting or sum(len(each) > 1 for each in there.values()) >= len(there) / 2:
            return {}
        return {min(held, key=lambda trial: there[trial][1]): Decision(action="continue")}


def test_a_held_trial_is_promoted_and_the_rest_is_stopped(drive: Drive) -> None:
    """The best half trains on from its checkpoint in a second segment; who is held at the end is stopped."""
    driven = drive(experiment(scheduler=Halving(), num_trials=4))
    run(driven)
    trials = sorted(driven.journal.history.trials.values(), key=lambda trial: trial.config["x"])
    assert [trial.state for trial in trials] == ["completed", "completed", "stopped", "stopped"]
    assert [len(trial.epochs) for trial in trials] == [3, 3, 1, 1]
    assert [len(trial.segments) for trial in trials] == [2, 2, 1, 1]
    assert trials[-1].why == "held at epoch 1 when the sweep ended"


def test_draining_interrupts_at_the_next_report(drive: Drive) -> None:
    """The result counts, the trial goes on later, nothing new starts, and the first reason stays."""
    driven = drive(experiment(num_trials=3))
    segment = take(driven.conductor)
    driven.conductor.stop("time limit", "enough")
    driven.conductor.stop("interrupted", "later")
    assert driven.conductor.next_segment() == "done"
    assert not report(driven.conductor, segment, 1, 0.5)
    assert (only(driven).state, only(driven).segments[0].cause, len(only(driven).epochs)) == (
        "interrupted",
        "drained",
        1,
    )
    assert driven.conductor.halt is not None and driven.conductor.halt.why == "enough"
    again = drive(driven.conductor.experiment)
    assert take(again.conductor).trial == 0


def test_a_trial_that_ends_while_draining_has_ended(drive: Drive) -> None:
    """Its last epoch is its ending, not an interruption."""
    driven = drive(experiment(num_trials=1, epochs=1))
    segment = take(driven.conductor)
    driven.conductor.stop("time limit", "enough")
    assert not report(driven.conductor, segment, 1, 0.5)
    assert only(driven).state == "completed"


def test_cut_gives_up_what_runs(drive: Drive) -> None:
    """In mid-epoch; what the process says afterwards is ignored."""
    driven = drive(experiment(num_trials=2))
    one, two = take(driven.conductor), take(driven.conductor)
    driven.conductor.cut("no time")
    assert {trial.state for trial in driven.journal.history.trials.values()} == {"interrupted"}
    assert {trial.segments[0].cause for trial in driven.journal.history.trials.values()} == {"cut"}
    assert not report(driven.conductor, one, 1, 0.5) and not report(driven.conductor, two, 1, 0.5)


def test_waiting_for_those_that_run(drive: Drive) -> None:
    """With every trial handed out there is nothing new until one ends."""
    driven = drive(experiment(num_trials=1))
    segment = take(driven.conductor)
    assert driven.conductor.next_segment() == "wait"
    driven.conductor.failed(segment.trial, segment.number, fault())
    assert driven.conductor.next_segment() == "done"


def test_a_finite_space_is_exhausted(drive: Drive) -> None:
    """Three values are three trials, however many are asked for."""
    driven = drive(experiment(space={"x": tune.choice([0.1, 0.2, 0.3])}, num_trials=10))
    run(driven)
    assert sorted(trial.config["x"] for trial in driven.journal.history.trials.values()) == [0.1, 0.2, 0.3]


def test_a_trial_that_ends_its_process_is_an_error_here(drive: Drive) -> None:
    """`sys.exit()` in a trainable ends its trial and not the sweep."""

    def leaving(config: Made, _: Any) -> Iterator[dict[str, Any]]:
        if config.x < 0.5:
            raise SystemExit(0)
        yield {"epoch": 1, "loss": config.x}

    driven = drive(experiment(leaving, epochs=1, num_trials=8))
    run(driven)
    assert {trial.state for trial in driven.journal.history.trials.values()} == {"error", "completed"}
