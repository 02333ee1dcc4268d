"""Files that are made of a sweep for others: they appear whole or not at all, for their owner only."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import mkstemp

from experiments._sweep.errors import InputError
from experiments._sweep.ledger.files import sync_folder


def refuse_place(file: Path, option: str, *, there: bool = True) -> None:
    """Refuses a file that cannot be written.

    Args:
        file: The file.
        option: Where it was given.
        there: Whether it may be there already.

    Raises:
        InputError: With what to do.
    """
    if file.is_dir():
        raise InputError(f"{option}: {file} is a folder. Give a file in it.")
    if not file.absolute().parent.is_dir():
        raise InputError(f"{option}: there is no folder {file.absolute().parent}. Make it, or give another place.")
    if file.exists() and not there:
        raise InputError(f"{option}: {file} exists. Give another name, or remove it.")


def write_whole(to: Path, text: str) -> None:
    """Writes a file in UTF-8, in the place of one that was there, durable when this returns.

    Raises:
        OSError: If it cannot be written; what was there is then as before.
    """
    to = to.resolve()
    descriptor, name = mkstemp(prefix=f".{to.name[:40]}-", dir=to.parent)  # mode 0600
    work = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        work.replace(to)
        sync_folder(to.parent)
    except BaseException:
        work.unlink(missing_ok=True)
        raise
