"""The bound on checkpoints where a sweep lies in a store: the driver removes what its trials' processes leave there.

Of a trial that goes on, the two newest and the best stay, as a trial's process keeps them in a folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments._sweep.engine.storage import in_words
from experiments._sweep.engine.tidying import Tidying
from experiments._sweep.ledger.files import reported_folder
from experiments._sweep.ledger.records import EpochReported
from experiments._sweep.store.checkpoints import segment_in_store
from experiments._sweep.store.objects import Objects
from experiments._sweep.store.places import url_of
from experiments._sweep.store.removing import Ended, Known, Removal
from experiments._sweep.store.scratch import remove_leftovers

if TYPE_CHECKING:
    from pathlib import Path

    from experiments._sweep.engine.journal import Journal, Observer
    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.records import Entry
    from experiments._sweep.ledger.trial_history import TrialHistory

AT_THE_END_S = 60.0
"""How long a sweep that has ended as asked waits for what is still to be removed,"""
CUT_SHORT_S = 5.0
"""and one that was interrupted."""


def tidying(sweep: Path, keep: int | None, journal: Journal) -> Observer:
    """What removes the checkpoints of the sweep in a folder that are needed no more.

    Args:
        sweep: The folder, or the working copy.
        keep: Of how many leading trials the best one stays, None: all stay.
        journal: Of the driver.
    """
    url = url_of(sweep)
    return Tidying(sweep, keep) if url is None else StoredTidying(sweep, keep, journal, Objects(url))


class StoredTidying(Tidying):
    """An observer that has the checkpoints removed which nobody needs, whatever of the ledger is still on its way."""

    def __init__(self, sweep: Path, keep: int | None, journal: Journal, store: Objects) -> None:
        """Of the sweep in `store`; says through the journal what cannot be removed."""
        super().__init__(sweep, keep)
        self._journal = journal
        self._removal = Removal(store, lambda: journal.durable)
        self._after = 0
        """Lines of the ledger that say why something is needed no more."""
        self._begun = False
        self._said = False

    def saw(self, entry: Entry, history: History) -> None:
        """Asks for what follows from the record; at first for what other drivers have left."""
        self._after = entry.n + 1
        record = entry.record
        if isinstance(record, EpochReported):
            self._follow(history.trials[record.trial])
        elif not self._begun:
            for trial in history.trials.values():
                self._follow(trial)
        self._begun = True
        super().saw(entry, history)

    def _follow(self, trial: TrialHistory) -> None:
        if not trial.epochs or any(each.checkpoint for each in trial.epochs):  # reported ones stay until it ends
            return
        reporting = trial.segments[trial.epochs[-1].segment - 1]
        segment = segment_in_store(reporting.driver, reporting.number)
        known = Known(trial=trial.number, epochs=len(trial.epochs), segment=segment, best=trial.epoch)
        self._removal.ask(self._after, known)

    def _drop(self, trial: TrialHistory, but: int | None = None) -> None:
        reported = {
            each.checkpoint: each.epoch
            for each in trial.epochs
            if each.checkpoint and reported_folder(self._sweep, each.checkpoint) is not None
        }
        self._removal.ask(self._after, Ended(trial=trial.number, but=but, reported=reported))

    def tick(self, history: History) -> None:
        """Says once that something could not be removed."""
        fault = self._removal.fault
        if fault is not None and not self._said:
            self._said = True
            self._journal.note(f"checkpoints that are needed no more stay in the store: {in_words(fault)}")

    def close(self, history: History) -> None:
        """Has the last ones removed, and what trials that were cut have left on this node."""
        remove_leftovers()
        as_asked = history.end is not None and history.end.reason not in ("interrupted", "fault")
        self._removal.close(AT_THE_END_S if as_asked else CUT_SHORT_S)
