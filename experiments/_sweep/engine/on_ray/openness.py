"""Whether a cluster lets in whoever comes: its head is asked something without a token."""

from __future__ import annotations

from experiments._sweep.engine.on_ray.loopback import found, reached
from experiments._sweep.engine.on_ray.tokens import GENERATE
from experiments._sweep.errors import InputError

ANSWER_S = 5.0
HARMLESS = "/ray.rpc.NodeInfoGcsService/GetClusterId"
"""A question that a head with authentication refuses as any other."""


def refuse_open(address: str, *, insecure: bool) -> None:
    """Lets pass a cluster that asks for a token, or any, by the user's own word.

    A token of one's own does not help where the cluster does not ask for it: everybody else comes in as well.

    Raises:
        InputError: If the cluster answers without one.
    """
    if address != "local" and not insecure and is_open(address):
        raise InputError(
            f"--address: the cluster at {address} answers without a token: whoever reaches it can run code on it. "
            f"{GENERATE}; or say --insecure."
        )


def is_open(address: str) -> bool:
    """Whether the cluster at HOST:PORT, or the one that `auto` finds, answers without a token."""
    import grpc  # type: ignore[import-untyped] # Ray and TensorBoard bring it

    place = reached(found(address))
    if not place:
        return False
    with grpc.insecure_channel(place) as channel:
        ask = channel.unary_unary(HARMLESS, request_serializer=None, response_deserializer=None)
        try:
            ask(b"", timeout=ANSWER_S)
        except grpc.RpcError:
            return False
    return True
