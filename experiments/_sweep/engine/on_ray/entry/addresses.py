"""Addresses of clusters: which can be used, and whether anybody answers there."""

from __future__ import annotations

import re
import socket
from urllib.parse import urlsplit

from experiments._sweep.engine.on_ray.entry.loopback import reached
from experiments._sweep.errors import EngineError

HOST = re.compile(r"[\w.-]+|\[?[0-9A-Fa-f:.]+\]?")
"""A name, or an address of either kind."""
ANSWER_S = 5.0
"""How long a head node may take to answer; Ray itself tries for minutes."""


def is_http(address: str) -> bool:
    """Whether an address is that of a cluster's dashboard, to which a sweep is submitted."""
    return address.lower().startswith(("http://", "https://"))


def address_fault(address: str) -> str:
    """Why the address cannot be used, empty where it can."""
    if is_http(address):
        return _http_fault(address)
    if "://" in address:
        why = ": with Ray's own client the sweep would end with this process" if address.startswith("ray:") else ""
        return (
            f"--address: {address!r} is not supported{why}. From a machine outside the cluster submit the sweep to its "
            "dashboard: http(s)://HEAD:8265. From a node of it use 'auto', or HOST:PORT of the head node. 'local' is "
            "this machine."
        )
    if address in ("local", "auto"):
        return ""
    host, _, port = address.rpartition(":")
    if not HOST.fullmatch(host) or not port.isdecimal() or not 0 < int(port) < 2**16:
        return (
            f"--address: {address!r} is not an address. Use 'local', 'auto', HOST:PORT, such as 10.0.0.1:6379, or "
            "http(s)://HEAD:8265."
        )
    return ""


def _http_fault(address: str) -> str:
    try:
        url = urlsplit(address)
        fine = bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        fine = False
    if not fine:
        return f"--address: {address!r} is not an address. Use http(s)://HEAD:PORT, such as http://10.0.0.1:8265."
    if url.username is not None or url.password is not None:
        return "--address must not have a user or a password in it: it is shown. Use a token: RAY_AUTH_TOKEN_PATH=FILE."
    if url.query or url.fragment:
        return f"--address: {address!r} is that of a page. Give the dashboard's own, such as http://10.0.0.1:8265."
    return ""


def submitted_fault(address: str) -> str:
    """Why no driver in this process can use the dashboard at `address`."""
    return (
        f"--address: {address!r} takes sweeps that are submitted, and only the command line does that: sweep run FILE "
        "--address HTTP. From Python use 'local', or from a node of the cluster 'auto' or HOST:PORT."
    )


def check_reachable(address: str) -> None:
    """Knocks at HOST:PORT.

    Raises:
        EngineError: If nobody answers.
    """
    host, _, port = reached(address).rpartition(":")
    try:
        socket.create_connection((host, int(port)), ANSWER_S).close()
    except OSError as error:
        raise EngineError(
            f"nobody answers at {address} ({error.strerror or error}). Is the head node running there, and can this "
            "machine reach it? `ray start --head` prints its address."
        ) from error
