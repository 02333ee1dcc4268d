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
        private = _in_environment() or (_kept().is_file() and not _open_to_others(_kept()))
        return {} if private else {"RAY_AUTH_TOKEN": _token_of_this_process()}
    return {"RAY_AUTH_MODE": "token"}


def use_token(address: str) -> None:
    """Makes Ray see the settings: it has read them already where it was imported before."""
    if address != "local":
        from ray._private.authentication.authentication_token_setup import _enable_token_auth

        _enable_token_auth()


def token_fault(address: str) -> str:
    """Why the cluster at `address` must not be joined or started, empty where it may."""
    if address == "local" and os.environ.get("RAY_AUTH_MODE") == "disabled":
        return (
            "RAY_AUTH_MODE=disabled is set in the environment: everybody on this machine could run code as you while "
            "the sweep runs. Unset it."
        )
    if address != "local" and not _in_environment() and _kept().is_file() and _open_to_others(_kept()):
        return (
            f"--address: others can read the token in {_kept()}, and run code on the cluster. Do: chmod 600 {_kept()}"
        )
    if address == "local" or (_has_token() and os.environ.get("RAY_AUTH_MODE") != "disabled"):
        return ""
    return (
        f"--address: {address!r} would be joined without a token, and whoever reaches such a cluster can run code on "
        "it. Make a token with `ray get-auth-token --generate`, start every node with RAY_AUTH_MODE=token and that "
        "token, and set the same here."
    )


def _has_token() -> bool:
    return _in_environment() or _kept().is_file()


def _in_environment() -> bool:
    return bool(os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH"))


def _kept() -> Path:
    """The file that Ray takes a token from where the environment has none; Ray makes it readable by everybody."""
    return Path.home() / ".ray" / "auth_token"


def _open_to_others(file: Path) -> bool:
    """Whether other users can read a file and come to it through the two folders above it."""
    return bool(file.stat().st_mode & 0o044) and all(each.stat().st_mode & 0o011 for each in file.parents[:2])


@functools.cache
def _token_of_this_process() -> str:
    return secrets.token_hex(32)  # once: Ray keeps the first token that it sees in a process
