"""Which epoch a report is, and whether the ledger has it already."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiments._sweep.engine.deciding.measurements import Measurement
    from experiments._sweep.ledger.trial_history import TrialHistory


class Numbering:
    """Follows the epochs that the present segment of each trial tells.

    A trainable numbers them itself. A plain Ray function does not: its reports are counted, from the checkpoint that
    it was given, or from the start.
    """

    def __init__(self, *, numbered: bool) -> None:
        """Begins with no segment; `numbered`: whether the trainable numbers its epochs."""
        self._numbered = numbered
        self._newest: dict[int, int] = {}
        """Trial to the last epoch that its segment has told, or that its checkpoint has."""
        self._told: dict[int, int] = {}
        """Trial to the last epoch that its segment has told, 0 before the first."""

    def begin(self, trial: int, checkpoint_epoch: int) -> None:
        """A segment of the trial begins; 0: without a checkpoint in its hands."""
        self._newest[trial] = checkpoint_epoch
        self._told[trial] = 0

    def epoch_of(self, trial: TrialHistory, measured: Measurement) -> tuple[int, bool]:
        """The epoch of a report, 0 where it has no whole number, and whether it is only told again.

        At its start a segment tells once more what the ledger has: its checkpoint's record, or, begun without a
        checkpoint, one epoch after the other.
        """
        if self._numbered:
            given = measured.metrics.get("epoch", len(trial.epochs) + 1)
            epoch = int(given) if isinstance(given, (int, float)) and float(given).is_integer() else 0
        else:
            epoch = self._newest[trial.number] + 1
        before, self._told[trial.number] = self._told[trial.number], epoch
        self._newest[trial.number] = epoch
        return epoch, max(1, before + 1) <= epoch <= len(trial.epochs)
