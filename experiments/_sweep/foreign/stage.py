"""What a scheduler of Ray Tune's sees of a sweep: trials and a controller with the attributes that it looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PENDING, RUNNING, PAUSED, TERMINATED, ERROR = "PENDING", "RUNNING", "PAUSED", "TERMINATED", "ERROR"
"""The states of `ray.tune.experiment.Trial`."""


class StageTrial:
    """A trial of the sweep as Ray's `Trial`."""

    PENDING, RUNNING, PAUSED, TERMINATED, ERROR = PENDING, RUNNING, PAUSED, TERMINATED, ERROR

    def __init__(self, number: int) -> None:
        self.number = number
        self.trial_id = f"{number:04d}"
        self.config: Mapping[str, Any] = {}
        self.evaluated_params: Mapping[str, Any] = {}
        self.experiment_tag = self.trial_id
        self.status = PENDING
        self.last_result: dict[str, Any] = {}
        self.is_saving = False
        self.told = 0
        """The last epoch that the scheduler knows."""
        self.disowned = False
        """Whether the ledger let it go on when the scheduler had stopped it: it is asked about it no more."""

    def __repr__(self) -> str:
        return f"trial {self.number}"

    def is_finished(self) -> bool:
        """Whether its state is final."""
        return self.status in (TERMINATED, ERROR)


class StageController:
    """The sweep as Ray's `TuneController`."""

    def __init__(self, stop: Callable[[StageTrial], None]) -> None:
        self.trials: dict[int, StageTrial] = {}
        self._stop = stop

    def get_trials(self) -> list[StageTrial]:
        """All trials by number, also those that have no configuration yet."""
        return list(self.trials.values())

    def get_trial(self, trial_id: str) -> StageTrial | None:
        """The trial with this name."""
        return next((trial for trial in self.trials.values() if trial.trial_id == trial_id), None)

    def get_live_trials(self) -> set[StageTrial]:
        """The trials that train or are held.

        Those that have no configuration yet are left out: a `MedianStoppingRule` would make way for them after every
        epoch, which gains nothing where slots are filled as they become free.
        """
        return {trial for trial in self.trials.values() if trial.status in (RUNNING, PAUSED)}

    def stop_trial(self, trial: StageTrial) -> None:
        """The scheduler ends a trial that is not the one it is asked about."""
        self._stop(trial)
