"""A ledger becomes a history; a line that does not fit those before it is refused with its number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments._sweep.ledger.files import LedgerError, read
from experiments._sweep.ledger.history import History
from experiments._sweep.ledger.records import EpochReported, SweepOpened, TrialProposed

if TYPE_CHECKING:
    from pathlib import Path

    from experiments._sweep.ledger.records import Entry, Record


def history_of(path: Path) -> History:
    """What the ledger at `path` says; nothing where it is empty.

    Raises:
        LedgerError: If it cannot be read, or is whole and makes no sense: this package has not written it.
    """
    history = History()
    for entry in read(path):
        fold(entry, history, path)
    return history


def fold(entry: Entry, history: History, path: Path) -> None:
    """Folds an entry of the ledger at `path` into the history of those before it.

    Raises:
        LedgerError: If it makes no sense there.
    """
    try:
        _check(entry.record, history)
        history.apply(entry)
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        raise LedgerError(
            f"{path}, line {entry.n + 1}: does not fit what is before it ({type(error).__name__}: {error}). It was "
            f"not written by raysweeps: restore the file from a copy, or keep the {entry.n} lines before it."
        ) from error


def _check(record: Record, history: History) -> None:
    if isinstance(record, SweepOpened) != (history.opened is None):
        raise ValueError("the first line, and no other, opens a sweep")
    if isinstance(record, TrialProposed) and record.trial != len(history.trials):
        raise ValueError(f"trial {record.trial} after {len(history.trials)} trials")
    if isinstance(record, EpochReported) and record.epoch != len(history.trials[record.trial].epochs) + 1:
        raise ValueError(f"epoch {record.epoch} after {len(history.trials[record.trial].epochs)} epochs")
