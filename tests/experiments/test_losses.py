"""Processes that are lost: what Ray says of them, what counts against a trial, and when it ends."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ray.exceptions import LocalRayletDiedError, OutOfMemoryError, RayActorError, RayError
from ray.tune.execution import tune_controller

from experiments._sweep.engine.deciding.assignments import Segment
from experiments._sweep.engine.deciding.conductor import Conductor
from experiments._sweep.engine.deciding.failures import LEAVES_ALLOWED, LOSSES_ALLOWED
from experiments._sweep.engine.faults import Fault
from experiments._sweep.engine.leaving import mark_of_leaving
from experiments._sweep.engine.losses import Cause, KernelKills, Loss, loss_told
from experiments._sweep.engine.on_ray.processes import every_loss_is_one
from experiments._sweep.ledger.files import trial_folder
from experiments._sweep.ledger.trial_history import TrialHistory
from experiments.searchers._fidelity import failed
from tests.experiments.conftest import Driven, experiment

Drive = Callable[..., Driven]

DIED = """Failure # 1 (occurred at 2026-11-21_18-45-53)
The actor died unexpectedly before finishing this task.
\tclass_name: ImplicitFunc
\tactor_id: 808b0831c8e620e32ab35be801000000
\tpid: 9769
\tip: 192.0.2.2
"""
"""What Ray 2.60 says of every actor that died."""


def take(conductor: Conductor) -> Segment:
    """The next segment, which there must be."""
    segment = conductor.next_segment()
    assert isinstance(segment, Segment)
    return segment


def lose(driven: Driven, cause: Cause = "lost", times: int = 1, epochs: int = 0) -> TrialHistory:
    """Take the trial that goes next so many times, train so many epochs each time, and lose its process."""
    for _ in range(times):
        segment = take(driven.conductor)
        for _ in range(epochs):
            epoch = len(driven.journal.history.trials[segment.trial].epochs) + 1
            assert driven.conductor.report(segment.trial, segment.number, {"epoch": epoch, "loss": 1.0})
        driven.conductor.lost(segment.trial, segment.number, "it died", cause)
    return driven.journal.history.trials[segment.trial]


SAID: list[tuple[str, Cause, str]] = [
    (
        "The worker process has died. Connection error code 2. End of file. Some common causes include: (1) the OOM",
        "lost",
        "The worker process has died. Connection error code 2. End of file.",
    ),
    (
        "Worker exits unexpectedly. Worker exits with an exit code 1. The process receives a SIGTERM.",
        "preempted",
        "its process was told to leave (SIGTERM): The process receives a SIGTERM",
    ),
    (
        "The actor died because its node has died. Node Id: 7d2c\n\tthe actor's node was preempted: moved away",
        "preempted",
        "its process was told to leave (SIGTERM): the actor's node was preempted: moved away",
    ),
    (
        "The actor died because its node has died. Node Id: 7d2c\n\tthe actor's node was terminated unexpectedly: no",
        "node",
        "its node was lost: The actor died because its node has died. Node Id: 7d2c",
    ),
    (
        "The actor 09ab is unavailable: The actor is temporarily unavailable: RpcError.",
        "node",
        "its node was lost: The actor 09ab is unavailable: The actor is temporarily unavailable: RpcError.",
    ),
    (
        "The actor is dead because its owner has died. Owner Id: 01 Owner's node has crashed.",
        "node",
        "its node was lost: The actor is dead because its owner has died. Owner Id: 01 Owner's node has crashed.",
    ),
    (
        "1 worker(s) were killed due to the node running low on memory.\nOOM kill reason: Memory usage exceeded it\n",
        "out_of_memory",
        "Ray's memory monitor ended its process: Memory usage exceeded it",
    ),
]
"""What Ray 2.60 has been seen to say beside that, its cause, and what is kept of it as evidence."""


@pytest.mark.parametrize(("said", "cause", "evidence"), SAID, ids=[str(number) for number in range(len(SAID))])
def test_f1_f14_what_ray_says_has_its_cause(said: str, cause: Cause, evidence: str) -> None:
    """The words of Ray 2.60, as they were seen; the evidence is one line of them."""
    assert loss_told(DIED + said) == Loss(cause=cause, evidence=evidence)
    assert loss_told("") == Loss(cause="lost", evidence="its process died")


def test_f1_an_epoch_in_between_starts_the_count_of_losses_anew(drive: Drive) -> None:
    """A process that dies after each epoch loses time, and not the trial; four times in a row without one do."""
    driven = drive(experiment(num_trials=2, epochs=12))
    assert lose(driven, times=9, epochs=1).state == "interrupted"
    assert lose(driven, times=LOSSES_ALLOWED - 1).state == "interrupted"
    lost = lose(driven)
    assert lost.state == "lost" and len(lost.epochs) == 9
    assert lost.why == "its process was lost 4 times without an epoch in between, the last time: it died"
    assert take(driven.conductor).trial == 1


def test_f4_g10_a_node_that_died_is_no_fault_of_the_trial(drive: Drive) -> None:
    """Nor is a notice to leave; but twenty in a row without an epoch are a fault of the cluster, and end it."""
    driven = drive(experiment(num_trials=1))
    assert lose(driven, "node", times=10).state == "interrupted"
    assert lose(driven, "lost", times=LOSSES_ALLOWED).state == "interrupted"
    assert lose(driven, "preempted", times=LEAVES_ALLOWED - LOSSES_ALLOWED - 10).state == "interrupted"
    lost = lose(driven, "preempted")
    assert lost.state == "lost" and "lost 20 times" in lost.why


def test_g10_a_lost_driver_does_not_count(drive: Drive) -> None:
    """What ran when the driver died was interrupted by it, however often; and losses before and after are in a row."""
    asked = experiment(num_trials=1)
    driven = drive(asked)
    lose(driven, times=LOSSES_ALLOWED - 1)
    for _ in range(5):
        take(driven.conductor)
        driven = drive(asked)
    assert lose(driven).state == "interrupted"
    assert lose(driven).state == "lost"


@pytest.mark.parametrize("by_ray", [True, False])
def test_f14_out_of_memory_is_tried_once_more(drive: Drive, by_ray: bool) -> None:
    """The first time the trial goes on from its newest checkpoint; the second time it ends, a bad one."""
    driven = drive(experiment(num_trials=2, epochs=9))
    for time in (1, 2):
        segment = take(driven.conductor)
        assert (segment.trial, segment.number, segment.epochs_known) == (0, time, time - 1)
        driven.conductor.report(0, time, {"epoch": time, "loss": 1.0})
        if by_ray:
            driven.conductor.lost(0, time, "Ray's memory monitor ended its process", "out_of_memory")
        else:
            driven.conductor.failed(0, time, Fault.of(MemoryError()))
    trial = driven.journal.history.trials[0]
    assert trial.state == "out_of_memory" and len(trial.epochs) == 2
    assert trial.segments[0].cause == "out_of_memory"
    assert trial.why == ("Ray's memory monitor ended its process" if by_ray else "MemoryError")
    assert failed(driven.conductor._observed.trials()[0]), "a searcher counts it as a bad one"
    assert driven.journal.history.best is None
    assert take(driven.conductor).trial == 1


def test_f15_the_device_has_no_memory_left(drive: Drive) -> None:
    """Told by the class's name, so that torch need not be imported; its process is not used for another trial."""
    import torch

    fault = Fault.of(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."))
    assert fault.ending == "out_of_memory" and fault.fresh_process
    driven = drive(experiment(num_trials=1))
    driven.conductor.failed(0, take(driven.conductor).number, fault)
    assert driven.journal.history.trials[0].state == "interrupted"
    driven.conductor.failed(0, take(driven.conductor).number, fault)
    assert driven.journal.history.trials[0].state == "out_of_memory"


def test_f14_the_kernels_count_explains_a_loss(tmp_path: Path) -> None:
    """A process that is gone at the moment that the kernel ended one for want of memory; one rise explains one loss."""
    events, lost = tmp_path / "memory.events", Loss(cause="lost", evidence="it died")
    events.write_text("low 0\nhigh 0\nmax 7\noom 5\noom_kill 5\noom_group_kill 0\n")
    kernel = KernelKills(events)
    assert kernel.explain(lost) == lost, "what was before is no evidence"
    events.write_text("low 0\nhigh 0\nmax 7\noom 6\noom_kill 6\noom_group_kill 0\n")
    told = Loss(cause="node", evidence="its node died")
    assert kernel.explain(told) == told, "what has its cause needs no other"
    assert kernel.explain(lost).cause == "out_of_memory"
    assert kernel.explain(lost) == lost
    assert KernelKills(tmp_path / "not-there").explain(lost) == lost


def test_f19_a_mark_tells_that_the_process_was_told_to_leave(drive: Drive) -> None:
    """A process that did not get as far as a report before it was ended was preempted, and did not fail."""
    driven = drive(experiment(num_trials=1))
    for _ in range(LOSSES_ALLOWED + 2):
        segment = take(driven.conductor)
        mark = mark_of_leaving(trial_folder(driven.folder, segment.trial), segment.number)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
        driven.conductor.lost(segment.trial, segment.number, "End of file.")
    trial = driven.journal.history.trials[0]
    assert trial.state == "interrupted"
    assert {(each.cause, each.why) for each in trial.segments} == {
        ("preempted", "its process was told to leave (SIGTERM); End of file.")
    }


def test_f18_the_first_trials_that_all_fall_silent_stop_the_sweep(drive: Drive) -> None:
    """G9: three of three are no accident; the sweep ends as the engine's fault, and one after another does not."""
    driven = drive(experiment(num_trials=9))
    for number in range(3):
        segment = take(driven.conductor)
        driven.conductor.stalled(number, segment.number, "no report for 61 s")
    assert {trial.state for trial in driven.journal.history.trials.values()} == {"timed_out"}
    halt = driven.conductor.halt
    assert halt is not None and halt.reason == "fault" and "--stall-timeout" in halt.why
    fine = drive(experiment(num_trials=9), "fine")
    reported: Mapping[str, Any] = {"epoch": 1, "loss": 1.0}
    for number in range(4):
        segment = take(fine.conductor)
        fine.conductor.report(number, segment.number, reported)
        if number:
            fine.conductor.stalled(number, segment.number, "no report for 61 s")
        else:
            fine.conductor.returned(number, segment.number)
    assert fine.conductor.halt is None


@pytest.mark.parametrize("error", [OutOfMemoryError("low on memory"), LocalRayletDiedError()])
def test_f14_what_tune_does_not_know_is_a_loss_as_well(monkeypatch: pytest.MonkeyPatch, error: RayError) -> None:
    """Ray's memory monitor would end Tune's loop; a trial's own exception and a dead actor are as they were."""
    seen: list[Exception] = []
    theirs = tune_controller.RayActorManager
    monkeypatch.setattr(theirs, "_actor_task_failed", lambda _, __, exception: seen.append(exception))
    died = RayActorError()
    with every_loss_is_one():
        manager = object.__new__(tune_controller.RayActorManager)
        manager._actor_task_failed(None, error)
        manager._actor_task_failed(None, died)
    assert isinstance(seen[0], RayActorError) and str(error) in str(seen[0]) and seen[1] is died
    assert tune_controller.RayActorManager is theirs
