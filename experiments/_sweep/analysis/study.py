"""A sweep as a study of Optuna's: for its importance evaluators here, and for its dashboard elsewhere."""

from __future__ import annotations

import datetime as dt
import math
import warnings
from typing import TYPE_CHECKING, Any, Literal

from experiments._sweep.analysis.axis import is_number
from experiments._sweep.analysis.searched import searched
from experiments._sweep.analysis.texts import storable
from experiments._sweep.ledger.records import SUCCESSES
from experiments._sweep.ledger.trial_history import value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from experiments._sweep.analysis.axis import Axis
    from experiments._sweep.analysis.searched import Searched
    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import TrialHistory

NORMAL_WIDTH = 6
"""Optuna has no normal distribution: one stands as a range of so many standard deviations on each side."""

MOST_STEPS = 1e9
"""From so many steps on a range is taken as continuous, which it is to a searcher; Optuna cannot count more."""


def frozen_trials(history: History) -> list[FrozenTrial]:
    """The trials of a sweep as Optuna has them, by number.

    Completed ones are COMPLETE, stopped ones PRUNED, failed ones FAIL, all others RUNNING. The value of the first two
    is the one that stands for the trial; the metric by epoch is in the intermediate values. Parameters that a
    configuration does not have are absent. User attributes: `ending`, `why`, `origin`, `epoch` (of the value),
    `epochs`, `seconds` (of training), `bracket`, `config`, `metrics/NAME` for what else was measured at that epoch, and
    `value` of those to which Optuna gives none.
    """
    found = searched(history)
    distributions = {} if found is None else {axis.name: distribution(axis, found) for axis in found.axes}
    return [_frozen(history, trial, found, distributions) for trial in history.trials.values()]


