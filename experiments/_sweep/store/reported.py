"""Checkpoints that plain Ray functions report, in a store: whole folders, and a list of their files written last.

ray/driver-2/0017-003/checkpoint_000004/...        the files, as the function left them
ray/driver-2/0017-003/checkpoint_000004.files.json their names, sizes and SHA-256
"""

from __future__ import annotations

import hashlib
import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from experiments._sweep.ledger.files import RAY, reported_folder
from experiments._sweep.store.checkpoints import write_folder

if TYPE_CHECKING:
    from pathlib import Path

    from experiments._sweep.store.objects import Objects

LIST = ".files.json"


def reported_key(trial: int, driver: int, segment: int) -> str:
    """Where the checkpoints lie that a segment reports."""
    return f"{RAY}/driver-{driver}/{trial:04d}-{segment:03d}"


def upload_reported(store: Objects, key: str, folder: Path) -> None:
    """Writes a folder's files into the store, their list last.

    Raises:
        OSError: The store did not take it; without its list it is not there.
    """
    files: dict[str, dict[str, Any]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content, name = path.read_bytes(), path.relative_to(folder).as_posix()
        store.put(f"{key}/{name}", content)
        files[name] = _described(content)
    store.put(f"{key}{LIST}", json.dumps({"files": files}, indent=1).encode())


def is_stored(store: Objects, key: str) -> bool:
    """Whether a reported checkpoint was uploaded to its end, and not removed since."""
    return store.modified(f"{key}{LIST}") is not None


def fetch_reported(store: Objects, key: str, root: Path) -> Path | None:
    """Brings a reported checkpoint below `root`, where it is not there yet; None where the store has no whole one.

    Raises:
        OSError: The store does not answer, or it cannot be written.
    """
    folder = reported_folder(root, key)
    if folder is None or folder.is_dir():
        return folder
    try:
        files: dict[str, Any] = json.loads(store.get(f"{key}{LIST}"))["files"]
        if not all(map(_stays_below, files)):
            return None
        write_folder(folder, ((name, _verified(store.get(f"{key}/{name}"), files[name])) for name in files))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return folder


def _verified(content: bytes, described: dict[str, Any]) -> bytes:
    if _described(content) != described:
        raise ValueError("not what was uploaded")
    return content


def _described(content: bytes) -> dict[str, Any]:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _stays_below(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and not PurePosixPath(name).is_absolute() and ".." not in parts and "\x00" not in name
