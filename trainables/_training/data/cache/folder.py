"""The folder of decoded data: where it is, how large it may grow, which entries it has and how they go; without torch.

An entry is a folder `NAME-KEY` with `meta.json` and one file per array; when it was last used is its own mtime. Beside
the entries: `.locks/` (one build per key at a time), `.index/` (digests by fingerprint), `.building-...` (unfinished)
and `.removed-...` (half removed); what a killed process left of the last two is removed by the next build.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from collections.abc import Iterator

META, FORMAT = "meta.json", 1
_DEFAULT_GB = 20.0
_ENTRY = re.compile(r"(?P<name>[a-z0-9_]+)-(?P<key>[0-9a-f]{64})")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One decoded data set."""

    name: str
    """Its data set."""

    folder: Path
    """Where it is."""

    size: int
    """Bytes of its files."""

    last_used: float
    """Seconds since 1970."""


def is_chosen() -> bool:
    """Tell whether the place was given in RAYSWEEPS_CACHE."""
    return bool(os.environ.get("RAYSWEEPS_CACHE"))


def cache_dir() -> Path:
    """Return the folder: RAYSWEEPS_CACHE, or raysweeps/decoded below XDG_CACHE_HOME or ~/.cache."""
    chosen = os.environ.get("RAYSWEEPS_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(chosen or f"{home}/raysweeps/decoded").expanduser().absolute()


def limit_bytes() -> int:
    """Return how many bytes the entries may have.

    RAYSWEEPS_CACHE_GB (10^9 bytes, default 20), but at most half of what the disk would have free without them.

    Raises:
        ValueError: RAYSWEEPS_CACHE_GB is not a number of 0 or above.
    """
    given = os.environ.get("RAYSWEEPS_CACHE_GB")
    try:
        gigabytes = float(given) if given else _DEFAULT_GB
    except ValueError:
        gigabytes = -1.0
    if not 0 <= gigabytes < float("inf"):
        message = (
            f"RAYSWEEPS_CACHE_GB is {given!r}; it takes the size of the cache of decoded data in gigabytes, 0 or "
            f"above, for example RAYSWEEPS_CACHE_GB=20; leave it out for {_DEFAULT_GB:.0f}"
        )
        raise ValueError(message)
    available = _free_bytes() + sum(entry.size for entry in entries())
    return min(int(gigabytes * 1e9), available // 2)


def entries() -> list[Entry]:
    """Return what the cache holds, the entry that was not used for longest first."""
    found = []
    for folder in _folders(cache_dir()):
        match = _ENTRY.fullmatch(folder.name)
        if match:
            with contextlib.suppress(OSError):  # removed by another process meanwhile, or another user's
                size = sum(file.stat().st_size for file in folder.iterdir())
                found.append(Entry(name=match["name"], folder=folder, size=size, last_used=folder.stat().st_mtime))
    return sorted(found, key=lambda entry: entry.last_used)


def read_meta(folder: Path) -> dict[str, Any] | None:
    """Return what `meta.json` of an entry says, or None where the entry is not there or not whole."""
    try:
        meta = json.loads((folder / META).read_bytes())
        is_whole = meta["format"] == FORMAT and all(
            (folder / f"{name}.bin").stat().st_size == array["bytes"] for name, array in meta["arrays"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return meta if is_whole else None


def touch(folder: Path) -> None:
    """Remember that an entry is used now."""
    with contextlib.suppress(OSError):  # a cache that another user filled can be read, and is
        os.utime(folder)


def inner_folder(name: str) -> Path:
    """Make the cache where it is not there, and a folder in it, for this user only; return the latter."""
    cache_dir().mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = cache_dir() / name
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@contextlib.contextmanager
def locked(key: str) -> Iterator[None]:
    """Hold the lock of a key; another process that has it is waited for. A killed process holds nothing."""
    with FileLock(inner_folder(".locks") / f"{key}.lock", mode=0o600):
        yield


def building_folder(name: str, key: str) -> Path:
    """Make an empty folder to build an entry in, beside its place; whoever calls it has the lock of the key."""
    for leftover in cache_dir().glob(f".building-{key}-*"):  # of a process that was killed with the lock
        shutil.rmtree(leftover, ignore_errors=True)
    folder = cache_dir() / f".building-{key}-{name}-{secrets.token_hex(4)}"
    folder.mkdir(mode=0o700)
    return folder


def remove(folder: Path) -> None:
    """Remove an entry; processes that have mapped it keep it, and nobody sees half of it."""
    away = folder.with_name(f".removed-{secrets.token_hex(8)}")
    with contextlib.suppress(FileNotFoundError):  # another process was faster
        folder.rename(away)
    shutil.rmtree(away, ignore_errors=True)


def trim(keep: Path, coming: int = 0) -> None:
    """Remove what killed processes left, and the entries not used for longest until the cache is within its limit.

    Args:
        keep: The entry that stays.
        coming: Bytes of an entry that is being made, for which there has to be room too.
    """
    remove_leftovers()
    there, limit = entries(), limit_bytes()
    total = coming + sum(entry.size for entry in there)
    for entry in there:
        if total <= limit:
            return
        if entry.folder != keep:
            remove(entry.folder)
            total -= entry.size


def remove_leftovers() -> None:
    """Remove what processes that were killed left unfinished; a build that is under way holds its lock."""
    for folder in _folders(cache_dir()):
        if folder.name.startswith(".removed-"):
            shutil.rmtree(folder, ignore_errors=True)
        if folder.name.startswith(".building-"):
            key = folder.name.split("-")[1]
            with (
                contextlib.suppress(Timeout),
                FileLock(cache_dir() / ".locks" / f"{key}.lock", mode=0o600, blocking=False),
            ):
                shutil.rmtree(folder, ignore_errors=True)


def clear() -> list[Entry]:
    """Remove every entry and every remembered digest; return the entries that were there."""
    there = entries()
    for entry in there:
        remove(entry.folder)
    remove_leftovers()
    shutil.rmtree(cache_dir() / ".index", ignore_errors=True)
    return there


def _free_bytes() -> int:
    """Return what is free on the disk of the cache, or of the nearest folder above it that can be looked at."""
    for folder in (cache_dir(), *cache_dir().parents):
        with contextlib.suppress(OSError):  # not there yet, or in a folder that this user may not enter
            return shutil.disk_usage(folder).free
    return 0


def _folders(place: Path) -> list[Path]:
    try:
        return [folder for folder in place.iterdir() if folder.is_dir()]
    except OSError:
        return []