def distribution(axis: Axis, found: Searched) -> BaseDistribution:
    """Where the values of an axis come from, in Optuna's terms: with its bounds, scale and step."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if not axis.numeric:
        return CategoricalDistribution(choices(axis) or ("",))
    lower, upper = found.bounds(axis)
    if axis.lower is None and axis.mean is not None and axis.sd is not None:
        reach = NORMAL_WIDTH * axis.sd
        lower, upper = min(lower, axis.mean - reach), max(upper, axis.mean + reach)
    seen = [row[axis.name] for row in found.values.values() if axis.name in row]
    if axis.kind == "int":
        step = 1 if axis.log else int(axis.step or 1)
        on_grid = all((value - int(lower)) % step == 0 for value in [int(upper), *seen])
        return IntDistribution(math.floor(lower), math.ceil(upper), log=axis.log, step=step if on_grid else 1)
    step_size = None if axis.log or not _on_grid([upper, *seen], lower, axis.step) else axis.step
    return FloatDistribution(float(lower), float(upper), log=axis.log, step=step_size)


def choices(axis: Axis) -> tuple[Any, ...]:
    """The categories as Optuna takes them: as they are where they are plain and told apart, else as texts."""
    plain = all(value is None or isinstance(value, bool | int | float | str) for value in axis.categories)
    distinct = len({(value, type(value) is bool) for value in axis.categories if plain}) == len(axis.categories)
    mixed = {bool(isinstance(value, bool)) for value in axis.categories}
    return tuple(storable(axis.categories if plain and distinct and len(mixed) < 2 else axis.labels))


def _on_grid(values: Iterable[float], lower: float, step: float | None) -> bool:
    """Whether steps from the lower bound lead to all values, as Optuna asks it of a step."""
    if not step:
        return False
    steps = [(value - lower) / step for value in values]
    return all(each < MOST_STEPS and math.isclose(each, round(each), abs_tol=1e-6) for each in steps)


def _frozen(
    history: History, trial: TrialHistory, found: Searched | None, distributions: Mapping[str, BaseDistribution]
) -> FrozenTrial:
    from optuna.trial import FrozenTrial, TrialState

    values = {} if found is None else found.values[trial.number]
    params = {name: parameter(found.axis(name), value) for name, value in values.items()} if found else {}
    state = _state(trial)
    start, end = _times(history, trial)
    return FrozenTrial(
        number=trial.number,
        trial_id=trial.number,
        state=state,
        value=trial.value if state.is_finished() and state != TrialState.FAIL else None,
        datetime_start=start,
        datetime_complete=end if state.is_finished() else None,
        params={storable(name): value for name, value in params.items()},
        distributions={storable(name): distributions[name] for name in params},
        user_attrs=storable(_attributes(trial)),
        system_attrs={},
        intermediate_values=_intermediate(trial),
    )


def parameter(axis: Axis, value: Any) -> Any:
    """A value of an axis as Optuna takes it."""
    if axis.numeric:
        return int(value) if axis.kind == "int" else float(value)
    number = axis.number_of(value)
    return choices(axis)[number or 0]


def _state(trial: TrialHistory) -> optuna.trial.TrialState:
    from optuna.trial import TrialState

    if not trial.ended:
        return TrialState.RUNNING
    if trial.value is None:
        return TrialState.FAIL
    return {"completed": TrialState.COMPLETE, "stopped": TrialState.PRUNED}.get(trial.state, TrialState.FAIL)


def _times(history: History, trial: TrialHistory) -> tuple[dt.datetime, dt.datetime]:
    """When it began and when it ended, by the clock on the wall, in local time as Optuna has it."""
    began = {driver.driver: driver.at for driver in history.drivers}
    first = min(began.values(), default=history.sweep.at)
    at = [
        began.get(segment.driver, first) + t for segment in trial.segments for t in (segment.started, segment.ended)
    ] or [first]
    start, end = (dt.datetime.fromtimestamp(each) for each in (min(at), max(at)))  # noqa: DTZ006 - as Optuna's own
    return start, end


def _intermediate(trial: TrialHistory) -> dict[int, float]:
    """The metric by epoch, where it is a number; NaN and the infinities too, which Optuna keeps."""
    found: dict[int, Any] = {epoch.epoch: epoch.metrics.get(trial.metric) for epoch in trial.epochs}
    return {epoch: float(value) for epoch, value in found.items() if isinstance(value, float) or is_number(value)}


def _attributes(trial: TrialHistory) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "ending": trial.state,
        "why": trial.why,
        "origin": trial.origin,
        "epoch": trial.epoch,
        "epochs": len(trial.epochs),
        "seconds": round(trial.seconds, 3),
        "config": trial.config,
    }
    if trial.value is not None and trial.state not in SUCCESSES:
        attributes["value"] = trial.value  # Optuna keeps none of a failed trial
    if trial.bracket is not None:
        attributes["bracket"] = trial.bracket
    if trial.epoch is not None:
        metrics = trial.epochs[trial.epoch - 1].metrics
        finite = {name: value_of(metrics, name) for name in metrics}
        attributes |= {f"metrics/{name}": value for name, value in finite.items() if value is not None}
    return attributes


def study_of(history: History, name: str, storage: Any = None) -> optuna.Study:
    """A study with the trials of a sweep, in memory, or in a storage of Optuna's, which has none of this name.

    Raises:
        optuna.exceptions.DuplicatedStudyError: If it has one.
    """
    import optuna

    direction: Literal["minimize", "maximize"] = "maximize" if history.asks["mode"] == "max" else "minimize"
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(study_name=storable(name), direction=direction, storage=storage)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # the name of what is compared
            study.set_metric_names([storable(history.asks["metric"])])
        for key, value in storable(_of_the_sweep(history)).items():
            study.set_user_attr(key, value)
        study.add_trials(frozen_trials(history))
    finally:
        optuna.logging.set_verbosity(before)
    return study


def _of_the_sweep(history: History) -> dict[str, Any]:
    asks, best = history.asks, history.best
    return {
        "question": history.sweep.question,
        "trainable": asks["trainable"],
        "search": asks["search"],
        "scheduler": asks["scheduler"],
        "epochs": asks["epochs"],
        "seed": asks["seed"],
        "versions": history.versions,
        "best_trial": None if best is None else best.number,
    }
