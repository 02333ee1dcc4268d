"""The driver's hand on the ledger: what is written is folded at once and told to those who watch."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import TYPE_CHECKING, Protocol

from experiments._sweep.ledger.history import History
from experiments._sweep.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments._sweep.ledger.files import LedgerWriter
    from experiments._sweep.ledger.records import Entry, Record

logger = logging.getLogger("raysweeps")


class Observer(Protocol):
    """Watches a sweep: a display, TensorBoard. It may fail without harm to the sweep."""

    def saw(self, entry: Entry, history: History) -> None:
        """A record was written."""
        ...

    def noted(self, text: str, history: History) -> None:
        """Something is worth saying that is no record."""
        ...

    def tick(self, history: History) -> None:
        """Called about ten times a second while the sweep runs."""
        ...

    def close(self, history: History) -> None:
        """The driver ends."""
        ...


class Journal:
    """Writes records, without secrets, and keeps the history."""

    def __init__(self, writer: LedgerWriter, observers: Sequence[Observer], redactor: Redactor | None = None) -> None:
        self._writer = writer
        self._redactor = redactor or Redactor()
        self._observers = list(observers)
        self.found = tuple(writer.entries)
        """What the ledger said before this driver wrote."""
        self.alone = threading.RLock()
        """Held while a record is written and folded: more threads than one may end a sweep."""
        self.history = History(writer.entries)
        self._started = time.monotonic()

    @property
    def counter(self) -> int:
        """The counter of the next record."""
        return self._writer.counter

    @property
    def t(self) -> float:
        """Seconds since this driver started."""
        return round(time.monotonic() - self._started, 3)

    @property
    def durable(self) -> int:
        """How many records nothing can take away any more; in an object store some may be on their way."""
        return self._writer.durable

    @property
    def overtaken(self) -> bool:
        """Whether another driver has written to the ledger: this one can write no more."""
        with self.alone, contextlib.suppress(OSError):  # storage that is gone: the next write says so
            return self._writer.overtaken
        return False

    def write(self, *records: Record) -> None:
        """Writes the records durably, then folds and shows them.

        Raises:
            OSError: If the disk is full or gone; nothing was written then.
        """
        with self.alone:
            for entry in self._writer.append([*map(self._redactor.record, records)]):
                self.history.apply(entry)
                self._each(lambda observer, entry=entry: observer.saw(entry, self.history))

    def watch(self, observer: Observer) -> None:
        """Lets another one watch from now on."""
        self._observers.append(observer)

    def note(self, text: str) -> None:
        """Has something said that is no record."""
        text = self.without_secrets(text)
        self._each(lambda observer: observer.noted(text, self.history))

    def without_secrets(self, text: str) -> str:
        """The text as a record may have it."""
        return self._redactor.text(text)

    def tick(self) -> None:
        """Lets the observers refresh."""
        self._each(lambda observer: observer.tick(self.history))

    def close(self) -> None:
        """Lets the observers finish and closes the ledger."""
        self._each(lambda observer: observer.close(self.history))
        self._writer.close()

    def _each(self, call: object) -> None:
        for observer in list(self._observers):
            try:
                call(observer)  # type: ignore[operator]
            except Exception as error:  # noqa: BLE001 - a view that fails must not harm the sweep
                self._observers.remove(observer)
                logger.warning("%s stopped working and is left out: %r", type(observer).__name__, error)
