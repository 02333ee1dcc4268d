"""One checkpoint on disk: `checkpoint.json`, readable without torch, and `state.pt`; written whole or not at all.

`checkpoint.json` holds the epoch, its record, and the size and SHA-256 of `state.pt`; its own `sha256` is that of the
same object without this key, dumped with sorted keys and no spaces. Numbers are written as Python's `json` writes them:
floats with all their digits, and the tokens NaN, Infinity and -Infinity, which Python reads back and strict JSON lacks.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from trainables._training.durable import fsync, write_file

MANIFEST = "checkpoint.json"
STATE = "state.pt"
FORMAT = 1


class DamagedCheckpointError(ValueError):
    """A checkpoint is not what was saved."""


class ChangedDataError(ValueError):
    """A trial would go on with other data than it began with."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What `checkpoint.json` says."""

    epoch: int
    """Epoch after which the checkpoint was saved, from 1."""

    record: dict[str, Any]
    """The record of that epoch."""

    state: dict[str, Any] | None
    """Size in `bytes` and `sha256` of `state.pt`; None where there is no state."""

    data: str | None = None
    """Digest of the data that were trained on; None where it is not known."""

    made_by: dict[str, Any] | None = None
    """Processor, device, threads and versions that it was made with; None where an older version saved it."""


def canonical(value: object) -> str:
    """Return the one JSON text of a value; equal texts mean equal values, NaN included."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def write_checkpoint(folder: Path, manifest: Manifest, content: bytes | None) -> None:
    """Write a checkpoint beside its place, make it durable, then move it there; on a fault nothing is left behind."""
    body = {"format": FORMAT, "epoch": manifest.epoch, "record": manifest.record, "state": manifest.state}
    optional = {"data": manifest.data, "made_by": manifest.made_by}
    body |= {name: value for name, value in optional.items() if value is not None}
    body["sha256"] = _sha256(canonical(body).encode())
    work = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))  # mode 0700
    try:
        if content is not None:
            write_file(work / STATE, content)
        write_file(work / MANIFEST, (json.dumps(body, indent=1) + "\n").encode())
        fsync(work)
        if folder.exists():  # a damaged one of the same epoch: a folder cannot be renamed over it
            remove_checkpoint(folder)
        work.rename(folder)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    fsync(folder.parent)


def read_manifest(folder: Path) -> Manifest:
    """Return what `checkpoint.json` says, its own checksum verified.

    Raises:
        DamagedCheckpointError: The file is missing, unreadable or changed.
    """
    path = folder / MANIFEST
    try:
        body = json.loads(path.read_bytes())
        digest = body.pop("sha256")
        if body["format"] != FORMAT:
            _unknown_format(body["format"])
        optional = {name: body.get(name) for name in ("data", "made_by")}
        manifest = Manifest(epoch=body["epoch"], record=body["record"], state=body["state"], **optional)
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        message = f"{path} cannot be read ({type(error).__name__}: {error}); {_REMEDY}"
        raise DamagedCheckpointError(message) from error
    if digest != _sha256(canonical(body).encode()):
        message = f"{path} is not what was written: its checksum differs; {_REMEDY}"
        raise DamagedCheckpointError(message)
    return manifest


def read_state(folder: Path, manifest: Manifest) -> bytes | None:
    """Return the bytes of `state.pt`, size and checksum verified; None where there is no state.

    Raises:
        DamagedCheckpointError: The file is missing, cut or changed.
    """
    if manifest.state is None:
        return None
    path = folder / STATE
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"{path} cannot be read ({error}); {_REMEDY}"
        raise DamagedCheckpointError(message) from error
    if describe(content) != manifest.state:
        message = f"{path} is not what was written: {len(content)} bytes, {manifest.state['bytes']} were; {_REMEDY}"
        raise DamagedCheckpointError(message)
    return content


def describe(content: bytes) -> dict[str, Any]:
    """Return the size and checksum that a manifest keeps of `state.pt`."""
    return {"bytes": len(content), "sha256": _sha256(content)}


def remove_checkpoint(folder: Path) -> None:
    """Remove a checkpoint; one that is half removed no longer has a checkpoint's name."""
    away = folder.parent / f".{folder.name}-{secrets.token_hex(4)}"
    with contextlib.suppress(FileNotFoundError):  # another segment's process, still alive, was faster
        folder.rename(away)
    shutil.rmtree(away, ignore_errors=True)


def remove_leftovers(segment: Path) -> None:
    """Remove what writers that were killed left in a segment's folder."""
    for leftover in segment.glob(".epoch-*"):
        shutil.rmtree(leftover, ignore_errors=True)


_REMEDY = "delete the folder to go on from an earlier epoch"


def _unknown_format(given: object) -> None:
    message = f"its format is {given!r}, this version reads {FORMAT}"
    raise ValueError(message)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
