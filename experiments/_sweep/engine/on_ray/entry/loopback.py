"""Clusters that listen on 127.0.0.1 alone: one that is started here, and one of several nodes on this machine."""

from __future__ import annotations

import contextlib
import socket

LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Has Ray's processes listen on 127.0.0.1 alone."""
HERE = "127.0.0.1"
ANSWER_S = 2.0


def is_loopback(address: str) -> bool:
    """Whether the cluster at an address is for this machine alone; `local` is one that this process starts."""
    if address == "local":
        return True
    host, _, port = found(address).rpartition(":")
    return is_local_host(host) and not answers(own_address(), int(port)) and answers(HERE, int(port))


def found(address: str) -> str:
    """HOST:PORT of the cluster; empty where `auto` finds none."""
    if address != "auto":
        return address
    from ray._private.services import get_ray_address_from_environment

    with contextlib.suppress(ConnectionError):
        return get_ray_address_from_environment("auto", None) or ""
    return ""


def reached(address: str) -> str:
    """HOST:PORT under which this machine comes to a head: one that runs here may listen on loopback alone, or not."""
    host, _, port = address.rpartition(":")
    if not is_local_host(host):
        return address
    return f"{own_address()}:{port}" if answers(own_address(), int(port)) else f"{HERE}:{port}"


def is_local_host(host: str) -> bool:
    """Whether it is a name of this machine for itself."""
    return host in (HERE, "localhost", "::1")


def answers(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    with contextlib.suppress(OSError):
        socket.create_connection((host, port), ANSWER_S).close()
        return True
    return False


def own_address() -> str:
    """The one under which other machines see this one."""
    from ray._private.services import node_ip_address_from_perspective

    return str(node_ip_address_from_perspective(None))
