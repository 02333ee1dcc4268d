"""A folder that appears whole or not at all, for its owner only."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from experiments._sweep.errors import InputError
from experiments._sweep.ledger.files import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def new_folder(to: Path) -> Iterator[Path]:
    """A folder to write into, which is moved to `to` when the context ends well; on a fault nothing is left of it.

    Folders above `to` are made where they are not there.

    Raises:
        InputError: If `to` is there and not empty.
        OSError: If it cannot be written.
    """
    to = to.expanduser().resolve()
    refuse_occupied(to)
    beside = next(folder for folder in to.parents if folder.is_dir())
    work = Path(mkdtemp(prefix=".export-", dir=beside))  # mode 0700
    try:
        yield work
        sync_folder(work)
        to.parent.mkdir(parents=True, exist_ok=True)
        work.rename(to)  # over an empty folder too, and over no other
        sync_folder(to.parent)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def refuse_occupied(to: Path) -> None:
    """Refuses a place where something is.

    Raises:
        InputError: If `to` is a file or below one, a folder that is not empty, or the one that this process is in.
    """
    to = to.expanduser()
    if to.resolve() == Path.cwd():  # it would be replaced under the feet of who is in it
        raise InputError(f"--to: {to} is where you are. Give a folder that is not there yet.")
    if to.is_dir() and any(to.iterdir()):
        raise InputError(f"--to: {to} is not empty. Give a folder that is not there yet.")
    there = next(path for path in (to, *to.absolute().parents) if path.exists())
    if not there.is_dir():
        raise InputError(f"--to: {there} is a file. Give a folder that is not there yet.")


def write_file(path: Path, content: bytes) -> None:
    """Writes a new file that only its owner may read, durable when this returns."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
