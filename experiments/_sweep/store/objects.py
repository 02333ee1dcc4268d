"""Objects below one address of an S3 store: read, written whole, created where none is, listed and removed."""

from __future__ import annotations

import contextlib
import errno
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments._sweep.store import patience
from experiments._sweep.store.client import client
from experiments._sweep.store.patience import patiently

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PART_BYTES = 50 * 2**20
"""An object of twice as much or more is sent in such parts."""
_REMOVED_AT_ONCE = 1000
"""The most keys that S3 takes in one call."""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """What a listing says of an object."""

    key: str
    size: int
    """Bytes."""
    digest: str
    """The store's name for its content (its ETag); for a small object that is not encrypted, its MD5."""
    modified: float
    """When it was written, by the store's clock, in seconds."""


class Objects:
    """The objects below `s3://bucket/prefix`; keys are relative to it, with slashes.

    Every call is tried again, with longer and longer pauses, while the store is throttled or does not answer. The
    errors are `OSError`s whose `filename` is the object's address. It can be sent to other processes and used by
    several threads at a time.
    """

    def __init__(self, url: str, *, patience_s: float | Callable[[], float] | None = None) -> None:
        """`patience_s`: for how long a call is tried again, asked before each try; None: as long as a sweep waits."""
        self.url = url.rstrip("/")
        self.patience_s = patience_s
        self._bucket, _, self._prefix = self.url.partition("://")[2].partition("/")

    def __repr__(self) -> str:
        return f"Objects({self.url!r})"

    def at(self, below: str) -> Objects:
        """The objects below a key of these."""
        return Objects(f"{self.url}/{below}", patience_s=self.patience_s)

    def put(self, key: str, content: bytes) -> None:
        """Writes an object, whole or not at all; large ones in parts that become one at the end."""
        self._call(key, lambda store, path: store.pipe_file(path, content, chunksize=PART_BYTES))

    def create(self, key: str, content: bytes) -> bool:
        """Writes an object that is not there yet; False where it is there with another content.

        A try whose answer was lost may have written it: what is there with the same content counts as this call's.
        """
        try:
            self._call(key, lambda store, path: store.pipe_file(path, content, mode="create"))
        except FileExistsError:
            return self.get(key) == content
        return True

    def get(self, key: str) -> bytes:
        """The content of an object.

        Raises:
            FileNotFoundError: There is none.
        """
        found: bytes = self._call(key, lambda store, path: store.cat_file(path, max_concurrency=1))
        return found

    def keys(self, prefix: str = "") -> list[str]:
        """All keys that begin with `prefix`, in order."""
        return [each.key for each in self.listed(prefix)]

    def listed(self, prefix: str = "") -> list[Listed]:
        """All objects whose keys begin with `prefix`, in the order of their keys."""
        start = len(self._path("")) - len(self._bucket) - 1
        found = [
            Listed(
                key=each["Key"][start:],
                size=each["Size"],
                digest=each["ETag"].strip('"'),
                modified=each["LastModified"].timestamp(),
            )
            for page in self._pages(prefix, Delimiter="")
            for each in page.get("Contents", ())
        ]
        return sorted(found, key=lambda each: each.key)

    def folders(self, prefix: str = "") -> list[str]:
        """The names one level below `prefix` that have objects below them, in order."""
        within = f"{prefix.rstrip('/')}/" if prefix else ""
        pages = self._pages(within, Delimiter="/")
        found = (each["Prefix"] for page in pages for each in page.get("CommonPrefixes", ()))
        return sorted(each.rstrip("/").rpartition("/")[2] for each in found)

    def has(self, prefix: str) -> bool:
        """Whether there is an object whose key begins with `prefix`."""
        named = _named(self._path(prefix))
        told = self._ask("list_objects_v2", prefix, Bucket=named["Bucket"], Prefix=named["Key"], MaxKeys=1)
        return bool(told.get("Contents"))

    def remove(self, keys: Sequence[str]) -> None:
        """Removes objects; those that are not there are no fault."""
        for start in range(0, len(keys), _REMOVED_AT_ONCE):
            several = keys[start : start + _REMOVED_AT_ONCE]
            named = {"Objects": [{"Key": _named(self._path(key))["Key"]} for key in several], "Quiet": True}
            answer = self._ask("delete_objects", several[0], Bucket=self._bucket, Delete=named)
            for fault in answer.get("Errors", ())[:1]:
                said = f"{fault.get('Message')} ({fault.get('Code')})"
                raise OSError(errno.EIO, said, f"s3://{self._bucket}/{fault.get('Key')}")

    def modified(self, key: str) -> float | None:
        """When an object was written, by the store's clock, in seconds; None where there is none."""
        told = self._head(key)
        return None if told is None else float(told["LastModified"].timestamp())

    def age_s(self, key: str) -> float | None:
        """How long ago an object was written, by the store's clock alone; None where there is none, or no clock."""
        from email.utils import parsedate_to_datetime

        told = self._head(key)
        now = None if told is None else told["ResponseMetadata"]["HTTPHeaders"].get("date")
        if told is None or now is None:
            return None
        return float((parsedate_to_datetime(now) - told["LastModified"]).total_seconds())

    def _head(self, key: str) -> dict[str, Any] | None:
        with contextlib.suppress(FileNotFoundError):
            told: dict[str, Any] = self._ask("head_object", key, **_named(self._path(key)))
            return told
        return None

    def _pages(self, prefix: str, **more: Any) -> Iterator[dict[str, Any]]:
        named = _named(self._path(prefix))
        asked = {"Bucket": named["Bucket"], "Prefix": named["Key"], **more}
        while True:
            page = self._ask("list_objects_v2", prefix, **asked)
            yield page
            if not page.get("IsTruncated"):
                return
            asked = {**asked, "ContinuationToken": page["NextContinuationToken"]}

    def _path(self, key: str) -> str:
        """`bucket/prefix/key`."""
        return "/".join([self._bucket, *([self._prefix] if self._prefix else []), key])

    def _ask(self, operation: str, key: str, **arguments: Any) -> Any:
        return self._call(key, lambda store, _: store.call_s3(operation, **arguments))

    def _call(self, key: str, call: Callable[[Any, str], Any]) -> Any:
        path = self._path(key)
        return patiently(lambda: call(client(), path), f"s3://{path}", patience_s=self._patience)

    def _patience(self) -> float:
        if self.patience_s is None:
            return patience.PATIENCE_S
        return self.patience_s() if callable(self.patience_s) else self.patience_s


def _named(path: str) -> dict[str, str]:
    bucket, _, key = path.partition("/")
    return {"Bucket": bucket, "Key": key}
