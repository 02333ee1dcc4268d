"""Which address of an object store a folder on this machine stands for, and the other way round.

Everything that works on a sweep works on a folder. A sweep in an object store has one here, its *working copy*, laid
out as a sweep's folder is: private to its user, and made anew from the store where it is gone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from experiments._sweep.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEME = "s3://"
MARKER = "store.json"
"""Names the store, in the folder that stands for a storage address."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""What a sweep may be called."""
_CUT = re.compile(r"s3:(?!//)", re.IGNORECASE)
_OTHERS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PART = re.compile(r"[^/\\\x00-\x1f]{1,255}")


def is_url(text: str) -> bool:
    """Whether the text is an address in an object store, and no folder.

    Raises:
        InputError: If it is an address of another kind.
    """
    if text.lower().startswith(SCHEME):
        return True
    if _CUT.match(text):
        raise InputError(f"{text} is no address, for it lacks slashes. Did you mean {SCHEME}{text[3:].lstrip('/')}?")
    if _OTHERS.match(text):
        raise InputError(f"{text} is no storage that sweeps can lie in. Give a folder, or s3://BUCKET/PREFIX.")
    return False


def storage_faults(text: str) -> list[str]:
    """Why sweeps cannot lie in a storage, as far as its name tells."""
    try:
        if is_url(text):
            checked(text)
    except InputError as error:
        return list(error.faults)
    return []


def checked(url: str) -> str:
    """The address as it is written everywhere: without slashes that say nothing.

    Raises:
        InputError: If it names no bucket, or a place that no folder can stand for.
    """
    parts = [part for part in url[len(SCHEME) :].split("/") if part]
    if not parts or url[len(SCHEME) :].startswith("/"):
        raise InputError(f"{url} names no bucket. Give s3://BUCKET/PREFIX.")
    for part in parts:
        if not _PART.fullmatch(part) or part in (".", ".."):
            raise InputError(f"{url} cannot be used: {part!r} in it is no plain name. Give s3://BUCKET/PREFIX.")
    return SCHEME + "/".join(parts)


def copies_root(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder of all working copies: RAYSWEEPS_STORES, or one below the user's cache folder."""
    told = environment.get("RAYSWEEPS_STORES")
    if told:
        return Path(told).expanduser().absolute()
    cache = environment.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "raysweeps" / "stores"


def storage_folder(text: str) -> Path:
    """The folder that a storage stands for: itself, or that of the working copies of an address.

    Raises:
        InputError: If it is an address that cannot be used.
    """
    return copies_of(text) if is_url(text) else Path(text).expanduser()


def copies_of(url: str) -> Path:
    """The folder of the working copies of the sweeps at a storage address; made where it is not there.

    Raises:
        InputError: If the address cannot be used, or the folder cannot be made.
    """
    url = checked(url)
    # The same bucket may be another one for another server.
    server = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    folder = copies_root() / hashlib.sha256(f"{server} {url}".encode()).hexdigest()[:16]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _marked(folder) is None:
            beside = folder / f"{MARKER}.{os.getpid()}"
            beside.write_text(json.dumps({"url": url}))
            beside.replace(folder / MARKER)
    except OSError as error:
        raise InputError(
            f"the copies of sweeps in {url} cannot be kept in {folder} ({error.strerror}). Let RAYSWEEPS_STORES name "
            "a folder of your own."
        ) from error
    return folder


def url_of(folder: Path) -> str | None:
    """The address that a folder is the working copy of; None for a folder that stands for itself."""
    try:
        parts = folder.resolve().relative_to(copies_root().resolve()).parts
    except ValueError:
        return None
    url = _marked(copies_root() / parts[0]) if parts else None
    return None if url is None else "/".join([url, *parts[1:]])


def place_of(folder: Path) -> str:
    """Where a sweep lies, for people: its address, or its folder."""
    return url_of(folder) or str(folder)


def _marked(folder: Path) -> str | None:
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):  # no marker, or one of another make
        return str(json.loads((folder / MARKER).read_text())["url"])
    return None
