"""The checkpoints of trials in a store: trials/0017/segment-2000003/epoch-00005/{state.pt,checkpoint.json}.

`checkpoint.json` is written last: without it there is no checkpoint. Segment 2000003 is the third of its trial, begun
by the second driver: where the last seconds of a ledger were lost, the next driver begins a third segment as well, and
a process that outlived the first one writes elsewhere.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from experiments._sweep.store.objects import Objects

TRIALS = "trials"
MANIFEST = "checkpoint.json"
STATE = "state.pt"
_KEY = re.compile(rf"{TRIALS}/(\d+)/segment-(\d+)/epoch-(\d+)/({re.escape(MANIFEST)}|{re.escape(STATE)})")
_SEGMENTS = 1_000_000
"""More than a trial ever has."""


def segment_in_store(driver: int, segment: int) -> int:
    """The number that a driver's segment of a trial has in the store; later ones have higher numbers."""
    return driver * _SEGMENTS + segment


def trial_key(trial: int) -> str:
    """Where the checkpoints of a trial lie."""
    return f"{TRIALS}/{trial:04d}"


def mark_key(trial: int, driver: int, segment: int) -> str:
    """Where the process that trains a segment notes that it was told to leave."""
    return f"{trial_key(trial)}/segment-{segment_in_store(driver, segment):03d}.told-to-leave"


@dataclass(frozen=True, kw_only=True, order=True)
class Stored:
    """A checkpoint in the store, or what is there of one."""

    epoch: int
    segment: int
    """As `segment_in_store` has it."""
    trial: int
    files: tuple[str, ...]
    """The names of its files, the manifest last."""

    @property
    def whole(self) -> bool:
        """Whether it was uploaded to its end."""
        return self.files[-1] == MANIFEST

    @property
    def key(self) -> str:
        """Where it lies."""
        return f"{trial_key(self.trial)}/segment-{self.segment:03d}/epoch-{self.epoch:05d}"

    @property
    def keys(self) -> list[str]:
        """Its objects, the manifest first: in this order it is removed."""
        return [f"{self.key}/{name}" for name in reversed(self.files)]

    def below(self, root: Path) -> Path:
        """Its folder where `root` has the trials' folders."""
        return root / self.key


def stored_in(keys: Iterable[str]) -> list[Stored]:
    """What a store's keys hold, newest first: by epoch, then by segment. Keys of anything else are left out."""
    found: dict[tuple[int, int, int], list[str]] = {}
    for match in filter(None, map(_KEY.fullmatch, keys)):
        found.setdefault((int(match[3]), int(match[2]), int(match[1])), []).append(match[4])
    every = [
        Stored(epoch=epoch, segment=segment, trial=trial, files=tuple(sorted(names, key=MANIFEST.__eq__)))
        for (epoch, segment, trial), names in found.items()
    ]
    return sorted(every, reverse=True)


def stored_of(store: Objects, trial: int) -> list[Stored]:
    """The whole checkpoints of a trial, newest first."""
    return [each for each in stored_in(store.keys(f"{trial_key(trial)}/")) if each.whole]


def upload(store: Objects, trial: int, folder: Path) -> None:
    """Writes a checkpoint's folder, .../segment-2000003/epoch-00005, into the store; the manifest last.

    Raises:
        OSError: The store did not take it; without its manifest it is not there.
    """
    key = f"{trial_key(trial)}/{folder.parent.name}/{folder.name}"
    for name in (STATE, MANIFEST):
        if (folder / name).exists():  # a checkpoint may be without a state
            store.put(f"{key}/{name}", (folder / name).read_bytes())


def fetch(store: Objects, checkpoint: Stored, root: Path, *, whole: bool = True) -> Path:
    """Brings a checkpoint below `root`, where it is not there yet, all or nothing; its folder there.

    Args:
        store: The sweep's objects.
        checkpoint: Which.
        root: Has the trials' folders.
        whole: Bring the state as well; otherwise the manifest only.

    Raises:
        FileNotFoundError: It is not in the store any more.
        OSError: The store does not answer, or it cannot be written.
    """
    folder = checkpoint.below(root)
    if not (folder / MANIFEST).exists():
        names = checkpoint.files if whole else (MANIFEST,)
        write_folder(folder, ((name, store.get(f"{checkpoint.key}/{name}")) for name in names))
    return folder


def forget(checkpoint: Stored, root: Path) -> None:
    """Removes what was brought of a checkpoint below `root`."""
    shutil.rmtree(checkpoint.below(root), ignore_errors=True)


def write_folder(folder: Path, contents: Iterable[tuple[str, bytes]]) -> None:
    """Makes a folder with files, all or nothing.

    Args:
        folder: Where.
        contents: Name and content of each file; a name may have slashes, and stays within the folder.

    Raises:
        OSError: It cannot be written.
    """
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    work = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))  # mode 0700
    try:
        for name, content in contents:
            path = work / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
        if not folder.exists():  # otherwise another process was faster
            work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
