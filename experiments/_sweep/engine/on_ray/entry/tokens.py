"""Token authentication: nobody else may run code on the cluster that a sweep uses."""

from __future__ import annotations

import functools
import os
import secrets
from pathlib import Path

DISABLED = {"RAY_AUTH_MODE": "disabled"}
"""For a cluster without authentication: processes there fail where the driver's send a token."""
GENERATE = (
    "Make a token with `ray get-auth-token --generate`, start every node with RAY_AUTH_MODE=token and that token, and "
    "set the same here"
)


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
        from ray._raylet import Config  # type: ignore[attr-defined]

        Config.initialize("")


def token_fault(address: str, *, insecure: bool = False) -> str:
    """Why the cluster at `address` must not be joined or started, empty where it may.

    Args:
        address: Of the cluster.
        insecure: Whether one without token authentication may be used, by the user's own word.
    """
    if address == "local" and os.environ.get("RAY_AUTH_MODE") == "disabled":
        return (
            "RAY_AUTH_MODE=disabled is set in the environment: everybody on this machine could run code as you while "
            "the sweep runs. Unset it."
        )
    if address == "local":
        return ""
    file = _file()
    if file is not None and file.is_file() and _open_to_others(file) and not _is_own(file):
        return (
            f"--address: others can read the token in {file}, which is not your file, and run code on the cluster. "
            f"Have its owner do: chmod 600 {file}"
        )
    if file is not None and file != _kept() and not file.is_file() and not insecure:
        return f"--address: RAY_AUTH_TOKEN_PATH names {file}, and there is no such file. Give the cluster's token."
    if insecure or (_has_token() and os.environ.get("RAY_AUTH_MODE") != "disabled"):
        return ""
    return (
        f"--address: {address!r} would be joined without a token, and whoever reaches such a cluster can run code on "
        f"it. {GENERATE}; or say --insecure."
    )


def close_token_file() -> str:
    """Takes the token's file from other users where it is one's own; what to say of it, empty where it was closed."""
    file = _file()
    if file is None or not file.is_file() or not _open_to_others(file) or not _is_own(file):
        return ""
    file.chmod(0o600)
    return (
        f"others could read the token in {file} until now; only you can from now on. Where other people use this "
        "machine, make a new one: ray get-auth-token --generate"
    )


def own_token() -> str:
    """The token that Ray takes here.

    Raises:
        OSError: If its file cannot be read.
    """
    file = _file()
    return os.environ["RAY_AUTH_TOKEN"].strip() if file is None else file.read_text(encoding="utf-8").strip()


def token_place() -> str:
    """Where Ray takes the token from: a variable or a file."""
    return str(_file() or "RAY_AUTH_TOKEN")


def _has_token() -> bool:
    return _in_environment() or _kept().is_file()


def _in_environment() -> bool:
    return bool(os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH"))


def _file() -> Path | None:
    """The file that Ray takes the token from, None where the environment has the token itself."""
    if os.environ.get("RAY_AUTH_TOKEN"):
        return None
    given = os.environ.get("RAY_AUTH_TOKEN_PATH")
    return Path(given).expanduser() if given else _kept()


def _kept() -> Path:
    """The file that Ray takes a token from where the environment has none; Ray makes it readable by everybody."""
    return Path.home() / ".ray" / "auth_token"


def _open_to_others(file: Path) -> bool:
    """Whether other users can read a file and come to it through the two folders above it."""
    return bool(file.stat().st_mode & 0o044) and all(each.stat().st_mode & 0o011 for each in file.parents[:2])


def _is_own(file: Path) -> bool:
    return file.stat().st_uid == os.getuid()


@functools.cache
def _token_of_this_process() -> str:
    return secrets.token_hex(32)  # once: Ray keeps the first token that it sees in a process
