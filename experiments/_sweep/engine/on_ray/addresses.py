"""Addresses of clusters: which can be used, and whether anybody answers there."""

from __future__ import annotations

import socket

from experiments._sweep.errors import EngineError

ANSWER_S = 5.0
"""How long a head node may take to answer; Ray itself tries for minutes."""


def address_fault(address: str) -> str:
    """Why the address cannot be used, empty where it can."""
    if "://" in address:
        return (
            f"--address: {address!r} is not supported. Use 'local', 'auto', or HOST:PORT of the head node from a node "
            "of the cluster."
        )
    if address in ("local", "auto"):
        return ""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        return f"--address: {address!r} is not an address. Use 'local', 'auto' or HOST:PORT, such as 10.0.0.1:6379."
    return ""


def check_reachable(address: str) -> None:
    """Knocks at HOST:PORT.

    Raises:
        EngineError: If nobody answers.
    """
    from ray._private.services import resolve_ip_for_localhost

    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((resolve_ip_for_localhost(host), int(port)), ANSWER_S).close()
    except OSError as error:
        raise EngineError(
            f"nobody answers at {address} ({error.strerror or error}). Is the head node running there, and can this "
            "machine reach it? `ray start --head` prints its address."
        ) from error
