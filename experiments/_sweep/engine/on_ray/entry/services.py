"""What Ray starts beside a local cluster, and a sweep has no use for."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICES = (
    "start_monitor",  # the autoscaler: this one machine is all there is
    "start_api_server",  # what the dashboard asks, also where there is no dashboard
    "start_log_monitor",  # sends what processes print to a driver, which has said that it does not want it
)
"""Of Ray's `Node`: each is a process that imports for a second while the driver and the trials do so as well."""

_DASHBOARD = "get_dashboard_dependency_error"
"""What tells Ray to start a node's agent without a server of its own; the driver waits for the agent."""


@contextlib.contextmanager
def without_services() -> Iterator[None]:
    """A cluster that is started here meanwhile has its own two servers and the agents they cannot do without."""
    # `ray.init` has no options for these
    from ray._private import utils
    from ray._private.node import Node

    theirs = [(Node, name, getattr(Node, name)) for name in SERVICES]
    theirs.append((utils, _DASHBOARD, getattr(utils, _DASHBOARD)))
    for name in SERVICES:
        setattr(Node, name, _not_started)
    setattr(utils, _DASHBOARD, _not_wanted)
    try:
        yield
    finally:
        for owner, name, method in theirs:
            setattr(owner, name, method)


def _not_started(*_: Any, **__: Any) -> None:
    """Starts nothing."""


def _not_wanted() -> ImportError:
    return ImportError("a sweep has no use for the dashboard of its own cluster")
