"""Checkpoints that are needed no more go; what is no checkpoint, or lies behind a link, stays."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from trainables._training.checkpoint_files import remove_checkpoint

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator


def drop_checkpoints(root: str | os.PathLike[str], *, but: int | None = None) -> None:
    """Remove the checkpoints in a trial's folder, and what killed writers left beside them.

    Only ROOT/segment-003/epoch-00005 and leftovers of it are touched, none of them where it or a folder above it, up to
    the root, is a symbolic link. Folders that are then empty go as well. Killed at any moment, what is left is whole or
    no longer has a checkpoint's name.

    Args:
        root: The trial's folder; one that is not there has nothing to remove.
        but: The epoch that stays. Where it has no checkpoint, all stay, for one of them may be the next best.

    Raises:
        OSError: One could not be taken away.
    """
    segments = [folder for folder in _folders(Path(root), r"segment-\d+") if not Path(root).is_symlink()]
    names = r"\.?epoch-(\d+)(-.*)?"
    found = [folder for segment in segments for folder in _folders(segment, names)]
    if but is not None and not any(folder.name == f"epoch-{but:05d}" for folder in found):
        return
    for folder in found:
        if but is None or folder.name != f"epoch-{but:05d}":
            remove_checkpoint(folder)
    for folder in [*segments, Path(root)] if segments else []:
        with contextlib.suppress(OSError):  # something stays in it
            folder.rmdir()


def _folders(parent: Path, name: str) -> Iterator[Path]:
    """Yield the folders of a name, none of them a link."""
    if parent.is_dir():
        for folder in sorted(parent.iterdir()):
            if re.fullmatch(name, folder.name) and not folder.is_symlink() and folder.is_dir():
                yield folder
