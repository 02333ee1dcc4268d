"""What the autoscaler of a cluster may still bring, as far as it tells: Ray's own has no list of its node types."""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.engine.on_ray.nodes.capacity import fitting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from experiments._sweep.engine.on_ray.nodes.capacity import Resources

MIRRORED = re.compile(r"node_[0-9a-f]{56}")
"""The type that Ray's monitor makes up for a node of a cluster without an autoscaler."""


@dataclass(frozen=True, kw_only=True)
class NodeType:
    """A kind of node that an autoscaler may bring."""

    resources: Resources
    """What one has."""
    most: int | None
    """How many there may be; None: any number."""


@dataclass(frozen=True, kw_only=True)
class Autoscaler:
    """The one of the cluster that this process has joined."""

    is_there: bool = False
    """Whether there is one."""
    types: tuple[NodeType, ...] = ()
    """Its kinds of nodes; none where it does not tell."""

    def may_bring(self, needs: Resources) -> bool:
        """Whether it may bring a node that holds a trial; it may where it does not tell."""
        return self.is_there and (not self.types or any(fitting(each.resources, needs) for each in self.types))

    def most(self, needs: Resources) -> int | None:
        """How many trials all that it may bring holds; None where nobody knows."""
        holding = [(fitting(each.resources, needs), each.most) for each in self.types]
        numbers = [None if number is None else fits * number for fits, number in holding if fits]
        if not self.is_there or (self.types and not numbers):
            return 0
        return sum(number or 0 for number in numbers) if numbers and None not in numbers else None


def autoscaler_of_session() -> Autoscaler:
    """The autoscaler of the cluster that this process has joined."""
    types = (*_told(), *_configured())
    return Autoscaler(is_there=bool(types) or _has_types(), types=types)


def cannot_be_brought(needs: Resources) -> bool:
    """Whether the autoscaler has said that it has no node for a trial that waits; only Ray's newer one says so."""
    return any(
        dict(request.resources_bundle) == needs
        for gang in _newer_state().infeasible_gang_resource_requests
        for requests in (gang.requests, *(selector.resource_requests for selector in gang.bundle_selectors))
        for request in requests
    )


def _told() -> Iterator[NodeType]:
    """The node types in the cluster's own table, which some providers fill."""
    from ray._private.state import state

    config = state.get_cluster_config()
    for group in config.node_group_configs if config else ():
        if group.max_count:
            most = None if group.max_count < 0 else group.max_count
            yield NodeType(resources=dict(group.resources), most=most)


def _configured() -> Iterator[NodeType]:
    """The node types in the file that Ray's monitor was started with, where it runs on this machine."""
    import ray
    import yaml  # type: ignore[import-untyped] # Ray needs it, and writes this file with it

    config: dict[str, Any] = {}
    with contextlib.suppress(OSError, yaml.YAMLError):  # it is somebody else's: nothing is known then
        file = monitored_with(ray.get_runtime_context().gcs_address)
        config = yaml.safe_load(file.read_text()) if file else {}
    limit = config.get("max_workers")
    for name, kind in config.get("available_node_types", {}).items():
        most = kind.get("max_workers", limit)
        if name != config.get("head_node_type") and most != 0:
            most = limit if most is None or (limit is not None and limit < most) else most
            yield NodeType(resources=kind.get("resources", {}), most=most)


def monitored_with(address: str) -> Path | None:
    """The file of the autoscaler whose process on this machine serves the cluster at `address`."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has just ended
            words = process.read_bytes().decode(errors="replace").split("\0")
            given = dict(word.split("=", 1) for word in words if word.startswith("--") and "=" in word)
            if given.get("--gcs-address") == address and given.get("--autoscaling-config"):
                return Path(given["--autoscaling-config"])
    return None


def _has_types() -> bool:
    """Whether the nodes are of types that an autoscaler has: without one Ray makes up a type for each."""
    from ray.experimental.internal_kv import _internal_kv_get

    older: Mapping[str, Any] = json.loads(_internal_kv_get("__autoscaling_status") or b"{}")
    types = {*((older.get("autoscaler_report") or {}).get("node_type_mapping") or {}).values()}
    newer = _newer_state()
    if newer.autoscaler_state_version:
        types |= {*_types_of_nodes()}
    return any(name and not MIRRORED.fullmatch(name) for name in types)


def _types_of_nodes() -> list[str]:
    return [node.ray_node_type_name for node in _status().cluster_resource_state.node_states]


def _newer_state() -> Any:
    return _status().autoscaling_state


def _status() -> Any:
    from ray.core.generated.autoscaler_pb2 import GetClusterStatusReply
    from ray.experimental.internal_kv import internal_kv_get_gcs_client

    told = internal_kv_get_gcs_client().get_cluster_status(timeout_s=10)
    return GetClusterStatusReply.FromString(told)
