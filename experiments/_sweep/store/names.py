"""Names of sweeps in a store: taken by creating an object, so that two commands cannot take one."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import time
from typing import TYPE_CHECKING

from experiments._sweep.errors import InputError
from experiments._sweep.store.objects import Objects
from experiments._sweep.store.patience import BRIEF_S
from experiments._sweep.store.places import SCHEME, checked, copies_of, url_of
from experiments._sweep.store.refusals import asking
from experiments._sweep.store.segments import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

BEGUN = "begun.json"
"""Says who took the name."""


def take_name(folder: Path) -> None:
    """Takes the name of a folder in the store, where the folder is a working copy to be.

    Raises:
        FileExistsError: It is taken.
        InputError: If the store cannot be written, or cannot tell whether an object is new.
    """
    url = url_of(folder)
    if url is None:
        return
    told = {"host": socket.gethostname(), "pid": os.getpid(), "at": time.time_ns()}
    there = Objects(url, patience_s=BRIEF_S)
    with asking(url):
        ours = there.create(BEGUN, json.dumps(told).encode())
    if not ours:
        raise FileExistsError(errno.EEXIST, "the name is taken", url)
    with asking(url):
        if there.create(BEGUN, b"{}"):  # answered by a store that does not know the condition
            there.remove([BEGUN])
            raise InputError(
                f"{url} cannot be used: this store writes over an object that was to be created only where none is "
                "(`If-None-Match: *`), so that two drivers could write over each other. Use S3, or another store that "
                "honours it."
            )


def leave_name(folder: Path) -> None:
    """Gives back the name of a folder in which no sweep has begun."""
    url = url_of(folder)
    if url is not None:
        with contextlib.suppress(OSError):  # a store that is gone keeps it: the next sweep has the next number
            there = Objects(url, patience_s=BRIEF_S / 3)
            if not there.has(f"{FOLDER}/"):
                there.remove([BEGUN])


def is_taken(folder: Path) -> bool:
    """Whether the name of a working copy is taken in the store by a sweep that has begun at most.

    Raises:
        InputError: If the store cannot be asked.
    """
    url = url_of(folder)
    if url is None:
        return False
    with asking(url):
        return Objects(url, patience_s=BRIEF_S).has(BEGUN)


def sweep_at(url: str) -> Path:
    """The working copy of the sweep at an address, which may lie in another one's.

    Raises:
        InputError: If it cannot be one, or the store cannot be asked.
    """
    url = checked(url)
    storage, _, name = url.rpartition("/")
    if len(storage) < len(SCHEME) or storage == SCHEME.rstrip("/"):
        raise InputError(f"{url} is a bucket and no sweep. Give its sweep as well: {url}/SWEEP, or --storage {url}.")
    within = [name]
    with asking(url):
        while storage.count("/") > 2 and Objects(storage, patience_s=BRIEF_S).has(f"{FOLDER}/"):
            storage, _, name = storage.rpartition("/")
            within.insert(0, name)
    return copies_of(storage).joinpath(*within)
