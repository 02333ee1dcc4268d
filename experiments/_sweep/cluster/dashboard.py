"""The dashboard of a cluster, over HTTP: whether it is one, lets us in, and has the versions that we have."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import ipaddress
import platform
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from experiments._sweep.engine.on_ray.entry.tokens import close_token_file, own_token, token_fault, token_place
from experiments._sweep.errors import EngineError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER_S = 10.0
"""How long the dashboard may take to answer a short question."""
MISSING = (
    "submitting a sweep over HTTP needs packages that are not here: {}. Install them: pip install 'raysweeps[cluster]'"
)


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """A cluster's dashboard that has let us in."""

    address: str
    """http(s)://HOST:PORT, without a slash at the end."""
    token: str | None = field(repr=False)
    """What it asks for; None where it lets everybody in."""
    ray: str
    python: str

    @property
    def headers(self) -> dict[str, str]:
        """What each request has to bring."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


def enter(address: str, *, insecure: bool, warn: Callable[[str], None]) -> Dashboard:
    """The dashboard at `address`, which has the versions that are here.

    Args:
        address: http(s)://HOST:PORT.
        insecure: Whether a cluster without tokens is used.
        warn: Is told what is risky.

    Raises:
        EngineError: If nobody answers.
        InputError: If it is no dashboard, does not let us in, lets everybody in, or has other versions.
    """
    lacking = [name for name in ("aiohttp", "requests") if importlib.util.find_spec(name) is None]
    if lacking:
        raise InputError(MISSING.format(", ".join(lacking)))
    address, token = address.rstrip("/"), None
    status, told = _asked(address, "/api/version", None)
    if status in (401, 403):
        token = _token(address, warn)
        status, told = _asked(address, "/api/version", token)
    elif status == 200 and "ray_version" in told and not insecure:
        raise InputError(
            f"--address: {address} lets everybody in without a token, and whoever reaches such a cluster can run code "
            "on it. Make a token with `ray get-auth-token --generate`, and start every node with RAY_AUTH_MODE=token "
            "and that token. To use it all the same: --insecure."
        )
    if status in (401, 403):
        raise InputError(
            f"--address: {address} does not take the token from {token_place()}: it is that of another cluster. "
            "Give the token that the cluster was started with: RAY_AUTH_TOKEN_PATH=FILE."
        )
    if status != 200 or "ray_version" not in told:
        raise InputError(
            f"--address: what answers at {address} is no Ray dashboard (HTTP {status}). Give the address that `ray "
            "start --head` prints for the dashboard, such as http://HEAD:8265."
        )
    python = str(_asked(address, "/api/v0/cluster_metadata", token)[1].get("data", {}).get("pythonVersion", ""))
    found = Dashboard(address=address, token=token, ray=str(told["ray_version"]), python=python)
    faults = version_faults(found)
    if faults:
        raise InputError(*faults)
    return found


def version_faults(cluster: Dashboard) -> list[str]:
    """What does not match: Ray in all three numbers, Python in two."""
    ray, python = importlib.metadata.version("ray"), platform.python_version()
    faults = []
    if cluster.ray != ray:
        faults.append(
            f"--address: {cluster.address} has Ray {cluster.ray}, and here is Ray {ray}: they must be the same. "
            f"Install ray=={cluster.ray} here if raysweeps takes it, or start the cluster with Ray {ray}."
        )
    if cluster.python and _minor(cluster.python) != _minor(python):
        faults.append(
            f"--address: {cluster.address} has Python {cluster.python}, and here is Python {python}: the first two "
            f"numbers must be the same. Use Python {_minor(cluster.python)} here, or start the cluster with "
            f"{_minor(python)}."
        )
    return faults


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _asked(address: str, path: str, token: str | None) -> tuple[int, dict[str, Any]]:
    """The status, and what it says where that is JSON."""
    import requests

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        # No redirect is followed: a token goes where it is meant to go.
        answer = requests.get(f"{address}{path}", headers=headers, timeout=ANSWER_S, allow_redirects=False)
    except requests.exceptions.SSLError as error:
        raise EngineError(
            f"{address}: its certificate is not trusted here ({error}). Name the authority's file: "
            "REQUESTS_CA_BUNDLE=FILE."
        ) from error
    except requests.exceptions.RequestException as error:
        raise EngineError(
            f"nobody answers at {address} ({why_not(error)}). Is the head node's dashboard running there, and can this "
            "machine reach it? `ray start --head` prints its address; a tunnel is `ssh -L 8265:localhost:8265 HEAD`."
        ) from error
    try:
        told = answer.json()
    except requests.exceptions.JSONDecodeError:
        told = {}
    return answer.status_code, told if isinstance(told, dict) else {}


def why_not(error: BaseException) -> str:
    """The innermost reason of a failed request, such as `Connection refused`."""
    seen: list[BaseException] = []
    each: Any = error
    while isinstance(each, BaseException) and each not in seen:
        seen.append(each)
        each = getattr(each, "reason", None) or each.__cause__ or each.__context__ or next(iter(each.args), None)
    for each in reversed(seen):
        if isinstance(each, OSError) and each.strerror:
            return each.strerror
    said = str(seen[-1])
    return said if said.isprintable() and said else "it does not speak HTTP" if said else type(seen[-1]).__name__


def _token(address: str, warn: Callable[[str], None]) -> str:
    """The token that is here: from where Ray itself would take it."""
    fault = token_fault(address, insecure=True)
    if fault:
        raise InputError(fault)
    opened = close_token_file()
    if opened:
        warn(opened)
    try:
        given = own_token()
    except OSError as error:
        raise InputError(
            f"--address: {address} asks for a token, and {token_place()} cannot be read ({error.strerror}). Copy the "
            "cluster's token to this machine, readable by you alone, and name it: RAY_AUTH_TOKEN_PATH=FILE."
        ) from error
    if not given:
        raise InputError(f"--address: {address} asks for a token, and the one from {token_place()} is empty.")
    if not is_encrypted(address):
        warn(
            f"{address} is not encrypted: whoever sees the traffic can read the token. Better is https, or a tunnel: "
            "ssh -L 8265:localhost:8265 HEAD, and --address http://localhost:8265."
        )
    return given


def is_encrypted(address: str) -> bool:
    """Whether nobody on the way can read what is sent; nothing leaves the machine for a loopback address."""
    url = urlsplit(address)
    if url.scheme == "https" or url.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(url.hostname or "").is_loopback
    except ValueError:
        return False
