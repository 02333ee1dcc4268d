"""What a sweep does to its folder, counted call by call, and processes that die or fail at a chosen one of them.

Nothing in the package knows of it: the functions of `os` are replaced, in a child that is forked for each case.
"""

import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CALLS = (
    *("open", "write", "pwrite", "fsync", "fdatasync", "ftruncate"),
    *("rename", "replace", "link", "mkdir", "rmdir", "unlink"),
)
WRITES = ("write", "pwrite")
MOMENTS = ("before", "within")
"""After a call is before the next one."""


class Calls:
    """Replaces the functions of `os` and counts those of their calls that touch a folder."""

    def __init__(self, folder: Path, at: Callable[[int, str], str | None]) -> None:
        """`at` says, by number and name, at which moment of a call the process dies; None: it does not."""
        self.count = 0
        self._folder, self._at = f"{folder}/", at

    @contextmanager
    def counted(self) -> Iterator["Calls"]:
        """Counts for as long as the context lasts."""
        real = {name: getattr(os, name) for name in CALLS}
        for name, function in real.items():
            setattr(os, name, self._watched(name, function))
        try:
            yield self
        finally:
            for name, function in real.items():
                setattr(os, name, function)

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if not self._touches(args[0], options.get("dir_fd", options.get("src_dir_fd"))):
                return real(*args, **options)
            self.count += 1
            moment = self._at(self.count, name)
            if moment == "within" and name in WRITES:
                real(args[0], args[1][: len(args[1]) // 2], *args[2:])
            if moment in ("before", "within"):
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **options)

        return call

    def _touches(self, place: Any, folder: int | None) -> bool:
        if isinstance(place, int):
            return f"{_path_of(place)}/".startswith(self._folder)
        base = _path_of(folder) if folder is not None else str(Path.cwd())
        return f"{Path(base, os.fspath(place))}/".startswith(self._folder)


def _path_of(descriptor: int) -> str:
    try:
        return str(Path(f"/proc/self/fd/{descriptor}").readlink())
    except OSError:
        return ""


class Disk:
    """A disk that is full after so many bytes, or fails otherwise, for what lies in a folder."""

    def __init__(self, folder: Path, room: int, *, code: int = errno.ENOSPC) -> None:
        self._folder, self.room, self.code = f"{folder}/", room, code
        self.written = 0
        """Bytes that were asked for."""

    @contextmanager
    def there(self) -> Iterator["Disk"]:
        """Replaces the two functions that write, for as long as the context lasts."""
        real = {name: getattr(os, name) for name in WRITES}
        for name, function in real.items():
            setattr(os, name, self._limited(function))
        try:
            yield self
        finally:
            for name, function in real.items():
                setattr(os, name, function)

    def _limited(self, real: Callable[..., int]) -> Callable[..., int]:
        def write(file: int, content: Any, *more: Any) -> int:
            path = _path_of(file)
            if not path.startswith(self._folder):
                return real(file, content, *more)
            left = self.room - self.written
            self.written += len(content)
            if left >= len(content):
                return real(file, content, *more)
            self.written = self.room
            if left > 0:
                return real(file, content[:left], *more)  # a short write, as an almost full disk gives
            raise OSError(self.code, os.strerror(self.code), path)

        return write


def in_child(work: Callable[[], int]) -> int:
    """The exit code of a forked process that does the work; negative where a signal ended it."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 70
    try:
        code = work()
    finally:
        os._exit(code)
