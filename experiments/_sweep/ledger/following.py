"""A history that follows a ledger which another process writes: each line is read and folded once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments._sweep.ledger.files import read_on
from experiments._sweep.ledger.folding import fold
from experiments._sweep.ledger.history import History

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from experiments._sweep.ledger.records import Entry


class Follower:
    """Reads what a ledger has grown by."""

    def __init__(self, path: Path) -> None:
        """Follows the ledger at `path`, from its first line; reads nothing yet."""
        self._path = path
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.history = History()
        """What the lines read so far say."""
        self._counter, self._known, self._end = 0, b"", 0

    def news(self) -> Iterator[Entry]:
        """The entries that have come, one after the other, each folded when it is given.

        A ledger that was replaced (by an older state, or a store's, which another driver has gone on with) begins
        anew: `history` is then another one.

        Raises:
            LedgerError: If it cannot be read, or a line makes no sense.
        """
        grown = read_on(self._path, self._counter, self._known, self._end)
        if grown is None:
            self._begin_anew()
            grown = read_on(self._path, 0, b"", 0) or iter(())
        for entry, line in grown:
            fold(entry, self.history, self._path)
            self._counter, self._known, self._end = self._counter + 1, line, self._end + len(line)
            yield entry
