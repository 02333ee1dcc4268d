"""What becomes of trials whose process was lost or whose trainable raised, read from the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments._sweep.engine.faults import cause_of
from experiments._sweep.ledger.records import SegmentInterrupted, TrialEnded

if TYPE_CHECKING:
    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.records import Record
    from experiments._sweep.ledger.trial_history import TrialHistory

LOSSES_ALLOWED = 3
"""How often the process or node of a trial may be lost before the trial ends as `lost`."""
SAME_EXCEPTION = 3
"""The same exception in so many first trials stops the sweep: it is the code, not the configuration."""


def records_of_loss(trial: TrialHistory, evidence: str, t: float) -> list[Record]:
    """What is written when the trial's process has died; with the ending `lost` where that was once too often.

    Args:
        trial: As it was before; its newest segment is the one that was lost.
        evidence: What is known of it, one line.
        t: Seconds since the driver started.
    """
    loss = SegmentInterrupted(trial=trial.number, segment=trial.segments[-1].number, cause="lost", why=evidence, t=t)
    times = 1 + sum(each.cause == "lost" for each in trial.segments)
    if times <= LOSSES_ALLOWED:
        return [loss]
    why = f"its process was lost {times} times, the last time: {evidence}"
    return [loss, TrialEnded(trial=trial.number, ending="lost", why=why, t=t)]


def all_failed_alike(history: History) -> bool:
    """Whether each of the first trials has ended with the same exception at the same place."""
    first = [history.trials.get(number) for number in range(SAME_EXCEPTION)]
    causes = {cause_of(each.traceback) if each and each.state == "error" else "" for each in first}
    return len(causes) == 1 and "" not in causes
