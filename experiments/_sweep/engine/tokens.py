"""Token authentication: nobody else may run code on the cluster that a sweep uses."""

from __future__ import annotations

import functools
import os
import secrets
from pathlib import Path


def token_settings(address: str) -> dict[str, str]:
    """A token of its own for a local cluster, in memory only; a cluster that is joined must have one already.

    Ray turns token authentication on by itself for a local cluster, and would write a token to a file anybody may read.
    """
    if address == "local":
        return {} if _has_token() else {"RAY_AUTH_TOKEN": _token_of_this_process()}
    return {"RAY_AUTH_MODE": "token"}


def use_token(address: str) -> None:
    """Makes Ray see the settings: it has read them already where it was imported before."""
    if address != "local":
        from ray._private.authentication.authentication_token_setup import _enable_token_auth

        _enable_token_auth()


def token_fault(address: str) -> str:
    """Why the cluster at `address` must not be joined, empty where it may."""
    if address == "local" or (_has_token() and os.environ.get("RAY_AUTH_MODE") != "disabled"):
        return ""
    return (
        f"--address: {address!r} would be joined without a token, and whoever reaches such a cluster can run code on "
        "it. Make a token with `ray get-auth-token --generate`, start every node with RAY_AUTH_MODE=token and that "
        "token, and set the same here."
    )


def _has_token() -> bool:
    kept = Path.home() / ".ray" / "auth_token"
    return bool(os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH")) or kept.is_file()


@functools.cache
def _token_of_this_process() -> str:
    return secrets.token_hex(32)  # once: Ray keeps the first token that it sees in a process
