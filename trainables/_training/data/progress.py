"""Says on standard error how far something long has come: a line every few seconds, nothing when it is quick."""

from __future__ import annotations

import sys
import threading
import time

_EVERY_S = 3.0


class Progress:
    """Counts rows or files that are done, from several threads."""

    def __init__(self, what: str, total: int) -> None:
        """Begin to count.

        Args:
            what: What is done with what, for example "decoding images of cifar10".
            total: How many there are.
        """
        self._what, self._total, self._done = what, total, 0
        self._next_line = time.monotonic() + _EVERY_S
        self._lock = threading.Lock()

    def advance(self, count: int = 1) -> None:
        """Count some as done; write a line when the last one is a few seconds old."""
        with self._lock:
            self._done += count
            if time.monotonic() >= self._next_line:
                self._next_line = time.monotonic() + _EVERY_S
                sys.stderr.write(f"{self._what}: {self._done:,} of {self._total:,}\n")
                sys.stderr.flush()
