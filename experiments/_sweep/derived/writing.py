"""Writes a record into the ledger of a sweep that nobody drives at this moment."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from experiments._sweep.store import ledger as stored
from experiments._sweep.store.lease import lease_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from experiments._sweep.ledger.files import LedgerWriter


@contextlib.contextmanager
def ledger_of(sweep: Path, hurried: Callable[[], bool] = lambda: False) -> Iterator[LedgerWriter]:
    """The ledger of the sweep in a folder, to append to, leased for as long as the context lasts.

    Args:
        sweep: The sweep's folder.
        hurried: Whether somebody waits for this to end, so that a store that does not answer is given up soon.

    Raises:
        SweepInUseError: If a driver is at work on it.
    """
    lease = lease_of(sweep)
    lease.take()
    try:
        writer = stored.ledger_of(sweep, hurried)
        try:
            yield writer
        finally:
            writer.close()
    finally:
        lease.release()
