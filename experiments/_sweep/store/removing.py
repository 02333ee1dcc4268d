"""Checkpoints in a store that nobody needs any more go, in a thread of their own that holds nobody up.

Only the driver removes them, and only once the ledger in the store knows why: whoever goes on from that ledger, be it
seconds behind, finds the newest checkpoint of the last epoch that it has, or of the one after that.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from experiments._sweep.ledger.files import RAY
from experiments._sweep.store.checkpoints import MANIFEST, TRIALS, stored_in, trial_key
from experiments._sweep.store.patience import StoreUnreachableError
from experiments._sweep.store.reported import LIST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from experiments._sweep.store.checkpoints import Stored
    from experiments._sweep.store.objects import Objects

NEWEST = 2
"""Checkpoints of a trial that stay before the ledger's last epoch: one of them may be damaged."""
_LISTED_ONE_BY_ONE = 32
"""Of so many places at most; of more, everything is listed at once."""
_LOOK_S = 0.5
_PATIENCE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Known:
    """A trial that goes on, as the ledger knows it."""

    trial: int
    epochs: int
    segment: int
    """That reported the last epoch, as `segment_in_store` has it."""
    best: int | None

    def unneeded(self, keys: Sequence[str]) -> list[str]:
        """Of the store's keys those of its checkpoints that can go: older ones, and what older segments left beyond."""
        found = [each for each in stored_in(keys) if each.trial == self.trial]
        before = sorted({each.epoch for each in found if each.whole and each.epoch <= self.epochs}, reverse=True)
        kept = {*before[:NEWEST], self.best}
        return _keys(
            each
            for each in found
            if (each.epoch not in kept if each.epoch <= self.epochs else each.segment < self.segment)
        )

    @property
    def prefixes(self) -> list[str]:
        """Where its objects lie."""
        return [f"{trial_key(self.trial)}/"]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A trial that has ended."""

    trial: int
    but: int | None
    """The epoch whose checkpoint stays; where there is none of it, all stay."""
    reported: dict[str, int] = field(default_factory=dict)
    """Checkpoints that a plain Ray function reported, with their epochs."""

    def unneeded(self, keys: Sequence[str]) -> list[str]:
        """Of the store's keys those of its checkpoints that can go, and of its marks."""
        found = [each for each in stored_in(keys) if each.trial == self.trial]
        gone: list[str] = []
        # A lost driver's trial may have left the same epoch: of two, the later segment's is the one that is opened.
        kept = next((each for each in found if each.epoch == self.but and each.whole), None)
        if self.but is None or kept is not None:
            marks = [key for key in keys if key.startswith(self.prefixes[0]) and key.endswith(".told-to-leave")]
            gone += [*_keys(each for each in found if each is not kept), *marks]
        if self.but is None or self.but in self.reported.values():
            stays = tuple(f"{key}{end}" for key, at in self.reported.items() if at == self.but for end in ("/", LIST))
            below = [key for key in keys if key.startswith(tuple(self.prefixes[1:]))] if self.reported else []
            gone += [key for key in below if not key.startswith(stays or ("\0",))]
        return gone

    @property
    def prefixes(self) -> list[str]:
        """Where its objects lie."""
        return [f"{trial_key(self.trial)}/", *sorted({f"{key.rpartition('/')[0]}/" for key in self.reported})]


def _keys(checkpoints: Iterable[Stored]) -> list[str]:
    return [key for each in checkpoints for key in each.keys]


class Removal:
    """Removes what is asked for; of several things that are asked about a trial, the last one counts."""

    def __init__(self, store: Objects, durable: Callable[[], int]) -> None:
        """Of the sweep in `store`; `durable` tells how many lines of the ledger are there."""
        self._store = store
        self._store.patience_s = _PATIENCE_S
        self._durable = durable
        self._asked: dict[int, list[tuple[int, Known | Ended]]] = {}
        self._alone = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self.fault: OSError | None = None
        """Why something could not be removed, None where nothing failed."""

    def ask(self, after: int, about: Known | Ended) -> None:
        """Removes what is not needed, once so many lines of the ledger are in the store."""
        with self._alone:
            self._asked.setdefault(about.trial, []).append((after, about))
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="removing", daemon=True)
            self._thread.start()

    def close(self, within_s: float) -> None:
        """Removes what can still be removed in so many seconds; what stays, the next driver removes."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(within_s)
            self._store.patience_s = 0
            with self._alone:
                self._asked.clear()

    def _work(self) -> None:
        while True:
            last = self._closing.is_set()
            ready = self._ready()
            try:
                self._remove(ready)
            except OSError as error:
                self.fault = error
                if isinstance(error, StoreUnreachableError) and not last:
                    self._ask_again(ready)
            if last and not ready:
                return
            if not ready:
                self._closing.wait(_LOOK_S)

    def _ready(self) -> list[Known | Ended]:
        """The last thing about each trial that the store's ledger knows; what was asked before it is forgotten."""
        durable, ready = self._durable(), []
        with self._alone:
            for trial, asked in list(self._asked.items()):
                known = [about for after, about in asked if after <= durable]
                if known:
                    ready.append(known[-1])
                    self._asked[trial] = asked[len(known) :]
                if not self._asked[trial]:
                    del self._asked[trial]
        return ready

    def _ask_again(self, ready: Sequence[Known | Ended]) -> None:
        with self._alone:
            for about in ready:
                self._asked[about.trial] = [(0, about), *self._asked.get(about.trial, [])]

    def _remove(self, ready: Sequence[Known | Ended]) -> None:
        below = self._listed(sorted({prefix for about in ready for prefix in about.prefixes}))
        gone = [key for about in ready for key in about.unneeded([k for each in about.prefixes for k in below[each]])]
        # First what makes a checkpoint one: half removed, it is none.
        first = {key for key in gone if key.endswith((f"/{MANIFEST}", LIST))}
        self._store.remove(sorted(first))
        self._store.remove([key for key in gone if key not in first])

    def _listed(self, prefixes: Sequence[str]) -> dict[str, list[str]]:
        """The keys below each prefix; where they are many, listed in one go."""
        if len(prefixes) <= _LISTED_ONE_BY_ONE:
            return {prefix: self._store.keys(prefix) for prefix in prefixes}
        below: dict[str, list[str]] = {prefix: [] for prefix in prefixes}
        depth = {TRIALS: 2, RAY: 3}
        for root in sorted({prefix.partition("/")[0] for prefix in prefixes}):
            for key in self._store.keys(f"{root}/"):
                prefix = "".join(f"{part}/" for part in key.split("/")[: depth[root]])
                if prefix in below:
                    below[prefix].append(key)
        return below
