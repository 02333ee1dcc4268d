"""Whether every node reaches the place where a sweep lies: each reads what the driver left there, and leaves its own.

The driver calls `left` around it all and `unseen_nodes` at the end; each node calls `fault_of_this_node`. A node
that only writes into a folder of its own, which is called as the shared one is, is found by both.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from experiments._sweep.errors import InputError
from experiments._sweep.store.objects import Objects
from experiments._sweep.store.patience import BRIEF_S
from experiments._sweep.store.places import is_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BEGINNING = ".probe-"


class _Folder:
    """A folder, asked as a store is."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def put(self, key: str, content: bytes) -> None:
        file = os.open(self._path / key, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        try:
            os.write(file, content)
            os.fsync(file)
        finally:
            os.close(file)

    def get(self, key: str) -> bytes:
        os.listdir(self._path)  # noqa: PTH208 - has a network file system look again
        return (self._path / key).read_bytes()

    def remove(self, keys: Sequence[str]) -> None:
        for key in keys:
            (self._path / key).unlink(missing_ok=True)


@contextlib.contextmanager
def left(place: str) -> Iterator[str]:
    """Leaves the driver's probe in a sweep's place for as long as the context lasts, and gives its token.

    Args:
        place: The address or the folder of the sweep.

    Raises:
        OSError: If the driver itself cannot write there.
    """
    there, token = _at(place), secrets.token_hex(8)
    there.put(f"{_BEGINNING}{token}", token.encode())
    try:
        yield token
    finally:
        with contextlib.suppress(OSError):  # a place that is gone is said elsewhere
            there.remove([f"{_BEGINNING}{token}"])


def fault_of_this_node(place: str, token: str, node: str) -> str:
    """What is wrong with a sweep's place as this node sees it, empty where nothing is. It raises nothing.

    Args:
        place: The address or the folder of the sweep.
        token: As `left` gave it.
        node: What the node leaves its probe under: letters and digits.
    """
    try:
        there = _at(place)
        if (fault := _unseen(there, place, token)) or (fault := _unwritten(there, place, token, node)):
            return fault
    except (InputError, OSError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        return f"{place} cannot be read and written there: {said or error}"
    return ""


def _unseen(there: Objects | _Folder, place: str, token: str) -> str:
    try:
        found = there.get(f"{_BEGINNING}{token}")
    except FileNotFoundError:
        return f"{place} is not there, or is another folder than the driver's: what the driver wrote is not in it"
    return "" if found == token.encode() else f"{place} gives back what was not written"


def _unwritten(there: Objects | _Folder, place: str, token: str, node: str) -> str:
    key, content = f"{_BEGINNING}{token}-{node}", f"{token} {node}".encode()
    there.put(key, content)
    return "" if there.get(key) == content else f"{place} does not give back what is written there"


def unseen_nodes(place: str, token: str, nodes: Sequence[str]) -> list[str]:
    """The nodes whose probes the driver does not see; removes the probes of all."""
    there, missing = _at(place), []
    for node in nodes:
        try:
            if there.get(f"{_BEGINNING}{token}-{node}") != f"{token} {node}".encode():
                missing.append(node)
        except FileNotFoundError:
            missing.append(node)
    there.remove([f"{_BEGINNING}{token}-{node}" for node in nodes])
    return missing


def _at(place: str) -> Objects | _Folder:
    return Objects(place, patience_s=BRIEF_S) if is_url(place) else _Folder(Path(place))
