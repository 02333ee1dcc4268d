"""What files contain, as one digest: the content is read once, then known again by size, times and inode."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from trainables._training.data.progress import Progress
from trainables._training.threads import cpu_share

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOO_YOUNG_NS = 100_000_000
"""A file changed so recently could change again without another time stamp: the kernel's clock ticks slowly."""

_INDEX_ENTRIES = 1000

_known: dict[str, str] = {}


def content_digest(files: Sequence[Path], index: Path) -> str:
    """Return the SHA-256, in hex, of names and content of files, in their order.

    Names count from the folder that holds all of them, so that a copy of it elsewhere has the same digest.

    Args:
        files: What is read; a folder that has none of them is no fault.
        index: Folder that remembers digests by fingerprint; need not be there nor be writable.

    Raises:
        FileNotFoundError: One of the files is not there.
    """
    paths = [os.path.abspath(file) for file in files]  # noqa: PTH100 - Path is slow for a million files
    fingerprint, newest_ns = _fingerprint(paths)
    if fingerprint in _known:
        return _known[fingerprint]
    remembered = index / fingerprint
    with contextlib.suppress(OSError, UnicodeDecodeError):  # not there or not readable: the content is read
        digest = remembered.read_text(encoding="ascii")
        if len(digest) == hashlib.sha256().digest_size * 2:
            _known[fingerprint] = digest
            return digest
    digest = _digest(paths)
    is_settled = newest_ns + _TOO_YOUNG_NS < time.time_ns() and _fingerprint(paths)[0] == fingerprint
    if is_settled:
        _known[fingerprint] = digest
        _remember(remembered, digest)
    return digest


def _fingerprint(paths: Sequence[str]) -> tuple[str, int]:
    hasher, newest_ns = hashlib.sha256(), 0
    for path in paths:
        stat = os.stat(path)  # noqa: PTH116 - Path is slow for a million files
        newest_ns = max(newest_ns, stat.st_ctime_ns)
        line = f"{path}\0{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns} {stat.st_ino} {stat.st_dev}\0"
        hasher.update(os.fsencode(line))
    return hasher.hexdigest(), newest_ns


def _digest(paths: Sequence[str]) -> str:
    folder = os.path.commonpath([os.path.dirname(path) for path in paths]) if paths else ""  # noqa: PTH120
    progress = Progress("reading the content of files", len(paths))

    def digests(chunk: Sequence[str]) -> list[bytes]:
        done = []
        for path in chunk:
            with Path(path).open("rb") as file:
                done.append(hashlib.file_digest(file, "sha256").digest())
            progress.advance()
        return done

    hasher = hashlib.sha256()
    chunks = [paths[start : start + 64] for start in range(0, len(paths), 64)]
    with ThreadPoolExecutor(cpu_share()) as threads:
        for chunk, of_chunk in zip(chunks, threads.map(digests, chunks), strict=True):
            for path, digest in zip(chunk, of_chunk, strict=True):
                hasher.update(json.dumps(os.path.relpath(path, folder)).encode() + digest)
    return hasher.hexdigest()


def _remember(place: Path, digest: str) -> None:
    with contextlib.suppress(OSError):  # a help, no more: without it the content is read again
        place.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.parent.mkdir(mode=0o700, exist_ok=True)
        new = place.with_name(f".{secrets.token_hex(8)}")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(digest)
        new.replace(place)
        oldest_first = sorted(place.parent.iterdir(), key=lambda file: file.stat().st_mtime_ns)
        for old in oldest_first[:-_INDEX_ENTRIES]:
            old.unlink(missing_ok=True)
