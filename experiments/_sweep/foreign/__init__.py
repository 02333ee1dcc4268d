"""Ray Tune's own searchers and schedulers in the place of ours: any `Searcher` or `TrialScheduler` object.

They keep state in memory. Each driver has a copy of its own, to which the ledger is told anew when a sweep is resumed.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from experiments._sweep.foreign.kinds import is_ray_scheduler, is_ray_searcher, scheduler_refusal, searcher_refusal
from experiments._sweep.foreign.scheduler import ForeignScheduler
from experiments._sweep.foreign.searcher import ForeignSearcher

if TYPE_CHECKING:
    from experiments._sweep.experiment import Experiment

__all__ = [
    "ForeignScheduler",
    "ForeignSearcher",
    "adapted",
    "adapted_scheduler",
    "adapted_searcher",
    "is_ray_scheduler",
    "is_ray_searcher",
    "scheduler_refusal",
    "searcher_refusal",
]


def adapted(experiment: Experiment) -> Experiment:
    """The experiment, with Ray's objects in new adapters where it has such."""
    search, scheduler = adapted_searcher(experiment), adapted_scheduler(experiment)
    if search is experiment.search and scheduler is experiment.scheduler:
        return experiment
    changed = copy.copy(experiment)  # not `replace`, which would check everything once more
    object.__setattr__(changed, "search", search)
    object.__setattr__(changed, "scheduler", scheduler)
    return changed


def adapted_searcher(experiment: Experiment) -> Any:
    """What proposes for the experiment: its own searcher, or a new adapter around a copy of Ray's."""
    theirs = experiment.search
    if not is_ray_searcher(theirs):
        return theirs
    return ForeignSearcher(theirs, metric=experiment.metric, mode=experiment.mode)


def adapted_scheduler(experiment: Experiment) -> Any:
    """What compares trials for the experiment: its own scheduler, or a new adapter around a copy of Ray's."""
    theirs = experiment.scheduler
    if not is_ray_scheduler(theirs):
        return theirs
    return ForeignScheduler(theirs, metric=experiment.metric, mode=experiment.mode, num_trials=experiment.num_trials)
