"""Nodes that join while a sweep runs: each is looked at as the first ones were, and what fails there is said."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from experiments._sweep.engine.on_ray.nodes.capacity import fitting
from experiments._sweep.engine.on_ray.nodes.preflight import Look, in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from experiments._sweep.engine.on_ray.nodes.capacity import Resources
    from experiments._sweep.engine.on_ray.nodes.live import Node
    from experiments._sweep.engine.segment import Workplace


class Newcomers:
    """Those of one driver's cluster; nobody waits for them, and Ray cannot be kept from placing trials there."""

    def __init__(
        self, known: Sequence[Node], needs: Resources, workplace: Workplace, say: Callable[[str], None]
    ) -> None:
        """Knows the nodes that have been looked at; `say` is told what fails on others that can hold a trial."""
        self._known = {node.number for node in known}
        self._needs, self._workplace, self._say = needs, workplace, say
        self._looks: list[Look] = []

    def look(self, nodes: Sequence[Node]) -> None:
        """Asks those that are new, and says what has been answered meanwhile."""
        import ray

        new = [node for node in nodes if node.number not in self._known and fitting(node.resources, self._needs)]
        self._known |= {node.number for node in new}
        with contextlib.suppress(OSError, ray.exceptions.RayError):  # said elsewhere, if it stays so
            self._looks += [Look([node], self._workplace) for node in new]
            for each in [look for look in self._looks if look.answered()]:
                self._looks.remove(each)
                faults, told = each.faults()
                if faults:
                    self._say(f"a node has joined that is not fit: {in_words(faults, told)}")
