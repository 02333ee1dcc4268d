"""From joining a cluster to the first trial: a node that holds one is there or waited for, and every node is fit."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from experiments._sweep.engine.on_ray.nodes.autoscaler import Autoscaler, autoscaler_of_session, cannot_be_brought
from experiments._sweep.engine.on_ray.nodes.capacity import fitting, resources_of, shortage, unused_gpus
from experiments._sweep.engine.on_ray.nodes.live import live_nodes
from experiments._sweep.engine.on_ray.nodes.newcomers import Newcomers
from experiments._sweep.engine.on_ray.nodes.preflight import look_at_every_node
from experiments._sweep.engine.on_ray.nodes.slots import Slots
from experiments._sweep.engine.on_ray.nodes.waiting import PATIENCE_S
from experiments._sweep.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from experiments._sweep.engine.calls import Calls
    from experiments._sweep.engine.deciding.conductor import Conductor
    from experiments._sweep.engine.on_ray.nodes.capacity import Resources
    from experiments._sweep.engine.on_ray.nodes.live import Node

LOOK_S = 0.2
"""How often the signals are looked at while a node is waited for."""


def places_for_trials(calls: Calls, *, address: str, concurrent: int | None, wait_s: float | None) -> Slots:
    """The places for trials in the Ray session that this process has; waits for a first one where one may come.

    Args:
        calls: The sweep's; nothing is waited for any more when it is asked to end.
        address: Of the session. A local one has one node for ever.
        concurrent: At most so many trials at a time, where that was asked for.
        wait_s: How long a node is waited for; None: for 15 min, and for a first one only where an autoscaler may
            bring it.

    Raises:
        EngineError: If no node holds a trial and none will come, with the numbers; or if a node is not fit.
    """
    conductor, joined, nodes = calls.conductor, address != "local", live_nodes()
    slots = Slots(
        needs=resources_of(conductor.experiment),
        concurrent=concurrent,
        say=conductor.journal.note,
        patience_s=PATIENCE_S if wait_s is None else wait_s,
        nodes=live_nodes if joined else lambda: nodes,
        look_for_autoscaler=autoscaler_of_session if joined else Autoscaler,
    )
    missing = shortage([node.resources for node in nodes], slots.needs)
    if missing:
        _refuse_what_cannot_come(nodes, slots, asked=wait_s is not None)
        _wait(slots, calls.halted)
    _point_out_gpus(slots, conductor)
    if joined:
        holding = [node for node in live_nodes() if fitting(node.resources, slots.needs)]
        look_at_every_node(holding, calls.workplace, calls.halted)
        slots.seen = Newcomers(holding, slots.needs, calls.workplace, slots.say).look
    return slots


def _refuse_what_cannot_come(nodes: list[Node], slots: Slots, *, asked: bool) -> None:
    if not asked and not slots.autoscaler.may_bring(slots.needs):
        types = [each.resources for each in slots.autoscaler.types]
        raise EngineError(shortage([node.resources for node in nodes], slots.needs, types))


def _wait(slots: Slots, halted: Callable[[], bool]) -> None:
    with _asked_for(slots.needs):
        while not halted():
            if time.monotonic() >= slots.look_at:
                slots.look()
                if slots.there:
                    return
                if slots.given_up:
                    raise EngineError(slots.given_up)
                if slots.autoscaler.is_there and cannot_be_brought(slots.needs):
                    raise EngineError(f"{slots.shortage} The autoscaler has no kind of node that holds one.")
            time.sleep(LOOK_S)


@contextlib.contextmanager
def _asked_for(needs: Resources) -> Iterator[None]:
    """Has a trial's resources pending, which is what an autoscaler brings a node for."""
    from ray.util.placement_group import placement_group, remove_placement_group

    group = placement_group([dict(needs)])
    try:
        yield
    finally:
        remove_placement_group(group)


def _point_out_gpus(slots: Slots, conductor: Conductor) -> None:
    gpus = unused_gpus((node.resources for node in live_nodes()), slots.needs)
    if gpus and getattr(conductor.experiment.trainable, "max_gpus", None) != 0:
        there = "is 1 GPU" if gpus == 1 else f"are {gpus} GPUs"
        conductor.journal.note(
            f"there {there}, and trials use none: --gpus-per-trial 1 gives each one, --gpus-per-trial 0.25 a quarter"
        )
