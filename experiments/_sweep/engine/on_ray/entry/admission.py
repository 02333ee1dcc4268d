"""Whether a cluster may be used: it is there and nobody else's, asks for a token, and takes the one that is here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from experiments._sweep.engine.on_ray.entry.addresses import address_fault, check_reachable, is_http
from experiments._sweep.engine.on_ray.entry.loopback import found, reached
from experiments._sweep.engine.on_ray.entry.tokens import GENERATE, own_token, token_place
from experiments._sweep.errors import InputError

ANSWER_S = 5.0
HARMLESS = "/ray.rpc.NodeInfoGcsService/GetClusterId"
"""A question that a head with authentication refuses as any other."""


def check_cluster(address: str, *, insecure: bool) -> None:
    """Lets pass a cluster that can be joined, and that asks for a token, or any, by the user's own word.

    A token of one's own does not help where the cluster does not ask for it: everybody else comes in as well.

    Args:
        address: HOST:PORT of its head node, or `auto`.
        insecure: Whether a cluster may be joined that asks for no token.

    Raises:
        InputError: If it may not be used.
        EngineError: If nobody answers.
    """
    place = _found_here() if address == "auto" else address
    check_reachable(place)
    answer = _asked(place)
    if answer == "open" and not insecure:
        raise InputError(
            f"--address: the cluster at {place} answers without a token: whoever reaches it can run code on it. "
            f"{GENERATE}; or say --insecure."
        )
    if answer == "refused" and _asked(place, _token()) == "refused":
        raise InputError(
            f"--address: the cluster at {place} does not take the token from {token_place()}: it is that of another "
            "cluster. Give the token that the cluster was started with: RAY_AUTH_TOKEN_PATH=FILE."
        )


def is_open(address: str) -> bool:
    """Whether the cluster at HOST:PORT, or the one that `auto` finds, answers without a token."""
    return _asked(found(address)) == "open"


def _asked(place: str, token: str = "") -> Literal["open", "refused", "silent"]:
    """What a head says to somebody who brings the token, or none."""
    import grpc  # type: ignore[import-untyped] # Ray and TensorBoard bring it

    if not place:
        return "silent"
    with grpc.insecure_channel(reached(place)) as channel:
        ask = channel.unary_unary(HARMLESS, request_serializer=None, response_deserializer=None)
        brought = [("authorization", f"Bearer {token}")] if token else []
        try:
            ask(b"", timeout=ANSWER_S, metadata=brought)
        except grpc.RpcError as error:
            return "refused" if error.code() is grpc.StatusCode.UNAUTHENTICATED else "silent"
    return "open"


def _token() -> str:
    try:
        token = own_token()
    except OSError as error:
        raise InputError(f"--address: the token in {error.filename} cannot be read ({error.strerror}).") from error
    if not token:
        raise InputError(f"--address: the cluster asks for a token, and the one from {token_place()} is empty.")
    return token


def _found_here() -> str:
    """HOST:PORT of the cluster that `auto` means.

    Raises:
        InputError: If there is none, or it is somebody else's, who would get the token and the code.
    """
    given, place = os.environ.get("RAY_ADDRESS"), found("auto")
    if given and (is_http(given) or given == "local" or address_fault(given)):
        raise InputError(
            f"--address auto: RAY_ADDRESS is {given!r}, which is no HOST:PORT of a head node. Set it right, or unset "
            "it, or give --address HOST:PORT."
        )
    if not place:
        raise InputError(
            "--address auto: no Ray node runs on this machine, and RAY_ADDRESS is not set. Give the head node's "
            "address, HOST:PORT, or submit the sweep to its dashboard: http(s)://HEAD:8265."
        )
    if not given and not _owners(place) & {os.getuid(), 0}:
        raise InputError(
            f"--address auto: the cluster found on this machine, {place}, was started by another user, who would get "
            f"your code. If you mean it, say so: --address {place}."
        )
    return place


def _owners(place: str) -> set[int]:
    """Whose processes on this machine belong to the cluster, or who has noted it here where none does."""
    from ray._private.utils import get_ray_address_file

    asked, owners = f"--gcs-address={place}".encode(), set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if asked in (process / "cmdline").read_bytes().split(b"\0"):
                owners.add(process.stat().st_uid)
        except OSError:  # it has just ended
            continue
    noted = Path(get_ray_address_file(None))
    return owners or ({noted.stat().st_uid} if noted.is_file() else set())
