"""A ledger read for judging, apart from how the package reads it: each trial with its epochs and its ending."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from experiments._sweep.ledger.records import EpochReported, SegmentStarted, TrialEnded, TrialProposed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments._sweep.ledger.records import Entry


@dataclass
class Ran:
    """A trial as its ledger has it."""

    proposed: TrialProposed
    epochs: list[EpochReported] = field(default_factory=list)
    ending: str | None = None
    why: str = ""

    @property
    def number(self) -> int:
        """The trial's number."""
        return self.proposed.trial

    @property
    def seed(self) -> int:
        """Tells it from all other trials of its sweep."""
        return int(self.proposed.config["seed"])


@dataclass
class Folded:
    """A sweep's trials by number, and what cannot be so."""

    trials: dict[int, Ran] = field(default_factory=dict)
    twice: list[str] = field(default_factory=list)
    """Trials that went on after their ending, or came twice."""
    records: list[str] = field(default_factory=list)
    """Records that are missing or doubled."""


def folded(entries: Sequence[Entry]) -> Folded:
    """The trials in a ledger."""
    all_of = Folded()
    for place, entry in enumerate(entries):
        if entry.n != place:
            all_of.records.append(f"line {place + 1} of the ledger has the counter {entry.n}")
        record = entry.record
        if isinstance(record, TrialProposed):
            if record.trial in all_of.trials:
                all_of.twice.append(f"trial {record.trial} was proposed twice")
            all_of.trials[record.trial] = Ran(record)
        elif isinstance(record, (SegmentStarted, EpochReported, TrialEnded)):
            _fold(all_of, all_of.trials[record.trial], record)
    return all_of


def _fold(all_of: Folded, trial: Ran, record: SegmentStarted | EpochReported | TrialEnded) -> None:
    if trial.ending is not None:
        all_of.twice.append(f"trial {trial.number} has a record of kind '{record.kind}' after its ending")
    if isinstance(record, EpochReported):
        if record.epoch != len(trial.epochs) + 1:
            all_of.records.append(f"trial {trial.number}: epoch {record.epoch} stands after {len(trial.epochs)} epochs")
        trial.epochs.append(record)
    if not isinstance(record, SegmentStarted) and record.ending is not None:
        trial.ending, trial.why = record.ending, record.why
