"""Working copies are brought up to date with the store: which sweeps there are, and what their ledgers say.

Nothing is brought to a copy whose sweep a driver on this machine (or with this home folder) is writing: it is ahead.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from experiments._sweep.ledger.files import LEDGER, is_sweep, sync_folder
from experiments._sweep.ledger.lease import alone_in, holder_of
from experiments._sweep.store.objects import Objects
from experiments._sweep.store.patience import BRIEF_S
from experiments._sweep.store.places import NAME, copies_root, url_of
from experiments._sweep.store.refusals import asking
from experiments._sweep.store.segments import FOLDER, joined, stored

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger("raysweeps")

APART = "gone"
"""Folder of working copies whose sweeps were removed from the store."""
_AT_A_TIME = 8


def fetched(folder: Path, sweep: Objects) -> tuple[int, int]:
    """Has the ledger of a working copy begin with all that the store has; how many segments and bytes that is.

    What an earlier driver on this machine could not send any more stays behind it, unless another one went on without.

    Raises:
        LedgerError: If the store's ledger is not whole.
        OSError: If the store cannot be asked.
    """
    segments, path = stored(sweep), folder / LEDGER
    here = path.read_bytes() if path.exists() else b""
    there = joined(sweep, segments, here)
    if not here.startswith(there):
        if here and not there.startswith(here):
            logger.info("%s: replaced by the store's, which another driver has gone on with", path)
        _replace(path, there)
    return len(segments), len(there)


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(beside, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)


def brought(folder: Path) -> None:
    """Brings a sweep's ledger to its working copy, where the folder is one.

    Raises:
        LedgerError: If the store's ledger is not whole.
        InputError: If the store cannot be asked.
    """
    url = url_of(folder)
    if url is None or holder_of(folder) is not None:
        return
    with asking(url):
        sweep = Objects(url, patience_s=BRIEF_S)
        if not sweep.has(f"{FOLDER}/"):  # begun at most, or removed
            if folder.is_dir() and not sweep.has(""):
                _set_apart(folder)
            return
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with alone_in(folder):
            if holder_of(folder) is None:  # a driver may have begun here meanwhile
                fetched(folder, sweep)


def brought_below(sweep: Path, beginning: str) -> None:
    """Brings the ledgers of the sweeps in a sweep's folder whose names begin so."""
    url = url_of(sweep)
    if url is None:
        return
    with asking(url):
        names = [name for name in Objects(url, patience_s=BRIEF_S).folders() if NAME.fullmatch(name)]
    for name in names:
        if name.startswith(beginning):
            brought(sweep / name)


def known(storage: Path) -> None:
    """Has a folder for each name that is taken in the store, and none for what was removed from it.

    Raises:
        InputError: If the store cannot be asked.
    """
    url = url_of(storage)
    if url is None:
        return
    here = [path for path in storage.iterdir() if path.is_dir()]  # first: who makes one has taken its name before
    with asking(url):
        names = {name for name in Objects(url, patience_s=BRIEF_S).folders() if NAME.fullmatch(name)}
    for name in names:
        (storage / name).mkdir(mode=0o700, exist_ok=True)
    for folder in here:
        if folder.name not in names and holder_of(folder) is None:
            _set_apart(folder)


def _set_apart(folder: Path) -> None:
    """What the store does not know any more is out of the way, and still there for who wants to look."""
    apart, name = copies_root() / APART, "-".join(folder.resolve().relative_to(copies_root().resolve()).parts)
    apart.mkdir(mode=0o700, exist_ok=True)
    with contextlib.suppress(OSError):  # another command was quicker
        folder.replace(apart / f"{name}-{time.time_ns()}")


def sweeps_in(storage: Path) -> dict[Path, float]:
    """The sweeps in a storage folder, each with when its ledger was written last.

    Raises:
        InputError: If the store cannot be asked.
    """
    url = url_of(storage)
    if url is None:
        return {path: (path / LEDGER).stat().st_mtime for path in storage.glob("*") if is_sweep(path)}
    known(storage)
    folders = sorted(path for path in storage.iterdir() if path.is_dir())

    def written(folder: Path) -> float | None:
        found = Objects(f"{url}/{folder.name}", patience_s=BRIEF_S).listed(f"{FOLDER}/")
        return max((each.modified for each in found), default=None)

    with asking(url), ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="sweeps") as pool:
        times = dict(zip(folders, pool.map(written, folders), strict=True))
    return {folder: at for folder, at in times.items() if at is not None}
