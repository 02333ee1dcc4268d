"""Whose sweep a folder is: the code that it names, and its checkpoints, are not used for anybody without a question."""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
from typing import TYPE_CHECKING

from experiments._sweep.errors import InputError
from experiments._sweep.ledger.files import LEDGER
from experiments._sweep.registry import file_of
from experiments._sweep.store.lease import last_holders_host
from experiments._sweep.store.places import place_of
from experiments._sweep.travelled import came_along

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiments._sweep.sweep import Sweep


class UntrustedError(InputError):
    """A folder may be somebody else's, who then says what is run."""

    def __init__(self, sweep: Sweep, reasons: list[str], used: str) -> None:
        """Why the folder may be somebody else's, and what of it would be used."""
        super().__init__(
            f"{place_of(sweep.folder)}: {'; '.join(reasons)}. {used}. If you know whose it is, and trust them, give "
            "--trust (in Python: trust=True)."
        )


def refuse_untrusted(sweep: Sweep, *, trust: bool, code_is_given: bool = False) -> None:
    """Lets pass where the sweep is of one's own, or is trusted.

    Args:
        sweep: The searched sweep.
        trust: Whether it is trusted whosever it is.
        code_is_given: Whether the experiment comes from the command, and not from the folder: then only the owner
            counts.

    Raises:
        UntrustedError: It may be somebody else's.
    """
    if trust:
        return
    source = sweep.history.sweep.source
    reasons = [*_owners(sweep), *([] if code_is_given else _strangers(sweep))]
    if reasons:
        runs = str(file_of(source)) if source["kind"] == "file" else f"{source['name']}, set up as its record says"
        used = "Its record and its checkpoints would be gone on with"
        if not code_is_given:
            used = f"What it names would be run with all your rights: {runs}; and its checkpoints would be read"
        raise UntrustedError(sweep, reasons, used)


def _owners(sweep: Sweep) -> Iterator[str]:
    for what, path in (("it", sweep.folder), (f"its {LEDGER}", sweep.folder / LEDGER)):
        uid = path.stat().st_uid
        if uid != os.geteuid():
            yield f"{what} belongs to {_name(uid)}, and you are {_name(os.geteuid())}"
            return


def _strangers(sweep: Sweep) -> Iterator[str]:
    history = sweep.history
    if history.sweep.source["kind"] != "file":
        return
    path = file_of(history.sweep.source)
    if came_along(path):  # the code is that of whoever gave the command, not what the folder names
        return
    if path.resolve().is_relative_to(sweep.folder):
        yield f"the experiment's file {path.name} lies in it"
    sent = [history.sweep.source["host"]] if "host" in history.sweep.source else []
    ran = [driver.host for driver in history.drivers]
    hosts = list(dict.fromkeys([*sent, *ran])) or last_holders_host(sweep.folder)
    if socket.gethostname() not in hosts:
        yield f"it never ran on this machine, {socket.gethostname()} (it ran on {', '.join(hosts) or 'none'})"


def _name(uid: int) -> str:
    with contextlib.suppress(KeyError):  # a user of another machine has no name here
        return f"{pwd.getpwuid(uid).pw_name} (user {uid})"
    return f"user {uid}"
