"""The ledger of a sweep in a store, followed by who does not write it: brought here when it has grown."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from experiments._sweep.ledger import lease as plain
from experiments._sweep.store.copies import brought
from experiments._sweep.store.objects import Objects
from experiments._sweep.store.patience import BRIEF_S
from experiments._sweep.store.places import url_of
from experiments._sweep.store.refusals import asking
from experiments._sweep.store.segments import key_of, stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOOK_S = 2.0
"""How often the store is asked; a driver sends what it has at least every five seconds."""


class Growth:
    """Keeps the working copy of a sweep up to date; for a sweep in a folder there is nothing to do."""

    def __init__(self, sweep: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Looks after the sweep in a folder; asks nobody yet."""
        self._sweep, self._url, self._clock = sweep, url_of(sweep), clock
        self._looked: float | None = None
        self._segments: int | None = None
        """How many of the store's segments the working copy has."""

    def bring(self) -> None:
        """Brings what the store has more, where it is time to ask.

        Raises:
            LedgerError: If the store's ledger is not whole.
            InputError: If the store cannot be asked.
        """
        if self._url is None or (self._looked is not None and self._clock() - self._looked < LOOK_S):
            return
        self._looked = self._clock()
        if plain.holder_of(self._sweep) is not None:
            return  # its driver writes the working copy itself
        with asking(self._url):
            there = Objects(self._url, patience_s=BRIEF_S)
            if self._segments is None:
                found = len(stored(there))
            else:
                found = self._segments
                while there.modified(key_of(found)) is not None:
                    found += 1
        if found != self._segments:
            brought(self._sweep)
            self._segments = found
