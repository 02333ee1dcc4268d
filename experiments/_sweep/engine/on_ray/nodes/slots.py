"""How many trials run at a time: what the cluster holds now, looked at again and again while a sweep runs."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from experiments._sweep.engine.on_ray.nodes.autoscaler import Autoscaler, autoscaler_of_session
from experiments._sweep.engine.on_ray.nodes.capacity import shortage, slots_of
from experiments._sweep.engine.on_ray.nodes.live import live_nodes
from experiments._sweep.engine.on_ray.nodes.waiting import PATIENCE_S, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from experiments._sweep.engine.on_ray.nodes.capacity import Resources
    from experiments._sweep.engine.on_ray.nodes.live import Node

LOOK_S = 2.0
"""How often the nodes are looked at."""


@dataclass(kw_only=True)
class Slots:
    """The places for trials of one driver's sweep."""

    needs: Resources
    """What a trial needs, by Ray's names."""
    concurrent: int | None
    """At most so many trials at a time, where that was asked for; an autoscaler is asked for so many."""
    say: Callable[[str], None]
    """Says something that is no record."""
    patience_s: float = PATIENCE_S
    """How long a node is waited for while none holds a trial."""
    nodes: Callable[[], list[Node]] = live_nodes
    look_for_autoscaler: Callable[[], Autoscaler] = autoscaler_of_session
    seen: Callable[[list[Node]], None] = lambda _: None
    """Is told which nodes are there, each time they are looked at."""
    there: int = 0
    """How many trials the nodes hold that are there."""
    shortage: str = ""
    """Why they hold none, with the numbers."""
    given_up: str = ""
    """Why no node is waited for any more; empty as long as one is, or there is one."""
    look_at: float = 0.0
    """When the nodes are looked at again."""
    _known: Autoscaler = field(default_factory=Autoscaler)
    _wanted: int = 1
    _waiting: Waiting | None = None

    @property
    def now(self) -> int:
        """How many trials may run, or wait for a node, at this moment."""
        if time.monotonic() >= self.look_at:
            self.look()
        return self._wanted

    @property
    def autoscaler(self) -> Autoscaler:
        """The cluster's; one that has just begun may not have said yet that it is there."""
        if not self._known.is_there:
            self._known = self.look_for_autoscaler()
        return self._known

    def look(self) -> None:
        """Looks at the nodes now."""
        there = self.nodes()
        self.seen(there)
        nodes = [node.resources for node in there]
        self.there = slots_of(nodes, self.needs)
        self.shortage = "" if self.there else shortage(nodes, self.needs)
        self._wait()
        self._wanted = max(self._ask_for(), 1)  # what waits for a node is what an autoscaler brings one for
        self.look_at = time.monotonic() + LOOK_S

    def _ask_for(self) -> int:
        if self.concurrent is None or self.there >= self.concurrent:
            return min(self.there, self.concurrent or self.there)
        coming = self.autoscaler.most(self.needs)
        return self.concurrent if coming is None else min(self.concurrent, max(self.there, coming))

    def _wait(self) -> None:
        if self.there:
            if self._waiting is not None:
                self.say("there is a node that holds a trial; the sweep goes on")
            self._waiting = None
            return
        self._waiting = self._waiting or Waiting(self.patience_s, self.say)
        if self._waiting.over(self.shortage):
            self.given_up = self._waiting.last_word(self.shortage)
