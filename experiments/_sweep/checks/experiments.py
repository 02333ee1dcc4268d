"""Everything that can be wrong with an experiment, found before anything starts.

Each fault is a sentence in four parts: what is wrong, what was given, what is allowed, what to do.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments._sweep.checks.callbacks import callback_faults
from experiments._sweep.checks.corners import corner_configurations, extremes, requirement_faults
from experiments._sweep.checks.secrets import secret_faults
from experiments._sweep.foreign import adapted_scheduler, adapted_searcher
from experiments._sweep.names import nearest
from experiments._sweep.policy import Scheduler, Searcher
from search_spaces import SearchSpace, space_faults, start_point_faults
from trainables import Trainable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiments._sweep.experiment import Experiment


_BYTES = (
    "Ray counts it in bytes and bounds nothing by it. Ask for more CPUs of a trial, or start the nodes that have much "
    "with a resource of their own: ray start --resources='{\"big_memory\": 1}'."
)
INSTEAD = {
    "cpu": "It has an option of its own: cpus_per_trial, --cpus-per-trial.",
    "cpus": "It has an option of its own: cpus_per_trial, --cpus-per-trial.",
    "gpu": "It has an option of its own: gpus_per_trial, --gpus-per-trial.",
    "gpus": "It has an option of its own: gpus_per_trial, --gpus-per-trial.",
    "memory": _BYTES,
    "object_store_memory": _BYTES,
}
"""What stands in place of a resource that cannot be asked for by name."""
SMALLEST_SHARE = 0.0001
"""Ray counts resources in ten-thousandths."""


def faults_of(experiment: Experiment) -> list[str]:
    """All faults of the experiment, each once."""
    faults = [*_numbers(experiment), *_limits(experiment), *_trainable(experiment.trainable)]
    faults += callback_faults(experiment.callbacks)
    if not isinstance(experiment.space, dict):
        return [*faults, f"space must be a dict of constants and ray.tune domains, got {experiment.space!r}."]
    broken = space_faults(experiment.space)
    faults += [*broken, *_metric(experiment), *_resources(experiment), *_policies(experiment, whole=not broken)]
    faults += secret_faults(experiment.space, experiment.secrets)
    if broken:
        faults += _unknown_keys(experiment)
    else:
        refused = list(requirement_faults(experiment.searched))
        space = SearchSpace(experiment.space) if refused else experiment.searched
        faults += [*refused, *_configurations(experiment, space), *_start_points(experiment, space)]
        if "epochs" in experiment.space and _whole(experiment.epochs):
            faults += _searched_epochs(experiment)
    return list(dict.fromkeys(faults))


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _numbers(experiment: Experiment) -> Iterator[str]:
    for name in ("num_trials", "epochs"):
        value = getattr(experiment, name)
        if not _whole(value) or value < 1:
            yield f"{name} must be a whole number of at least 1, got {value!r}."
    if not _whole(experiment.seed) or not 0 <= experiment.seed < 2**32:
        yield f"seed must be a whole number from 0 to 2**32 - 1, got {experiment.seed!r}."


def _limits(experiment: Experiment) -> Iterator[str]:
    target, patience = experiment.target, experiment.patience_trials
    if target is not None and not _number(target):
        yield (
            f"target must be a finite number, a value of {experiment.metric} at which the sweep ends, got {target!r}. "
            "Give one, or None for no target."
        )
    if patience is not None and (not _whole(patience) or patience < 1):
        yield (
            f"patience_trials must be a whole number of at least 1, got {patience!r}. Give how many trials may end "
            "without a better value, or None for no limit."
        )


def _trainable(trainable: Any) -> Iterator[str]:
    if not callable(trainable):
        yield f"trainable must be one of trainables or a function f(config), got {trainable!r}."
        return
    if inspect.isclass(trainable):
        yield (
            f"trainable is the class {trainable.__name__}; classes are not supported. Write a function f(config) that "
            "calls tune.report, or a trainable from parts."
        )
        return
    try:
        signature = inspect.signature(trainable)
    except (ValueError, TypeError):  # written in C: it does not tell
        return
    required = [
        parameter.name
        for parameter in signature.parameters.values()
        if parameter.default is parameter.empty and parameter.kind in (0, 1, 3)
    ]
    if len(required) != 1:
        yield f"trainable must take one argument, the configuration; it takes {', '.join(required) or 'none'}."


def _metric(experiment: Experiment) -> Iterator[str]:
    if experiment.mode not in ("min", "max"):
        meant = nearest(str(experiment.mode), ("min", "max"))
        yield f"mode must be 'min' or 'max', got {experiment.mode!r}.{meant}"
    known = getattr(experiment.trainable, "metrics", None)
    if not isinstance(experiment.metric, str) or not experiment.metric:
        yield f"metric must be the name of a reported value, got {experiment.metric!r}."
    elif known and experiment.metric not in known:
        name = getattr(experiment.trainable, "name", "the trainable")
        meant = nearest(experiment.metric, known)
        yield f"metric '{experiment.metric}' is not reported by {name} (it reports {', '.join(known)}).{meant}"


def _resources(experiment: Experiment) -> Iterator[str]:
    cpus, gpus = experiment.cpus_per_trial, experiment.gpus_per_trial
    given = {"cpus_per_trial": cpus, "gpus_per_trial": gpus}
    yield from _other_resources(experiment.resources_per_trial)
    odd = [name for name, value in given.items() if not _number(value) or value < 0]
    yield from (f"{name} must be a number of at least 0, got {given[name]!r}." for name in odd)
    if odd:
        return
    if cpus == 0 and gpus == 0 and not experiment.resources_per_trial:
        yield "cpus_per_trial and gpus_per_trial are both 0; a trial needs one of them. Use cpus_per_trial=1."
    most = getattr(experiment.trainable, "max_gpus", None)
    if gpus > 1 and not float(gpus).is_integer():
        yield f"gpus_per_trial above 1 must be a whole number, got {gpus}. A fraction shares one GPU."
    elif most is not None and gpus > most:
        name = getattr(experiment.trainable, "name", "the trainable")
        remedy = f"Use {most} or a fraction of it." if most else "Use 0."
        yield f"gpus_per_trial is {gpus}, but {name} uses at most {most}. {remedy}"


def _other_resources(resources: Any) -> Iterator[str]:
    if not isinstance(resources, Mapping):
        yield f"resources_per_trial must be a dict of names and numbers, got {resources!r}. Use {{'big_memory': 1}}."
        return
    for name, amount in resources.items():
        if not isinstance(name, str) or not name:
            yield f"resources_per_trial: {name!r} is not a name. Use the name that nodes are started with."
        elif name.lower() in INSTEAD:
            yield f"resources_per_trial has {name!r}. {INSTEAD[name.lower()]}"
        elif not _number(amount) or amount < SMALLEST_SHARE:
            yield (
                f"resources_per_trial: {name} must be a number of at least {SMALLEST_SHARE:g}, got {amount!r}. "
                "Leave out what a trial does not need."
            )


def _policies(experiment: Experiment, *, whole: bool) -> Iterator[str]:
    search: Any = adapted_searcher(experiment)
    scheduler: Any = adapted_scheduler(experiment)
    if not isinstance(search, Searcher) or inspect.isclass(search):
        yield (
            f"search must be a searcher such as HyperOpt() or Random(), got {search!r}. An object of any ray.tune "
            "Searcher is one as well."
        )
    elif search is experiment.search and not hasattr(search, "__dataclass_fields__"):
        yield _no_value("search", search)
    elif whole:
        found = search.faults(experiment.searched)
        sizes = getattr(search, "size_faults", None)  # a grid's
        yield from found or (sizes(experiment.searched) if sizes else [])
    if not isinstance(scheduler, Scheduler) or inspect.isclass(scheduler):
        yield (
            f"scheduler must be a scheduler such as ASHA() or FIFO(), got {scheduler!r}. An object of any ray.tune "
            "TrialScheduler is one as well."
        )
    elif scheduler is experiment.scheduler and not hasattr(scheduler, "__dataclass_fields__"):
        yield _no_value("scheduler", scheduler)
    elif _whole(experiment.epochs) and experiment.epochs >= 1:
        yield from scheduler.faults(experiment.epochs, _trials(experiment))


def _trials(experiment: Experiment) -> int:
    """The number of trials; where it is none, which is told by itself, so many that schedulers have enough."""
    return experiment.num_trials if _whole(experiment.num_trials) and experiment.num_trials >= 1 else 10**6


def _no_value(field: str, value: object) -> str:
    return (
        f"{field} is a {type(value).__name__}, which is no dataclass; the sweep's record keeps its fields. "
        "Decorate the class with @dataclass(frozen=True, kw_only=True)."
    )


def _searched_epochs(experiment: Experiment) -> Iterator[str]:
    searched = {dimension.name: dimension for dimension in experiment.searched.dimensions}
    if "epochs" not in searched:
        yield (
            f"space.epochs is the constant {experiment.space['epochs']!r}, but the budget has one owner. Remove it "
            "from the space and set Experiment(epochs=...)."
        )
        return
    scheduler = adapted_scheduler(experiment)
    if (
        isinstance(scheduler, Scheduler)
        and not scheduler.faults(experiment.epochs, _trials(experiment))
        and scheduler.rungs(experiment.epochs)
    ):
        yield (
            f"space.epochs is searched, which goes with FIFO() only: {type(experiment.scheduler).__name__} compares "
            "trials of one budget. Use FIFO(), or remove epochs from the space."
        )
    largest = max((value for value in extremes(searched["epochs"]) if _whole(value)), default=0)
    if largest > experiment.epochs:
        yield f"space.epochs goes up to {largest}, above epochs={experiment.epochs}. Set epochs={largest}."


def _start_points(experiment: Experiment, space: SearchSpace) -> Iterator[str]:
    yield from start_point_faults(space, experiment.start_points, np.random.default_rng(0))


def _unknown_keys(experiment: Experiment) -> Iterator[str]:
    """Names that the trainable does not take, for a space of which no configuration can be made yet."""
    if isinstance(experiment.trainable, Trainable):
        blind = dataclasses.replace(experiment.trainable, check=None)
        for key in map(str, experiment.space):
            if key not in blind.config_type.model_fields:
                yield from (f"space: {fault}" for fault in blind.faults({key: 0}) if repr(key) in fault)


def _configurations(experiment: Experiment, space: SearchSpace) -> Iterator[str]:
    if not isinstance(experiment.trainable, Trainable):
        return
    # Whether its data is there is asked when a sweep starts: an experiment can be read where it cannot run.
    blind = dataclasses.replace(experiment.trainable, check=None)
    for config in corner_configurations(experiment, space):
        faults = blind.faults(config)
        yield from (f"space: {fault}" for fault in faults)
        if not faults:
            yield from unreported(experiment, config)


def unreported(experiment: Experiment, config: Mapping[str, Any]) -> Iterator[str]:
    """Why the metric will not be among what a sound configuration reports, as far as the data at hand tells."""
    trainable = experiment.trainable
    if not isinstance(trainable, Trainable):
        return
    reported = trainable.metrics_of(config)
    if experiment.metric in trainable.metrics and experiment.metric not in reported:
        listed = ", ".join(name for name in trainable.metrics if name in reported)
        yield (
            f"metric '{experiment.metric}' is one that {trainable.name} does not report for this space "
            f"(it reports {listed}). Choose one of them, or change the space."
        )
