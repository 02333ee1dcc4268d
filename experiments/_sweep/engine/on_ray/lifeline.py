"""Watches, from a thread of its own, whether the Ray cluster that a driver uses is still there.

Where it is not, Ray ends its driver's process by itself after a while, and until then waits inside calls that nothing
interrupts. So the sweep is ended before: in good order where Tune's loop still turns, and otherwise from here.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    Probe = Callable[[], str]
    """Says what of the cluster is gone; nothing while it is there."""

LOOK_S = 1.0
PATIENCE_S = 20.0
"""How long the driver has to end in good order once the cluster is gone; Ray ends its process after 60 s."""


class Lifeline:
    """One driver's hold on its cluster; as a context, it lasts until the Ray session has ended."""

    def __init__(self, lost: Callable[[str], None], at_last: Callable[[str], None]) -> None:
        """Begins without a cluster.

        Args:
            lost: Has the driver end, from another thread; is given why.
            at_last: Ends the process, where the driver did not manage to.
        """
        self._lost = lost
        self._at_last = at_last
        self._watched = threading.Event()
        """Set once nobody need watch the cluster any more."""
        self._over = threading.Event()
        """Set once the Ray session has ended."""

    def __enter__(self) -> Self:
        """The Ray session is about to begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """The Ray session has ended."""
        self._over.set()

    @contextlib.contextmanager
    def watching(self, probe: Probe) -> Iterator[None]:
        """Watches the cluster for as long as the context lasts."""
        threading.Thread(target=self._watch, args=(probe,), name="lifeline", daemon=True).start()
        try:
            yield
        finally:
            self._watched.set()

    def _watch(self, probe: Probe) -> None:
        while not self._watched.wait(LOOK_S):
            gone = probe()
            if gone and not self._watched.is_set():
                try:
                    self._lost(gone)
                finally:
                    if not self._over.wait(PATIENCE_S):
                        self._at_last(gone)
                return
