"""The lease of a sweep in a store: an object with a counter beside the lease in the working copy.

It tells people early that a driver is at work, and whose. What keeps two drivers from writing is not the lease but the
ledger's segments, each of which is created once. Its age is what the store says when it is asked: no clock of a
driver's machine matters.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from experiments._sweep.ledger import lease as plain
from experiments._sweep.ledger.lease import BEAT_S, LEASE, Holder, Lease, SweepInUseError, in_use, living, taken_over
from experiments._sweep.store.objects import Objects
from experiments._sweep.store.patience import BRIEF_S
from experiments._sweep.store.places import place_of, url_of
from experiments._sweep.store.refusals import asking

if TYPE_CHECKING:
    from pathlib import Path


def lease_of(sweep: Path) -> Lease:
    """A lease on the sweep in a folder, not yet taken."""
    url = url_of(sweep)
    return Lease(sweep) if url is None else StoreLease(sweep, url)


def holder_of(sweep: Path) -> Holder | None:
    """Who holds the sweep, here or in the store; None when nobody does or the lease is stale.

    Raises:
        InputError: If the store cannot be asked.
    """
    held, url = plain.holder_of(sweep), url_of(sweep)
    if held is not None or url is None:
        return held
    with asking(url):
        there = Objects(url, patience_s=BRIEF_S)
        content = _said(there)
        return None if content is None else living(content, lambda: there.age_s(LEASE) or 0.0)


def refuse_if_held(sweep: Path) -> None:
    """Lets pass where nobody holds the sweep.

    Raises:
        SweepInUseError: Naming who does.
        InputError: If the store cannot be asked.
    """
    held = holder_of(sweep)
    if held is not None:
        raise in_use(place_of(sweep), held)


def last_holders_host(sweep: Path) -> list[str]:
    """The host of the newest lease, stale or not: a driver may be killed before its line in the ledger is whole."""
    url = url_of(sweep)
    if url is None:
        return plain.last_holders_host(sweep)
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        return [str(json.loads(_said(Objects(url, patience_s=BRIEF_S)) or b"")["host"])]
    return []


def _said(sweep: Objects) -> bytes | None:
    with contextlib.suppress(FileNotFoundError):
        return sweep.get(LEASE)
    return None


class StoreLease(Lease):
    """Holds a sweep in a store, and its working copy, from `take` to `release`."""

    def __init__(self, sweep: Path, url: str) -> None:
        """A lease on the sweep at `url`, whose working copy is `sweep`; not yet taken."""
        super().__init__(sweep, url)
        self._there = Objects(url, patience_s=BRIEF_S)
        self._beats = 0
        self._kept = False

    def take(self, *, over: bool = False) -> str:
        """Takes the lease here and there, and keeps it; says from whom, where one was left.

        Raises:
            SweepInUseError: If a living driver holds it.
            OSError: If the store cannot be asked.
        """
        left_here = super().take(over=over)
        try:
            left = self._take_there(over=over)
        except BaseException:
            super().release()
            raise
        self._there.patience_s = BEAT_S
        self._kept = True
        return left or left_here

    def _take_there(self, *, over: bool) -> str:
        content, left = _said(self._there), ""
        if content is not None:
            alive = living(content, lambda: self._there.age_s(LEASE) or 0.0)
            if alive is not None and not over:
                raise in_use(self._there.url, alive)
            with contextlib.suppress(ValueError, TypeError):  # one that says nothing
                left = taken_over(Holder(**json.loads(content)), lives=alive is not None)
            self._there.remove([LEASE])
        if not self._there.create(LEASE, self._told()):
            raise SweepInUseError(f"{self._there.url} was taken by another driver at this moment.")
        return left

    def beat(self) -> None:
        """Raises the counters; leaves the lease of a driver alone that has taken over from this one."""
        super().beat()
        with contextlib.suppress(OSError):  # throttled or away: the next beat may succeed
            if self._kept and self._is_ours():
                self._beat_there()

    def _beat_there(self) -> None:
        content = _said(self._there)
        if content is None:  # a driver that was too late to take it let go of it
            self._there.create(LEASE, self._told())
        elif self._is_ours_there(content):
            self._beats += 1
            self._there.put(LEASE, self._told())

    def release(self) -> None:
        """Lets go."""
        ours = self._kept and self._is_ours()
        self._kept = False
        super().release()
        with contextlib.suppress(OSError):  # its counter stands still from now on
            content = _said(self._there) if ours else None
            if content is not None and self._is_ours_there(content):
                self._there.remove([LEASE])

    def _told(self) -> bytes:
        return json.dumps(asdict(replace(self.holder(), counter=self._beats))).encode()

    def _is_ours_there(self, content: bytes) -> bool:
        with contextlib.suppress(ValueError, TypeError):
            return replace(Holder(**json.loads(content)), counter=0) == replace(self.holder(), counter=0)
        return False
