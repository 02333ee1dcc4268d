"""Where things lie in a sweep's folder, and how the ledger's file is read and written.

ledger.jsonl        everything that is remembered
lease.json          which driver writes it
trials/0017/        checkpoints of trial 17
tensorboard/0017/   its curves, made from the ledger
ray/                Ray's own files (checkpoints that plain Ray functions report)
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from experiments._sweep.ledger.lines import DamagedLineError, NewerFormatError, TornLineError, decode, encode
from experiments._sweep.ledger.records import Entry, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

LEDGER = "ledger.jsonl"
TRIALS = "trials"
RAY = "ray"
TAKEN = "another driver has written to it, this one stops"
_LOCK_S = 5.0
"""How long another writer is waited for: one that was halted in mid-write must not hold up its successor."""


class LedgerError(Exception):
    """The ledger cannot be read; the message names the file, the line and what to do."""


def trial_folder(sweep: Path, trial: int) -> Path:
    """The folder of a trial's checkpoints."""
    return sweep / TRIALS / f"{trial:04d}"


LONGEST_NAME = 255
"""Bytes of a name in a folder, at most."""


def reported_folder(sweep: Path, checkpoint: str) -> Path | None:
    """Where a checkpoint lies that a plain Ray function reported; None where the ledger names another place, or none.

    What a folder cannot be called is no place: asking the system for it would be an error.
    """
    parts = PurePosixPath(checkpoint).parts
    nameable = all(len(part.encode("utf-8", "replace")) <= LONGEST_NAME for part in parts) and "\0" not in checkpoint
    return sweep.joinpath(*parts) if parts[:1] == (RAY,) and ".." not in parts and nameable else None


def refuse_emptied(folder: Path) -> None:
    """Lets pass where no trial has ever been begun in a sweep's folder, whose ledger is empty.

    Raises:
        LedgerError: Trials were trained there, so that the ledger was lost.
    """
    if (folder / TRIALS).exists():
        raise LedgerError(
            f"{folder / LEDGER} is empty, but there are trials in {folder / TRIALS}: the ledger was lost. Restore it "
            f"from a copy, or remove {folder} and begin anew."
        )


def is_sweep(folder: Path) -> bool:
    """Whether the folder holds a ledger that can be seen."""
    try:
        return (folder / LEDGER).is_file()
    except OSError:  # a name that is too long, a folder that may not be entered
        return False


def read(path: Path) -> list[Entry]:
    """All whole lines of the ledger at `path`; a torn last line is left out. Changes nothing.

    Raises:
        LedgerError: If the file cannot be read, a line before the last one is damaged, or the format is newer.
    """
    return [entry for entry, _ in _entries(path, _bytes(path))]


def read_on(path: Path, counter: int, known: bytes, end: int) -> Iterator[tuple[Entry, bytes]] | None:
    """The whole lines that follow on `counter` known ones, which end at byte `end`, the last of them being `known`.

    Each comes with its bytes. A torn last line is left out: it may be in the middle of being written. None where the
    known lines are not there any more: the file is another one.

    Raises:
        LedgerError: As `read` does.
    """
    try:
        with path.open("rb") as file:
            file.seek(end - len(known))
            content = file.read()
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read ({error.strerror}). Is this a sweep's folder?") from error
    if not content.startswith(known):
        return None
    return _with_bytes(path, content[len(known) :], counter)


def _with_bytes(path: Path, content: bytes, first: int) -> Iterator[tuple[Entry, bytes]]:
    begin = 0
    for entry, end in _entries(path, content, first):
        yield entry, content[begin:end]
        begin = end


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read ({error.strerror}). Is this a sweep's folder?") from error


def _entries(path: Path, content: bytes, first: int = 0) -> Iterator[tuple[Entry, int]]:
    """The whole entries in `content`, which begins with line `first`, each with the offset at which its line ends."""
    end = 0
    lines = content.split(b"\n")
    whole, rest = lines[:-1], lines[-1]
    for number, line in enumerate(whole, start=first):
        try:
            entry = decode(line)
            if entry.n != number:
                raise DamagedLineError(f"its counter is {entry.n}, not {number}")
        except NewerFormatError as error:
            raise LedgerError(f"{path}: {error}. Update raysweeps.") from error
        except DamagedLineError as error:
            if isinstance(error, TornLineError) and number == first + len(whole) - 1 and not rest:
                return  # torn within its last bytes, as a lost machine may leave it
            raise LedgerError(
                f"{path}, line {number + 1}: {error}. The ledger was changed or the disk is damaged: restore the file "
                f"from a copy, or keep the {number} lines before it (head -n {number}) and resume."
            ) from error
        end += len(line) + 1
        yield entry, end


class LedgerWriter:
    """Appends records durably; only the holder of the lease has one."""

    def __init__(self, path: Path) -> None:
        """Opens `path`, cutting a torn last line off; creates it with private modes where it is not there."""
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            with alone_with(self._file):
                found = list(_entries(path, _bytes(path)))
                self.entries = [entry for entry, _ in found]
                self._end = found[-1][1] if found else 0
                self.torn_bytes = os.fstat(self._file).st_size - self._end
                if self.torn_bytes:
                    os.ftruncate(self._file, self._end)
                os.fsync(self._file)
        except BaseException:
            os.close(self._file)
            raise
        sync_folder(path.parent)
        self.counter = len(self.entries)
        self._torn = False
        """Whether bytes of a failed write may stand behind the last line."""

    @property
    def overtaken(self) -> bool:
        """Whether another driver has written: this one's lease was taken, or it slept until that was stale."""
        return not self._torn and os.fstat(self._file).st_size != self._end

    @property
    def durable(self) -> int:
        """How many records nothing can take away any more."""
        return self.counter

    def append(self, records: Sequence[Record]) -> list[Entry]:
        """Writes the records as one group, durable when this returns.

        Raises:
            OSError: If the disk is full or gone, or another driver has written; the file is then as it was before.
        """
        entries = [Entry(self.counter + i, record) for i, record in enumerate(records)]
        content = b"".join(encode(entry.n, entry.record) for entry in entries)
        with alone_with(self._file):
            if self._torn:
                self._cut()
            if self.overtaken:
                raise OSError(errno.ESTALE, TAKEN, str(self._path))
            self._torn = True
            try:
                written = 0
                while written < len(content):
                    written += os.pwrite(self._file, content[written:], self._end + written)
                os.fdatasync(self._file)
            except OSError:
                self._cut()
                raise
            self._torn = False
        self._end += len(content)
        self.counter += len(entries)
        return entries

    def _cut(self) -> None:
        os.ftruncate(self._file, self._end)
        self._torn = False

    def close(self) -> None:
        """Closes the file."""
        os.close(self._file)


@contextlib.contextmanager
def alone_with(file: int) -> Iterator[None]:
    """Keeps others that lock the same open file or folder out, as far as the storage has locks."""
    until = time.monotonic() + _LOCK_S
    with contextlib.suppress(OSError):  # storage without locks: then the file's size tells, but for an instant
        while not _locked(file) and time.monotonic() < until:
            time.sleep(0.01)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_UN)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sync_folder(folder: Path) -> None:
    """Makes the names in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
