"""An output that holds up nobody: a terminal that stands still, a pipe that is not read, must not stop a sweep."""

from __future__ import annotations

import threading
import time
from queue import Queue
from typing import IO

DRAIN_S = 10.0
"""How long it is waited for when nothing more is to come."""


class Unhurried:
    """A file for text that takes all at once; a thread of its own writes it on, in its order."""

    def __init__(self, file: IO[str]) -> None:
        """Writes on to `file`."""
        self.encoding = getattr(file, "encoding", None) or "utf-8"
        self._file = file
        self._texts: Queue[str | None] = Queue()
        self._fault: Exception | None = None
        self._drained = False
        self._thread = threading.Thread(target=self._write, name="output", daemon=True)
        self._thread.start()

    @property
    def behind(self) -> bool:
        """Whether there is something that is not written yet."""
        return not self._drained and self._texts.unfinished_tasks > 0

    def write(self, text: str) -> int:
        """Takes a text.

        Raises:
            OSError: What was taken before could not be written.
        """
        if self._fault is not None:
            raise self._fault
        if not self._drained:
            self._texts.put(text)
            return len(text)
        self._file.write(text)
        self._file.flush()
        return len(text)

    def flush(self) -> None:
        """Nothing: what is taken is written as soon as it can be."""

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._file.isatty()

    def drain(self) -> None:
        """Waits until all is written, for some seconds at most; from then on it is like any other file."""
        until = time.monotonic() + DRAIN_S
        while self.behind and time.monotonic() < until:
            time.sleep(0.002)
        if not (self.behind or self._drained):
            self._drained = True
            self._texts.put(None)

    def _write(self) -> None:
        while (text := self._texts.get()) is not None:
            try:
                if self._fault is None:
                    self._file.write(text)
                    self._file.flush()
            except Exception as error:  # noqa: BLE001 - raised where more is written
                self._fault = error
            self._texts.task_done()
