"""What the policies may know of the trials: their observations, kept up with the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments._sweep.policy import Observation, Trials

if TYPE_CHECKING:
    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import TrialHistory


def observed_elsewhere(history: History) -> list[Observation]:
    """What was learned of earlier sweeps, for searchers only; trials of others have numbers below 0."""
    told = [trial for each in history.sweep.learned for trial in each["trials"]]
    sign = 1.0 if history.asks["mode"] == "min" else -1.0
    return [
        Observation(
            trial=place - len(told),
            config=trial["config"],
            losses={int(epoch): sign * value for epoch, value in trial["values"].items()},
            ending=trial["ending"],
            counts="last" if history.last_counts else "best",
        )
        for place, trial in enumerate(told)
    ]


class Observed:
    """The trials of a history as policies see them."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._known = Trials(history.losses)
        self._followed = 0
        """How many of the history's turns it has followed."""

    def trials(self) -> Trials:
        """All trials by number, as they are now: one mapping, kept up, for every epoch of a sweep asks for all."""
        turns = self._history.turns
        for number in turns[self._followed :]:  # those that came or ended since
            self._known[number] = self._observation(self._history.trials[number])
        self._followed = len(turns)
        return self._known

    def _observation(self, trial: TrialHistory) -> Observation:
        return Observation(
            trial=trial.number,
            config=trial.config,
            losses=trial.losses,
            ending=trial.state if trial.ended else None,
            counts="last" if self._history.last_counts else "best",
            bracket=trial.bracket,
        )
