"""The peers: Optuna's TPESampler and GPSampler with their defaults, over the same space."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import optuna

if TYPE_CHECKING:
    from search_spaces import Dimension, SearchSpace, Values

optuna.logging.set_verbosity(optuna.logging.ERROR)


def suggested(trial: optuna.trial.BaseTrial, space: SearchSpace) -> Values:
    """Return what an Optuna trial suggests in a space: of branches the number first, then only what the branch has."""
    values: Values = {}
    for dimension in space.dimensions:
        if all(values.get(path) == number for path, number in dimension.when):
            values[dimension.path] = _suggested(trial, dimension)
    return values


def _suggested(trial: optuna.trial.BaseTrial, dimension: Dimension) -> Any:
    if dimension.kind in ("choice", "branch"):
        return trial.suggest_categorical(dimension.name, dimension.categories)
    if dimension.lower is None:
        raise ValueError(f"Optuna has no normal distribution for {dimension.name}; write tune.uniform")
    lower, upper, log = dimension.lower, dimension.upper, dimension.log
    if dimension.kind == "int":
        return trial.suggest_int(dimension.name, lower, upper, step=dimension.step, log=log)
    return trial.suggest_float(dimension.name, lower, upper, step=dimension.step, log=log)


class OptunaSampler:
    """One of Optuna's samplers, asked and told."""

    def __init__(self, name: str, space: SearchSpace, seed: int) -> None:
        samplers = {"optuna-tpe": optuna.samplers.TPESampler, "optuna-gp": optuna.samplers.GPSampler}
        with warnings.catch_warnings(action="ignore", category=optuna.exceptions.ExperimentalWarning):
            self._study = optuna.create_study(sampler=samplers[name](seed=seed))
        self._space = space
        self._trial: optuna.Trial | None = None

    def ask(self) -> dict[str, Any]:
        """Return the next configuration."""
        self._trial = self._study.ask()
        return self._space.configuration(suggested(self._trial, self._space))

    def tell(self, value: float | None) -> None:
        """Learn its value; a failed trial gets the state FAIL, as one that raises in `optimize` does."""
        assert self._trial is not None
        state = optuna.trial.TrialState.FAIL if value is None else None
        self._study.tell(self._trial, value, state=state)
