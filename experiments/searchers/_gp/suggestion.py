"""One suggestion: what the process believes after the trials so far, and the configuration it finds most promising."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import ThreadpoolController

from experiments.searchers._gp.candidates import Search
from experiments.searchers._gp.cube import cube_of
from experiments.searchers._gp.model import Posterior, fit
from experiments.searchers._gp.warp import Warp, without_explosions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from experiments.searchers._gp.acquisition import Acquisition
    from experiments.searchers._gp.cube import Cube
    from search_spaces import SearchSpace, Values

    Floats = NDArray[np.float64]

_PENALTY = 0.25  # how much worse than the worst loss a failure is, in standard deviations of the losses
_GOOD = 5  # trials around which candidates are tried
_LARGEST, _SMALLEST = 1e100, 1e-100  # a loss beyond this, or a deviation below, could not be squared


@dataclass(frozen=True)
class Belief:
    """The process after the trials so far."""

    posterior: Posterior
    warp: Warp
    best: float
    """The highest target that it believes in at a trial that has not failed; noise is averaged out."""
    good: Floats
    """Rows of the trials at which it believes in the highest targets, the best first."""
    running: Floats
    """Features of the running trials."""


def suggest(
    space: SearchSpace,
    trials: Sequence[tuple[Values, float | None]],
    acquisition: Callable[..., Acquisition],
    accepts: Callable[[Values], bool],
    rng: np.random.Generator,
) -> tuple[Values, dict[str, float]] | None:
    """The most promising configuration with its acquisition value, mean and standard deviation in the loss's units.

    Args:
        space: Where to look.
        trials: Configurations and their losses: infinite of a failure, None while there is none.
        acquisition: Makes the acquisition function, given the `best` target so far and the `unit` of the targets.
        accepts: Whether a configuration may be tried.
        rng: Of the candidates.

    Returns:
        None if no candidate may be tried.
    """
    with _libraries().limit(limits=1, user_api="blas"):
        cube = cube_of(space)
        rows = cube.rows([values for values, _ in trials])
        belief = believe(cube, rows, np.array([_number(loss) for _, loss in trials]))
        search = Search(
            cube,
            belief.posterior,
            acquisition(best=belief.best),
            accepts=lambda row: accepts(cube.values(row)),
            running=belief.running,
        )
        row = search.run(belief.good, rng)
        return None if row is None else (cube.values(row), _in_units(belief, cube.features(row[None]), acquisition))


@cache
def _libraries() -> ThreadpoolController:
    """The loaded libraries of linear algebra, held to one thread here.

    Trials have the other cores, the matrices are small, and sums taken by several threads differ in the last bit from
    one machine to the next: a resumed sweep would propose something else.
    """
    return ThreadpoolController()


def believe(cube: Cube, rows: Floats, losses: Floats) -> Belief:
    """The process given trials.

    Args:
        cube: The space's.
        rows: The trials, of shape (trials, dimensions).
        losses: Infinite of a failure, NaN while there is none.
    """
    succeeded, running = np.isfinite(losses), np.isnan(losses)
    known = without_explosions(np.clip(losses[succeeded], -_LARGEST, _LARGEST))
    warp = Warp(known)
    targets = np.empty(len(losses))
    targets[succeeded] = warp.targets(known)
    targets[np.isinf(losses)] = targets[succeeded].min() - _PENALTY
    features = cube.features(rows)
    seen, told = features[~running], targets[~running]
    posterior = Posterior(seen, cube.owners, told, fit(seen, cube.owners, told))
    posterior = posterior.believing(features[running])
    means = np.where(np.isinf(losses), -np.inf, posterior.mean(features))
    order = np.argsort(-means, kind="stable")[: min(_GOOD, int(np.isfinite(means).sum()))]
    return Belief(posterior, warp, float(means.max()), rows[order], features[running])


def _in_units(belief: Belief, features: Floats, acquisition: Callable[..., Acquisition]) -> dict[str, float]:
    """Acquisition value, mean and standard deviation at one point, in units of the loss."""
    mean, sd = belief.posterior.predict(features)
    middle, low, high, best = belief.warp.losses(np.array([mean[0], mean[0] + sd[0], mean[0] - sd[0], belief.best]))
    half = max((high - low) / 2, np.spacing(abs(middle)), _SMALLEST)
    value = acquisition(best=-best, unit=half / sd[0]).value(np.array([-middle]), np.array([half]))
    found = {"value": value[0], "mean": middle, "sd": half}
    return {name: float(np.clip(number, -_LARGEST, _LARGEST)) for name, number in found.items()}


def _number(loss: float | None) -> float:
    return np.nan if loss is None else loss
