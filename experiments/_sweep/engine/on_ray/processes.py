"""Processes that Ray holds for a sweep: ended by force, and lost in more ways than Tune expects."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.ledger.lease import process_start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ray.tune.experiment import Trial

REACH_S = 15.0
"""How long another node may take to end a process there."""


def end_process(trial: Trial) -> None:
    """Ends the process of a trial that is silent, and all that it has started; Tune learns of it as of any loss.

    A worker of a DataLoader that hangs would outlive it otherwise, and hold the connections that it has inherited.
    """
    import ray
    from ray._private import state  # nothing public tells an actor's process
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    actor = trial.temporary_state.ray_actor
    if actor is None:
        return
    told = state.actors(actor._actor_id.hex())  # noqa: SLF001
    node, process = told.get("Address", {}).get("NodeID"), told.get("Pid")
    if process and node == ray.get_runtime_context().get_node_id():
        end_below(process)
    elif process:
        there = NodeAffinitySchedulingStrategy(node, soft=False)
        with contextlib.suppress(ray.exceptions.RayError):  # its node may be gone, and everything with it
            ray.get(
                ray.remote(end_below).options(num_cpus=0, scheduling_strategy=there).remote(process), timeout=REACH_S
            )
    ray.kill(actor)


def end_below(process: int) -> None:
    """Ends a process of this host and all that it has started."""
    end_all(descendants({process}))


@contextlib.contextmanager
def every_loss_is_one() -> Iterator[None]:
    """While Tune runs, whatever Ray says of a process that is gone costs its trial, and not the sweep.

    Tune 2.60 knows `RayActorError` alone; what Ray's memory monitor ends, for one, comes as another error and would
    end Tune's loop.
    """
    from ray.exceptions import RayActorError, RayError, RayTaskError
    from ray.tune.execution import tune_controller

    theirs = tune_controller.RayActorManager

    class Manager(theirs):  # type: ignore[misc, valid-type]
        def _actor_task_failed(self, tracked_actor_task: Any, exception: Exception) -> None:
            if isinstance(exception, RayError) and not isinstance(exception, RayActorError | RayTaskError):
                exception = RayActorError(error_msg=f"The process is lost.\n{type(exception).__name__}: {exception}")
            super()._actor_task_failed(tracked_actor_task, exception)

    tune_controller.RayActorManager = Manager
    try:
        yield
    finally:
        tune_controller.RayActorManager = theirs


def of_this_session() -> dict[int, str]:
    """The processes of a Ray session that this process has started, each with its start time; none where it joined."""
    import ray._private.worker as ray_worker

    started = getattr(ray_worker._global_node, "all_processes", {}).values()  # noqa: SLF001 - nothing public tells them
    return descendants({info.process.pid for infos in started for info in infos})


def descendants(roots: set[int]) -> dict[int, str]:
    """Processes and what they have started, all the way down, each with its start time, where the system tells."""
    parents = {int(stat.parent.name): _parent(stat) for stat in Path("/proc").glob("[0-9]*/stat")}
    found = set(roots)
    while more := {process for process, parent in parents.items() if parent in found} - found:
        found |= more
    return {process: process_start(process) for process in found}


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):  # it has just ended
        return 0


def end_all(processes: dict[int, str]) -> None:
    """Ends those that are still there: of a lost cluster, Ray's own agents wait for ever for the head to answer."""
    for pid, started in processes.items():
        if started and process_start(pid) == started:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
