"""What is worth telling while a sweep runs: one line an event, the same for plain lines and for the live display."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments._sweep.ledger.records import (
    DriverStarted,
    EpochReported,
    SegmentInterrupted,
    SegmentStarted,
    SweepOpened,
    TrialEnded,
)
from experiments._sweep.views.words import clean, learned_in_words, number, outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.records import Entry


class Events:
    """Turns records into lines; shows the first traceback in full, once."""

    def __init__(self) -> None:
        self._traceback_shown = False
        self._epoch_seen = False
        self._led: set[int] = set()
        """Trials of which it was said that they lead: of two that overtake each other at every epoch, once each."""

    def of(self, entry: Entry, history: History) -> Iterator[str]:
        """The lines that `entry` is worth, most often none."""
        record = entry.record
        if isinstance(record, EpochReported):
            yield from self._epoch(record, history)
        if isinstance(record, (EpochReported, TrialEnded)) and record.ending:
            yield outcome(history.trials[record.trial], origin=history.sweep.derived is not None)
        if isinstance(record, TrialEnded) and record.traceback and not self._traceback_shown:
            self._traceback_shown = True
            yield f"the first traceback in full:\n{clean(record.traceback, lines=True).rstrip()}"
        if isinstance(record, SweepOpened):
            yield from (f"learned from an earlier sweep: {learned_in_words(each)}" for each in record.learned)
        if isinstance(record, DriverStarted) and record.driver > 1:
            yield f"driver {record.driver} goes on with it, process {record.pid} on {clean(record.host)}"
        if isinstance(record, SegmentStarted) and record.rung:
            at, rank, among = (record.rung.get(key) for key in ("epoch", "rank", "of"))
            yield clean(f"trial {record.trial} goes on after epoch {at}, rank {rank} of {among} there")
        if isinstance(record, SegmentInterrupted):
            after = len(history.trials[record.trial].epochs)
            yield f"trial {record.trial} interrupted after epoch {after} ({clean(record.cause)}: {clean(record.why)})"

    def _epoch(self, record: EpochReported, history: History) -> Iterator[str]:
        if not self._epoch_seen:
            self._epoch_seen = True
            yield f"first epoch reported after {history.t:.1f} s"
        best = history.best
        if best is None or best.number in self._led or history.sweep.derived is not None:
            return
        overtaken = bool(self._led)
        self._led.add(best.number)
        if overtaken and not record.ending:  # else its ending says it
            yield f"trial {best.number} leads with {clean(best.metric)} {number(best.value)} at epoch {best.epoch}"
