"""Which objects are Ray Tune's searchers and schedulers, and which of these cannot run a sweep."""

from __future__ import annotations

from typing import Any

REFUSED_SEARCHERS = {
    "TuneBOHB": "works only together with HyperBandForBOHB. Use HyperOpt() or BayesOpt() with HyperBand().",
    "ConcurrencyLimiter": "limits how many trials run at a time. Give the searcher in it, and use --concurrent N.",
    "Repeater": "trains each configuration several times. Give the searcher in it, and average inside the trainable.",
}
"""Class of Ray Tune's to why it is refused and what to do."""

_POPULATION = (
    "rewrites the configurations of trials while they run, and a trial of a sweep has one for ever. Run it in plain "
    "Ray: tune.Tuner with the same trainable; or use ASHA(), HyperBand() or MedianStopping() here."
)

REFUSED_SCHEDULERS = {
    "PopulationBasedTraining": _POPULATION,
    "PopulationBasedTrainingReplay": _POPULATION,
    "PB2": _POPULATION,
    "HyperBandForBOHB": "works only together with TuneBOHB. Use HyperBand() with HyperOpt() or BayesOpt().",
    "ResourceChangingScheduler": (
        "changes the resources of trials while they run; those of a sweep have cpus_per_trial and gpus_per_trial. Give "
        "the scheduler in it."
    ),
}
"""As for the searchers."""


def is_ray_searcher(value: Any) -> bool:
    """Whether it is an object, not a class, of Ray Tune's `Searcher`."""
    from ray.tune.search import Searcher

    return isinstance(value, Searcher)


def is_ray_scheduler(value: Any) -> bool:
    """Whether it is an object, not a class, of Ray Tune's `TrialScheduler`."""
    from ray.tune.schedulers import TrialScheduler

    return isinstance(value, TrialScheduler)


def searcher_refusal(theirs: Any) -> str:
    """Why a searcher of Ray's cannot run a sweep and what to do, empty where it can."""
    return _refusal("search", theirs, REFUSED_SEARCHERS)


def scheduler_refusal(theirs: Any) -> str:
    """Why a scheduler of Ray's cannot run a sweep and what to do, empty where it can."""
    return _refusal("scheduler", theirs, REFUSED_SCHEDULERS)


def _refusal(field: str, theirs: Any, refused: dict[str, str]) -> str:
    named = next((kind.__name__ for kind in type(theirs).__mro__ if kind.__name__ in refused), None)
    return f"{field}: {type(theirs).__name__} {refused[named]}" if named else ""
