"""A page as a file that appears whole or not at all, for its owner only."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import mkstemp

from experiments._sweep.errors import InputError
from experiments._sweep.ledger.files import sync_folder

NAME = "report.html"


def refuse_place(to: Path) -> None:
    """Refuses a place where no page can be written.

    Raises:
        InputError: If `to` is a folder, its folder is not there, or a file that is there is no page of ours.
    """
    if to.is_dir():
        raise InputError(f"--to: {to} is a folder. Give a file, such as {to / NAME}.")
    if not to.parent.is_dir():
        raise InputError(f"--to: the folder {to.parent} is not there. Make it, or give a file in another folder.")
    if to.exists() and to.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--to: {to} exists and is no page. Give a file that ends in .html, or one that is not there.")


def write_page(to: Path, html: str) -> None:
    """Writes the page, in the place of one that was there, durable when this returns.

    Raises:
        OSError: If it cannot be written; what was there is then as before.
    """
    to = to.resolve()
    descriptor, name = mkstemp(prefix=".report-", dir=to.parent)  # mode 0600
    work = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(html.encode())
            file.flush()
            os.fsync(file.fileno())
        work.replace(to)
        sync_folder(to.parent)
    except BaseException:
        work.unlink(missing_ok=True)
        raise
