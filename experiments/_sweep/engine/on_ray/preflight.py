"""Every node looked at before trials start: what fails there is said with the node's name, not by its first trial."""

from __future__ import annotations

import contextlib
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.engine.on_ray.fitness import lacks, misfits
from experiments._sweep.errors import EngineError
from experiments._sweep.store.probing import fault_of_this_node, left, unseen_nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from experiments._sweep.engine.on_ray.nodes import Node
    from experiments._sweep.engine.segment import Workplace

PATIENCE_S = 120.0
"""How long a node may take to answer: it may have to unpack the code that travels first."""
INSTALLED_S = 1800.0
"""The same where it installs packages before."""
LOOK_S = 0.2
UNSEEN = "what it writes to {place} is not seen by the driver: it is another folder there, called the same"


def look_at_every_node(nodes: Sequence[Node], workplace: Workplace, halted: Callable[[], bool]) -> None:
    """Lets pass where trials can run on all the nodes.

    Args:
        nodes: Those on which trials may be placed.
        workplace: Where the sweep lies, and its data.
        halted: Looks at the signals; whether nobody wants to know any more.

    Raises:
        EngineError: With what fails and the nodes where it does.
        OSError: If the driver itself cannot write where the sweep lies.
    """
    place, patience_s = workplace.store or workplace.sweep, INSTALLED_S if workplace.installs else PATIENCE_S
    with left(place) as token:
        asked = _asked(nodes, dict(workplace.imports), workplace.data_dir, (place, token))
        answers = _answers(asked, halted, patience_s)
        told = [(node, answer) for node, answer in answers if answer is not None]
        answered = [node.number for node, faults in told if not faults]
        unseen = unseen_nodes(place, token, answered)
    faults = [(node, fault) for node, faults in told for fault in faults]
    faults += [(node, UNSEEN.format(place=place)) for node in nodes if node.number in unseen]
    if faults and not halted():
        raise EngineError(in_words(faults, len(told)))


def _asked(nodes: Sequence[Node], *what: Any) -> dict[Any, Node]:
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    look, versions = ray.remote(_look), (platform.python_version(), ray.__version__)
    asked = {}
    for node in nodes:
        there = NodeAffinitySchedulingStrategy(node.number, soft=False)
        looked = look.options(num_cpus=0, max_retries=0, scheduling_strategy=there)
        asked[looked.remote(node.number, versions, *what)] = node
    return asked


def _look(
    node: str, versions: tuple[str, str], imports: dict[str, str], data_dir: str | None, probe: tuple[str, str]
) -> list[str]:
    """On the node."""
    faults = [*misfits(*versions), *lacks(imports)]
    if data_dir and not Path(data_dir).is_dir():
        faults.append(f"the data folder {data_dir} is not there")
    fault = fault_of_this_node(*probe, node)
    return [*faults, fault] if fault else faults


def _answers(
    asked: dict[Any, Node], halted: Callable[[], bool], patience_s: float
) -> list[tuple[Node, list[str] | None]]:
    import ray

    told: list[tuple[Node, list[str] | None]] = []
    waiting, end = dict(asked), time.monotonic() + patience_s
    while waiting and not halted() and time.monotonic() < end:
        told += [(waiting.pop(done), _answer(done)) for done in ray.wait(list(waiting), timeout=LOOK_S)[0]]
    for late, node in waiting.items():
        with contextlib.suppress(ray.exceptions.RayError):  # it ends with the session at the latest
            ray.cancel(late, force=True)
        told.append((node, [f"it did not answer in {patience_s:g} s"]))
    return told


def _answer(done: Any) -> list[str] | None:
    """What is wrong with a node; None where it went meanwhile: no trial will run there."""
    import ray

    try:
        return list(ray.get(done))
    except (ray.exceptions.NodeDiedError, ray.exceptions.TaskUnschedulableError):
        return None
    except ray.exceptions.RayError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return [lines[-1] if lines else type(error).__name__]


def in_words(faults: Sequence[tuple[Node, str]], nodes: int) -> str:
    """What fails, each once, with the nodes where it does."""
    where: dict[str, list[str]] = {}
    for node, fault in faults:
        where.setdefault(fault, []).append(node.in_words)
    said = "; ".join(f"{', '.join(there)}: {fault}" for fault, there in where.items())
    return f"trials cannot run on {len({node.number for node, _ in faults})} of {nodes} nodes. {said}"
