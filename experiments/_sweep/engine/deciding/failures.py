"""What becomes of trials whose process was lost or whose trainable raised, read from the history."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, get_args

from experiments._sweep.engine.faults import cause_of
from experiments._sweep.engine.losses import Cause
from experiments._sweep.ledger.records import SegmentInterrupted, TrialEnded

if TYPE_CHECKING:
    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.records import Record
    from experiments._sweep.ledger.trial_history import TrialHistory

LOSSES_ALLOWED = 3
"""How often in a row, without an epoch in between, the process of a trial may be lost before it ends as `lost`."""
LEAVES_ALLOWED = 19
"""The same with losses that are no fault of the trial's counted as well: its node died, or its process had to leave."""
SAME_EXCEPTION = 3
"""The same exception in so many first trials stops the sweep: it is the code, not the configuration."""
STALLED = 3
"""So do so many first trials that all fell silent."""


def records_of_loss(trial: TrialHistory, cause: Cause, evidence: str, t: float) -> list[Record]:
    """What is written when the trial's process has died; with an ending where that was once too often.

    Args:
        trial: As it was before; its newest segment is the one that was lost.
        cause: Of the loss.
        evidence: What is known of it, one line.
        t: Seconds since the driver started.
    """
    loss = SegmentInterrupted(trial=trial.number, segment=trial.segments[-1].number, cause=cause, why=evidence, t=t)
    if cause == "out_of_memory" and ran_out_of_memory(trial):
        return [loss, TrialEnded(trial=trial.number, ending="out_of_memory", why=evidence, t=t)]
    row = [cause, *_losses_before(trial)]
    times = row.count("lost") if cause == "lost" else 0
    if times <= LOSSES_ALLOWED and len(row) <= LEAVES_ALLOWED:
        return [loss]
    counted = times if times > LOSSES_ALLOWED else len(row)
    why = f"its process was lost {counted} times without an epoch in between, the last time: {evidence}"
    return [loss, TrialEnded(trial=trial.number, ending="lost", why=why, t=t)]


def ran_out_of_memory(trial: TrialHistory) -> bool:
    """Whether it has before: then it is not tried again."""
    return any(each.cause == "out_of_memory" for each in trial.segments)


def _losses_before(trial: TrialHistory) -> list[str]:
    """The causes of the losses since the trial's last epoch, but for the one of its newest segment."""
    causes = []
    for newer, segment in itertools.pairwise(reversed(trial.segments)):
        if newer.first_epoch is not None:
            break
        causes.append(segment.cause)
    return [cause for cause in causes if cause in get_args(Cause)]


def all_stalled(history: History) -> bool:
    """Whether each of the first trials has fallen silent."""
    first = [history.trials.get(number) for number in range(STALLED)]
    return all(each is not None and each.state == "timed_out" for each in first)


def all_failed_alike(history: History) -> bool:
    """Whether each of the first trials has ended with the same exception at the same place."""
    first = [history.trials.get(number) for number in range(SAME_EXCEPTION)]
    causes = {cause_of(each.traceback) if each and each.state == "error" else "" for each in first}
    return len(causes) == 1 and "" not in causes
