"""What is worth telling while a sweep runs: one line an event, the same for plain lines and for the live display."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments._sweep.ledger.records import EpochReported, SegmentInterrupted, SweepOpened, TrialEnded
from experiments._sweep.views.words import clean, learned_in_words, outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.records import Entry


class Events:
    """Turns records into lines; shows the first traceback in full, once."""

    def __init__(self) -> None:
        self._traceback_shown = False
        self._epoch_seen = False

    def of(self, entry: Entry, history: History) -> Iterator[str]:
        """The lines that `entry` is worth, most often none."""
        record = entry.record
        if isinstance(record, EpochReported) and not self._epoch_seen:
            self._epoch_seen = True
            yield f"first epoch reported after {history.t:.1f} s"
        if isinstance(record, (EpochReported, TrialEnded)) and record.ending:
            yield outcome(history.trials[record.trial], origin=history.sweep.derived is not None)
        if isinstance(record, TrialEnded) and record.traceback and not self._traceback_shown:
            self._traceback_shown = True
            yield f"the first traceback in full:\n{clean(record.traceback, lines=True).rstrip()}"
        if isinstance(record, SweepOpened):
            yield from (f"learned from an earlier sweep: {learned_in_words(each)}" for each in record.learned)
        if isinstance(record, SegmentInterrupted):
            after = len(history.trials[record.trial].epochs)
            yield f"trial {record.trial} interrupted after epoch {after} ({clean(record.cause)}: {clean(record.why)})"
