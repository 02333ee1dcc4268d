"""Folders on this node for what comes from a store or is on its way there; they go with the process that made them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from experiments._sweep.ledger.lease import process_start, this_machine

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "raysweeps-scratch"


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for this user alone, below the node's folder of temporary files (`TMPDIR`), removed afterwards.

    What processes left there that were killed is removed first.
    """
    remove_leftovers()
    own = f"{_here()}-{os.getpid()}-{process_start(os.getpid())}-"
    with tempfile.TemporaryDirectory(prefix=own, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def remove_leftovers() -> None:
    """Removes the folders of this user's processes that are gone, as far as this machine can tell."""
    place = Path(tempfile.gettempdir())
    with contextlib.suppress(OSError):  # another process of ours may be faster
        for folder in place.glob(f"{_here()}-*"):
            told = re.fullmatch(r"(\d+)-(\d+)-.*", folder.name.removeprefix(f"{_here()}-"))
            if told and process_start(int(told[1])) != told[2] and folder.lstat().st_uid == os.getuid():
                shutil.rmtree(folder, ignore_errors=True)


def _here() -> str:
    """The beginning of the names that this machine gives: the folder may be shared with others."""
    return f"{PREFIX}-{hashlib.sha256(this_machine().encode()).hexdigest()[:12]}"
