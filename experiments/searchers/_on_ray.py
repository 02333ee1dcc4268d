"""Our searchers in a plain Ray script: `tune.TuneConfig(search_alg=BayesOptSearch())`, with any scheduler of Ray's.

What they know is what the trials have told them, kept in JSON; the same code as in a sweep proposes from it.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from ray.tune.search import Searcher

from experiments._sweep.checks.corners import requirement_faults
from experiments._sweep.foreign.merging import merged
from experiments._sweep.policy import Observation
from experiments._sweep.proposing import next_proposal
from experiments.searchers.bayesopt import BayesOpt
from experiments.searchers.hyperopt import HyperOpt
from search_spaces import SearchSpace, searched, start_point_faults

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["BayesOptSearch", "HyperOptSearch"]

_FORMAT = 1


@dataclass
class _Told:
    """What is known of a trial of Ray's, or of a point that was evaluated elsewhere."""

    name: str
    """Ray's name of the trial, empty for a point."""
    config: dict[str, Any]
    losses: dict[int, float] = field(default_factory=dict)
    ending: str | None = None


class RaySearch(Searcher):  # type: ignore[misc]
    """A searcher of ours as Ray Tune's.

    The ranges are those of the Tuner's `param_space`, which may have constants of any type beside them, or `space`. A
    finite space ends the experiment when all of it was tried. Repeatable by its seed where trials end in the same
    order.

    Args:
        space: Names to constants and `ray.tune` domains, where the Tuner has no `param_space`.
        metric: The reported value that is compared; by default that of the Tuner.
        mode: `min` or `max`; by default that of the Tuner.
        start_points: Configurations, or parts of them, that are tried first.
        require: Whether a whole configuration may be tried.
        seed: From 0 to 2**32 - 1.
        **parameters: Those of the searcher, such as `n_initial_points`.

    Raises:
        ValueError: The space, a start point or a parameter has faults, from here or when the Tuner starts.
    """

    CKPT_FILE_TMPL = "searcher-state-{}.json"
    made_of: ClassVar[Callable[..., Any]]
    """The searcher's frozen value."""
    _metric: str | None
    _mode: str | None

    def __init__(
        self,
        space: Mapping[str, Any] | None = None,
        metric: str | None = None,
        mode: str | None = None,
        *,
        start_points: Sequence[Mapping[str, Any]] = (),
        require: Callable[[Mapping[str, Any]], bool] | None = None,
        seed: int = 0,
        **parameters: Any,
    ) -> None:
        super().__init__(metric=metric, mode=mode)
        self._value = type(self).made_of(**parameters)
        self._start_points, self._require, self._seed = list(start_points), require, seed
        self._space: SearchSpace | None = None
        self._suggested: list[_Told] = []
        """The trials in the order of their suggestions."""
        self._points: list[_Told] = []
        """What was evaluated elsewhere."""
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
            raise ValueError(f"seed must be a whole number from 0 to 2**32 - 1, got {seed!r}.")
        if require is not None and not callable(require):
            raise ValueError(f"require must be a function of a configuration, got {require!r}.")
        if space is not None:
            self._search(SearchSpace(space, require))

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: Mapping[str, Any], **spec: Any
    ) -> bool:
        """Takes metric, mode and ranges from the Tuner; False where it has a space already.

        Raises:
            ValueError: The searcher cannot search the ranges.
        """
        self._metric, self._mode = metric or self._metric, mode or self._mode
        if self._space is not None:
            return False
        require = None if self._require is None else partial(_allowed, self._require, dict(config))
        self._search(SearchSpace(searched(config), require))
        return True

    def _search(self, space: SearchSpace) -> None:
        faults = [*self._value.faults(space), *requirement_faults(space)]
        faults = faults or start_point_faults(space, self._start_points, np.random.default_rng(0))
        if faults:
            raise ValueError("\n".join(faults))
        self._space = space

    def suggest(self, trial_id: str) -> dict[str, Any] | str:
        """The searched values of a new trial, or `FINISHED` when a finite space is exhausted."""
        proposal = next_proposal(
            self._value,
            self._ready(),
            self._observations(),
            start_points=self._start_points,
            trial=len(self._suggested),
            seed=self._seed,
        )
        if proposal is None:
            return str(Searcher.FINISHED)
        self._suggested.append(_Told(name=trial_id, config=proposal.config))
        return json.loads(json.dumps(proposal.config))  # type: ignore[no-any-return]

    def on_trial_result(self, trial_id: str, result: Mapping[str, Any]) -> None:
        """Remembers the metric of an iteration; where it is missing or not finite, nothing."""
        trial = self._trial(trial_id)
        if trial is not None:
            self._remember(trial, result)

    def on_trial_complete(self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False) -> None:
        """Remembers how a trial ended: an error, a metric that is not finite, or well."""
        trial = self._trial(trial_id)
        if trial is None:
            return
        finite = self._remember(trial, result or {})
        if error or not trial.losses:
            trial.ending = "error" if finite is not False else "diverged"
        else:
            trial.ending = "diverged" if finite is False else "stopped"  # at its last epoch, by whomever

    def add_evaluated_point(
        self,
        parameters: Mapping[str, Any],
        value: float,
        error: bool = False,
        pruned: bool = False,
        intermediate_values: Sequence[float] | None = None,
    ) -> None:
        """Tells of a configuration that is known already.

        Args:
            parameters: Its searched values, nested as in the space.
            value: Its metric; not looked at after an error.
            error: Whether it failed.
            pruned: Whether it was stopped before its end.
            intermediate_values: Its metric by iteration, from the first.

        Raises:
            ValueError: The space does not have it.
        """
        space, sign = self._ready(), self._sign
        values = space.values_of(merged(space.space, parameters))
        if values is None:
            raise ValueError(f"{type(self).__name__}: the space does not have the evaluated point {dict(parameters)}.")
        told = _Told(name="", config=space.configuration(values), ending="stopped" if pruned else "completed")
        reported = [*(intermediate_values or ()), value]
        told.losses = {i: sign * float(each) for i, each in enumerate(reported, 1) if math.isfinite(each)}
        if error or not told.losses:
            told.losses, told.ending = {}, "error"
        self._points.append(told)

    def save(self, checkpoint_path: str) -> None:
        """Writes everything that it was told to a file, in JSON."""
        state = {
            "format": _FORMAT,
            "searcher": type(self).__name__,
            "suggested": [asdict(each) for each in self._suggested],
            "points": [asdict(each) for each in self._points],
        }
        Path(checkpoint_path).write_text(json.dumps(state), encoding="utf-8")

    def restore(self, checkpoint_path: str) -> None:
        """Reads what `save` has written.

        Raises:
            ValueError: It is no such file.
        """
        try:
            state = json.loads(Path(checkpoint_path).read_text(encoding="utf-8"))
            if (state["format"], state["searcher"]) != (_FORMAT, type(self).__name__):
                raise ValueError(f"it is of a {state['searcher']}, format {state['format']}")
            self._suggested, self._points = map(_read, (state["suggested"], state["points"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{checkpoint_path} cannot be read as the state of a {type(self).__name__}: {error!r}. Start a new "
                "experiment, and give it what is known by add_evaluated_point."
            ) from error

    @property
    def _sign(self) -> float:
        return -1.0 if self._mode == "max" else 1.0

    def _ready(self) -> SearchSpace:
        if self._space is None or not self._metric or not self._mode:
            name = type(self).__name__
            raise ValueError(
                f"{name} has no {'space' if self._space is None else 'metric and mode'} yet. Give them to the Tuner "
                f"(param_space, and metric and mode in tune.TuneConfig), or to {name}(space, metric=..., mode=...)."
            )
        return self._space

    def _trial(self, name: str) -> _Told | None:
        return next((each for each in reversed(self._suggested) if each.name == name), None)

    def _remember(self, trial: _Told, result: Mapping[str, Any]) -> bool | None:
        """Whether the result has a finite metric; None where it has none."""
        try:
            value = float(result[str(self._metric)])
        except (KeyError, TypeError, ValueError):
            return None
        if not math.isfinite(value):
            return False
        trial.losses[int(result.get("training_iteration", len(trial.losses) + 1))] = self._sign * value
        return True

    def _observations(self) -> list[Observation]:
        """Points have numbers below 0: they came before the first trial."""
        numbered = enumerate([*self._points, *self._suggested], -len(self._points))
        return [
            Observation(trial=number, config=told.config, losses=dict(sorted(told.losses.items())), ending=told.ending)
            for number, told in numbered
        ]


def _allowed(require: Callable[[Mapping[str, Any]], bool], space: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    return require(merged(space, config))


def _read(trials: list[dict[str, Any]]) -> list[_Told]:
    told = [_Told(**each) for each in trials]
    for each in told:
        each.losses = {int(epoch): float(loss) for epoch, loss in each.losses.items()}
    return told


class HyperOptSearch(RaySearch):
    """TPE, as `HyperOpt`."""

    made_of = HyperOpt


class BayesOptSearch(RaySearch):
    """A Gaussian process, as `BayesOpt`."""

    made_of = BayesOpt
