"""The ledger of a sweep in a store, to append to: written here at once, and in the store in time.

A record that must not be lost is in the store when `append` returns: what a trial's process or another machine acts
on. What only an epoch less would cost follows within `LATEST_S`, from a thread, so that training does not wait for it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from typing import TYPE_CHECKING

from experiments._sweep.ledger.files import LEDGER, TAKEN, LedgerWriter
from experiments._sweep.ledger.records import EpochReported, SegmentInterrupted, SegmentStarted
from experiments._sweep.store.copies import fetched
from experiments._sweep.store.objects import Objects
from experiments._sweep.store.patience import BRIEF_S, patience_s
from experiments._sweep.store.places import url_of
from experiments._sweep.store.segments import key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from experiments._sweep.ledger.records import Entry, Record

LATEST_S = 5.0
"""How old a record is at most that is not in the store, while that answers."""
_SENT_S = 4.0
"""How old it is when it is sent, so that it is there in time."""
_LOOK_S = 0.25
OTHERS_S = 5.0
"""How often a driver that writes nothing looks whether another one has written."""


def ledger_of(sweep: Path, hurried: Callable[[], bool] = lambda: False) -> LedgerWriter:
    """The ledger of the sweep in a folder, to append to; only the holder of the lease may have it.

    Args:
        sweep: The sweep's folder.
        hurried: Whether somebody waits for the driver to end, so that a store that does not answer is given up soon.

    Raises:
        LedgerError: If it cannot be read.
        OSError: If the store does not answer.
    """
    url = url_of(sweep)
    return LedgerWriter(sweep / LEDGER) if url is None else StoreLedger(sweep, url, hurried)


def may_wait(record: Record) -> bool:
    """Whether all that is lost with a record is an epoch that is trained once more."""
    if isinstance(record, EpochReported):
        return record.ending is None
    return isinstance(record, (SegmentStarted, SegmentInterrupted))


class StoreLedger(LedgerWriter):
    """Appends records durably, in a working copy and in the store."""

    def __init__(self, sweep: Path, url: str, hurried: Callable[[], bool]) -> None:
        """Brings the working copy's ledger up to date, and opens it."""
        self._there = Objects(url, patience_s=BRIEF_S)
        self._number, self._sent = fetched(sweep, self._there)
        super().__init__(sweep / LEDGER)
        self._there.patience_s = lambda: patience_s(hurried=hurried())
        self._durable = 0
        self._failed: OSError | None = None
        """Why nothing is written any more: the store may have a segment of which this driver does not know."""
        self._taken = False
        self._since: float | None = None
        """Since when a record has waited to be sent."""
        self._looked = time.monotonic()
        self._sending = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._send_in_time, name="ledger", daemon=True)
        self._thread.start()

    @property
    def overtaken(self) -> bool:
        """Whether another driver has written, here or in the store."""
        return self._taken or super().overtaken

    @property
    def durable(self) -> int:
        """How many records are in the store."""
        return self._durable

    def append(self, records: Sequence[Record]) -> list[Entry]:
        """Writes the records as one group, durable when this returns; those that may wait, on this machine only.

        Raises:
            OSError: If a disk is full or gone, the store does not answer, or another driver has written. Nothing is
                written after that.
        """
        self._refuse()
        entries = super().append(records)
        if all(map(may_wait, records)):
            self._since = self._since or time.monotonic()
        else:
            self._send()
        return entries

    def close(self) -> None:
        """Sends what is left, and closes the file.

        Raises:
            OSError: If the store does not take it, and nobody was told so yet.
        """
        try:
            if self._failed is None:
                self._send()
        finally:
            self._done.set()
            self._thread.join(LATEST_S)
            if not self._thread.is_alive():
                super().close()

    def _refuse(self) -> None:
        if self._failed is not None:
            raise OSError(self._failed.errno, self._failed.strerror, self._failed.filename) from self._failed

    def _send(self) -> None:
        """Makes a segment of what is not in the store."""
        with self._sending:
            self._refuse()
            since, self._since = self._since, None
            counter, end = self.counter, self._end  # in this order: the end may be ahead, never behind
            if end == self._sent:
                return
            try:
                content = os.pread(self._file, end - self._sent, self._sent)
                made = self._there.create(key_of(self._number), content)
            except OSError as error:
                self._since = since or time.monotonic()
                self._fail(error.errno or errno.EIO, f"{error.strerror or error}; {self._left()}")
                raise self._failure() from error
            if not made:
                self._taken = True
                self._fail(errno.ESTALE, TAKEN)
                raise self._failure()
            self._sent, self._durable, self._number = end, counter, self._number + 1
            self._looked = time.monotonic()

    def _left(self) -> str:
        return f"what it does not have is in {self._path}, and resuming on this machine sends it"

    def _fail(self, number: int, said: str) -> None:
        self._failed = OSError(number, said, f"{self._there.url}/{key_of(self._number)}")

    def _failure(self) -> OSError:
        assert self._failed is not None  # noqa: S101 - says so
        return self._failed

    def _send_in_time(self) -> None:
        while not self._done.wait(_LOOK_S) and self._failed is None:
            now = time.monotonic()
            with contextlib.suppress(OSError):  # the next record is refused with it; a look may succeed later
                if self._since is not None and now - self._since >= _SENT_S:
                    self._send()
                elif now - self._looked >= OTHERS_S:
                    self._look_for_others()

    def _look_for_others(self) -> None:
        """A driver that was taken over stops soon, also where it has nothing to write."""
        self._looked, number = time.monotonic(), self._number
        if Objects(self._there.url, patience_s=OTHERS_S).modified(key_of(number)) is None:
            return
        with self._sending:
            if self._number == number:  # else it was this driver that wrote it meanwhile
                self._taken = True
                self._fail(errno.ESTALE, TAKEN)
