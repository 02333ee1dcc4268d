"""Every node looked at before trials start: what fails there is said with the node's name, not by its first trial."""

from __future__ import annotations

import contextlib
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.engine.on_ray.nodes.fitness import lacks, misfits
from experiments._sweep.errors import EngineError
from experiments._sweep.store.probing import fault_of_this_node, left, unseen_nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from experiments._sweep.engine.on_ray.nodes.live import Node
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
    patience_s = INSTALLED_S if workplace.installs else PATIENCE_S
    look, end = Look(nodes, workplace), time.monotonic() + patience_s
    while not look.answered(LOOK_S) and not halted() and time.monotonic() < end:
        pass
    faults, told = look.faults(f"it did not answer in {patience_s:g} s")
    if faults and not halted():
        raise EngineError(in_words(faults, told))


class Look:
    """One look at some nodes, under way."""

    def __init__(self, nodes: Sequence[Node], workplace: Workplace) -> None:
        """Asks the nodes.

        Raises:
            OSError: If the driver itself cannot write where the sweep lies.
        """
        self._nodes, self._place = nodes, workplace.store or workplace.sweep
        self._left = contextlib.ExitStack()
        self._token = self._left.enter_context(left(self._place))
        self._waiting = _asked(nodes, dict(workplace.imports), workplace.data_dir, (self._place, self._token))
        self._told: list[tuple[Node, list[str] | None]] = []

    def answered(self, within_s: float = 0) -> bool:
        """Whether all have answered; one may be waited for so long."""
        import ray

        if self._waiting:
            done = ray.wait(list(self._waiting), timeout=within_s)[0]
            self._told += [(self._waiting.pop(each), _answer(each)) for each in done]
        return not self._waiting

    def faults(self, late: str = "") -> tuple[list[tuple[Node, str]], int]:
        """What fails, and how many nodes have told or are late; ends the look, and says `late` of those."""
        import ray

        for asked, node in self._waiting.items():
            with contextlib.suppress(ray.exceptions.RayError):  # it ends with the session at the latest
                ray.cancel(asked, force=True)
            self._told.append((node, [late]))
        with self._left:
            told = [(node, answer) for node, answer in self._told if answer is not None]
            unseen = unseen_nodes(self._place, self._token, [node.number for node, faults in told if not faults])
        faults = [(node, fault) for node, faults in told for fault in faults]
        faults += [(node, UNSEEN.format(place=self._place)) for node in self._nodes if node.number in unseen]
        return faults, len(told)


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
