"""What the policies may know of the trials: their observations, kept up with the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments._sweep.policy import Observation

if TYPE_CHECKING:
    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import TrialHistory


class Observed:
    """The trials of a history as policies see them."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._known: dict[int, Observation] = {}

    def trials(self) -> dict[int, Observation]:
        """All trials by number; each is made anew only when it ends, for every epoch of a sweep asks for all."""
        for trial in self._history.trials.values():
            known = self._known.get(trial.number)
            if known is None or (known.ending is None and trial.ended):
                self._known[trial.number] = self._observation(trial)
        return dict(self._known)

    def _observation(self, trial: TrialHistory) -> Observation:
        return Observation(
            trial=trial.number,
            config=trial.config,
            losses=trial.losses,
            ending=trial.state if trial.ended else None,
            counts="last" if self._history.last_counts else "best",
            bracket=trial.bracket,
        )
