"""Where a sweep's new trials come from, and whether there are more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments._sweep.engine.deciding.assignments import trial_seed
from experiments._sweep.engine.deciding.observing import observed_elsewhere
from experiments._sweep.ledger.records import TrialProposed
from experiments._sweep.proposing import next_proposal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from experiments._sweep.engine.deciding.observing import Observed
    from experiments._sweep.engine.journal import Journal
    from experiments._sweep.experiment import Experiment


class Proposer:
    """Makes the records of new trials for one driver."""

    def __init__(self, experiment: Experiment, journal: Journal, observed: Observed) -> None:
        self._experiment = experiment
        self._journal = journal
        self._observed = observed
        self.exhausted = False
        """Whether the searcher has said that it has no other configuration."""

    @property
    def more_to_come(self) -> bool:
        """Whether new trials will still be proposed, as far as is known."""
        return len(self._journal.history.trials) < self._experiment.num_trials and not self.exhausted

    @property
    def shortfall(self) -> str:
        """Why there are fewer trials than were asked for, empty where the searcher has not said that it has no more."""
        if not self.exhausted:
            return ""
        search, trials = self._experiment.search, len(self._journal.history.trials)
        name = getattr(search, "name", type(search).__name__)
        return f"{name} has no other configuration to propose after {trials} of {self._experiment.num_trials} trials"

    def next(self) -> TrialProposed | None:
        """The next new trial; None where there is none, or none for now."""
        if not self.more_to_come:
            return None
        experiment, number = self._experiment, len(self._journal.history.trials)
        made_at, observations = self._journal.counter, self._observed.trials()
        proposal = next_proposal(
            experiment.search,
            experiment.searched,
            [*observed_elsewhere(self._journal.history), *observations.values()],
            start_points=experiment.start_points,
            trial=number,
            seed=experiment.seed,
        )
        if proposal is None:
            self._learn_the_end()
            return None
        return TrialProposed(
            trial=number,
            config=self._completed(proposal.config, number),
            origin=proposal.origin,
            bracket=experiment.scheduler.bracket(observations, epochs=experiment.epochs),
            details=_in_own_sign(proposal.details, experiment.mode),
            made_at=made_at,
            t=self._journal.t,
        )

    def _learn_the_end(self) -> None:
        forever = getattr(self._experiment.search, "exhausted", True)  # Ray's searchers may mean "not now"
        self.exhausted = forever or not any(self._journal.history.in_state("running"))
        if self.exhausted:
            self._journal.note(self.shortfall)

    def _completed(self, config: dict[str, Any], number: int) -> dict[str, Any]:
        """The configuration with budget and seed, where the trainable takes them and the space does not say."""
        added = {"epochs": self._experiment.epochs, "seed": trial_seed(self._experiment.seed, number)}
        takes = self._experiment.takes
        return config | {name: value for name, value in added.items() if takes(name) and name not in config}


def _in_own_sign(details: Mapping[str, Any], mode: str) -> dict[str, Any]:
    """A proposal's details with the expected loss, its `mean`, as a value of the metric."""
    return {**details, "mean": -details["mean"]} if mode == "max" and "mean" in details else {**details}
