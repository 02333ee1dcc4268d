"""Sweeps made up by hand: a space, and what its trials had and reported."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments._sweep.ledger.files import LEDGER, LedgerWriter
from experiments._sweep.ledger.history import History
from experiments._sweep.ledger.records import (
    DriverEnded,
    EpochReported,
    Record,
    SegmentStarted,
    SweepOpened,
    TrialEnded,
    TrialProposed,
)
from experiments._sweep.sweep import Sweep
from tests.experiments.conftest import driver, entries, experiment, opened


@dataclass
class Ran:
    """One trial: its configuration, its losses by epoch, how it ended."""

    config: dict[str, Any]
    losses: Sequence[Any] = (1.0,)
    ending: str | None = "completed"
    origin: str = "random"
    more: dict[str, Any] = field(default_factory=dict)
    """What else it reported, with each epoch."""
    why: str = ""


def asked(space: dict[str, Any], **changes: Any) -> SweepOpened:
    """Open a sweep of a space, as a ledger has it."""
    first = opened(experiment())
    first.asks.update({"space": space, "metric": "loss", "epochs": 3, **changes})
    return first


def records(space: dict[str, Any], trials: Sequence[Ran], **changes: Any) -> list[Record]:
    """Tell a sweep whose trials ran one after the other, a second an epoch."""
    made: list[Record] = [asked(space, num_trials=len(trials), **changes), driver()]
    t = 0.0
    for number, ran in enumerate(trials):
        made.append(TrialProposed(trial=number, config=ran.config, origin=ran.origin, made_at=2, t=t))
        made.append(SegmentStarted(trial=number, segment=1, t=t))
        for epoch, loss in enumerate(ran.losses, 1):
            t += 1.0
            is_last = epoch == len(ran.losses) and ran.ending is not None
            action, ending = ("stop", ran.ending) if is_last else ("continue", None)
            metrics = {"epoch": epoch, "loss": loss, **ran.more}
            made.append(
                EpochReported(
                    trial=number,
                    segment=1,
                    epoch=epoch,
                    metrics=metrics,
                    action=action,
                    ending=ending,
                    why=ran.why if is_last else "",
                    t=t,
                )
            )
        if not ran.losses and ran.ending:
            made.append(TrialEnded(trial=number, ending=ran.ending, why=ran.why, t=t))
    return [*made, DriverEnded(driver=1, reason="finished", t=t, at=100.0 + t)]


def history(space: dict[str, Any], trials: Sequence[Ran], **changes: Any) -> History:
    """Give what their ledger says."""
    return History(entries(*records(space, trials, **changes)))


def sweep(folder: Path, space: dict[str, Any], trials: Sequence[Ran], **changes: Any) -> Sweep:
    """Write their ledger into a folder, and open it."""
    folder.mkdir(parents=True, exist_ok=True)
    writer = LedgerWriter(folder / LEDGER)
    writer.append(records(space, trials, **changes))
    writer.close()
    return Sweep(folder)
