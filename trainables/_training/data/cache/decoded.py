"""Data decoded once per node into memory-mapped files that all trials share: content-keyed, whole or not there at all.

Place: RAYSWEEPS_CACHE, else raysweeps/decoded below ~/.cache. Limit: RAYSWEEPS_CACHE_GB, 20 by default.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import math
import os
import re
import shutil
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from trainables._training.data.cache import folder as cache_folder
from trainables._training.data.cache.content import content_digest
from trainables._training.durable import fsync, write_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

_log = logging.getLogger(__name__)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Creating(Protocol):
    """Makes the arrays that decoded data is written into."""

    def __call__(self, name: str, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
        """Return a writable array of zeros; the name takes letters, digits and underscores.

        Raises:
            NoRoomError: It is larger than what the cache may hold.
        """


class NoRoomError(OSError):
    """Decoded data is larger than the cache may be, or the disk is full; nothing of it was kept."""

    def __init__(self, message: str) -> None:
        super().__init__(errno.ENOSPC, message)


@dataclass(frozen=True, kw_only=True, eq=False)
class Decoded:
    """What a data set was decoded into."""

    mapped: dict[str, NDArray[Any]]
    """Arrays by name. Each is mapped copy-on-write from a file: its pages are shared by all processes of the node, and
    what one writes nobody else sees. In private memory where the cache cannot be written to."""

    facts: dict[str, Any]
    """JSON values that the decoding returned: names of classes, of columns ..."""

    key: str
    """SHA-256, in hex, of the content, the options and the name."""

    @property
    def arrays(self) -> dict[str, torch.Tensor]:
        """The same memory as tensors; only this needs torch, which costs a trial without networks seconds."""
        import torch

        return {name: torch.from_numpy(array) for name, array in self.mapped.items()}


def content_key(name: str, files: Sequence[Path], options: Mapping[str, Any]) -> str:
    """Return the key of what files contain, decoded with options: the same for a copy of the files elsewhere.

    Raises:
        FileNotFoundError: One of the files is not there.
    """
    text = json.dumps([cache_folder.FORMAT, name, dict(options), digest_of(files)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of(files: Sequence[Path]) -> str:
    """Return the SHA-256, in hex, of names and content of files; the cache remembers it, so it is read once.

    Raises:
        FileNotFoundError: One of the files is not there.
    """
    return content_digest(files, cache_folder.cache_dir() / ".index")


def decoded(
    name: str, files: Sequence[Path], options: Mapping[str, Any], build: Callable[[Creating], dict[str, Any]]
) -> Decoded:
    """Return decoded data, from the cache or built now: once per node, whichever process comes first.

    Args:
        name: Data set: small letters, digits, underscores.
        files: Everything that it is made of.
        options: JSON values that change the result: image size, part, version of the decoding.
        build: Makes its arrays with the function it is given, fills them, and returns the facts.

    Raises:
        NoRoomError: It is larger than the cache may be, or the disk is full.
        FileNotFoundError: One of the files is not there.
        OSError: RAYSWEEPS_CACHE names a place that cannot be written to.
    """
    if not re.fullmatch(r"[a-z0-9_]+", name):
        message = f"decoded: name is {name!r}; it takes small letters, digits and underscores, for example 'mnist'"
        raise ValueError(message)
    key = content_key(name, files, options)
    place = cache_folder.cache_dir() / f"{name}-{key}"
    found = _mapped(place, key)
    with contextlib.ExitStack() as held:
        if found is None:
            try:
                held.enter_context(cache_folder.locked(key))
                found = _mapped(place, key)  # built by the process that had the lock
                work = None if found else held.enter_context(_workplace(name, key))
            except OSError as error:
                _refuse(error)
                return decoded_in_memory(build, key)
            if work is not None:
                _build(place, work, {"name": name, "key": key, "options": dict(options)}, build)
                found = _mapped(place, key)
    if found is None:
        message = f"{place} was removed while it was built; start again"
        raise OSError(message)
    return found


def decoded_in_memory(build: Callable[[Creating], dict[str, Any]], key: str) -> Decoded:
    """Return decoded data in private memory: for a node without a cache, or data that it has no room for."""
    arrays: dict[str, NDArray[Any]] = {}

    def create(name: str, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
        arrays[name] = np.zeros(shape, dtype)
        return arrays[name]

    facts = build(create)
    return Decoded(mapped=arrays, facts=facts, key=key)


def _mapped(place: Path, key: str) -> Decoded | None:
    """Return an entry that is there and whole."""
    meta = cache_folder.read_meta(place)
    if meta is None or meta["key"] != key:
        return None
    try:
        arrays = {name: _array(place / f"{name}.bin", **array) for name, array in meta["arrays"].items()}
    except (OSError, ValueError):  # removed or cut by another process meanwhile
        return None
    cache_folder.touch(place)
    return Decoded(mapped=arrays, facts=meta["facts"], key=key)


def _array(file: Path, *, dtype: str, shape: list[int], bytes: int) -> NDArray[Any]:  # noqa: A002 - a key of meta.json
    if not bytes:  # an empty file cannot be mapped
        return np.empty(shape, dtype)
    # "c" maps copy-on-write: the file is opened for reading only
    return np.asarray(np.memmap(file, dtype=dtype, mode="c", shape=tuple(shape)))


@contextlib.contextmanager
def _workplace(name: str, key: str) -> Iterator[Path]:
    folder = cache_folder.building_folder(name, key)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # gone already when it was renamed


def _build(place: Path, work: Path, meta: dict[str, Any], build: Callable[[Creating], dict[str, Any]]) -> None:
    """Fill a folder, make it durable and rename it to its place."""
    arrays: dict[str, NDArray[Any]] = {}
    limit = cache_folder.limit_bytes()

    def create(name: str, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
        size = math.prod(shape) * np.dtype(dtype).itemsize
        total = size + sum(array.nbytes for array in arrays.values())
        if total > limit:
            message = (
                f"{meta['name']} takes {total / 1e9:.3g} GB decoded, the cache in {cache_folder.cache_dir()} may have "
                f"{limit / 1e9:.3g} GB (RAYSWEEPS_CACHE_GB, and at most half of the disk's free space)"
            )
            raise NoRoomError(message)
        cache_folder.trim(keep=place, coming=total)
        arrays[name] = _file_backed(work / f"{name}.bin", size, shape, dtype)
        return arrays[name]

    try:
        facts = build(create)
        described = {
            name: {"dtype": array.dtype.name, "shape": list(array.shape), "bytes": array.nbytes}
            for name, array in arrays.items()
        }
        text = json.dumps({"format": cache_folder.FORMAT, **meta, "arrays": described, "facts": facts}, indent=1)
        write_file(work / cache_folder.META, text.encode())
        for file in (*work.iterdir(), work):
            fsync(file)
        cache_folder.remove(place)  # one that is not whole
        work.rename(place)
    except OSError as error:
        if isinstance(error, NoRoomError) or error.errno not in _NO_ROOM:
            raise
        message = f"no room for {meta['name']} in {cache_folder.cache_dir()}: {error}"
        raise NoRoomError(message) from error
    fsync(place.parent)
    cache_folder.trim(keep=place)


def _file_backed(file: Path, size: int, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        if not size:
            return np.empty(shape, dtype)
        # The blocks are claimed now: on a disk that gets full later, writing to the mapping would kill the process.
        os.posix_fallocate(descriptor, 0, size)
        return np.memmap(file, dtype=dtype, mode="r+", shape=shape)
    finally:
        os.close(descriptor)


def _refuse(error: OSError) -> None:
    """Raise when there is no room or the place was chosen; else say that memory is used."""
    place = cache_folder.cache_dir()
    if error.errno in _NO_ROOM:
        message = f"no room in {place}: {error}"
        raise NoRoomError(message) from error
    if cache_folder.is_chosen():
        message = (
            f"RAYSWEEPS_CACHE is {place}, which cannot be written to ({error.strerror or error}); it takes a folder "
            "for decoded data that this user may write to; name another one, or leave it out for "
            "~/.cache/raysweeps/decoded"
        )
        raise OSError(error.errno, message) from error
    _warn_once(str(place), error.strerror or str(error))


@cache
def _warn_once(place: str, reason: str) -> None:
    _log.warning(
        "%s cannot be written to (%s): each process decodes its data into memory of its own; name a folder for decoded "
        "data in RAYSWEEPS_CACHE",
        place,
        reason,
    )
