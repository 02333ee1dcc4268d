"""The nodes of the cluster that this process has joined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments._sweep.engine.on_ray.nodes.capacity import Resources

SHORT = 8
"""Characters of a node's number that tell it from the others."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node that is there and will stay, as far as Ray knows."""

    number: str
    """Ray's, in hexadecimal."""
    address: str
    name: str
    """Its address, where nobody gave it a name."""
    resources: Resources
    """What it has, free or not."""

    @property
    def in_words(self) -> str:
        """`node 10.0.0.7 (2fda08e3)`."""
        named = "" if self.name in ("", self.address) else f"{self.name} at "
        return f"node {named}{self.address} ({self.number[:SHORT]})"


def live_nodes() -> list[Node]:
    """All but those that are dead, or that are being emptied because they will go."""
    import ray
    from ray._private.state import state

    leaving = state.get_draining_nodes()
    return [_node(told) for told in ray.nodes() if told["Alive"] and told["NodeID"] not in leaving]


def _node(told: dict[str, Any]) -> Node:
    return Node(
        number=told["NodeID"],
        address=told["NodeManagerAddress"],
        name=told.get("NodeName", ""),
        resources=told["Resources"],
    )
