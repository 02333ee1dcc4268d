"""The search for the configuration that the acquisition function wants most, among those that may be tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from experiments.searchers._gp.acquisition import Acquisition
    from experiments.searchers._gp.cube import Cube
    from experiments.searchers._gp.model import Posterior

    Floats = NDArray[np.float64]

_LISTED = 3000  # configurations of a finite space up to which all are looked at
_DRAWS = 2000  # from the whole cube
_NEAR = 60  # around each good trial, for each of the widths
_WIDTHS = (0.2, 0.05, 0.01)  # standard deviations, in edges of the cube
_STARTS = 8  # candidates that are improved
_ROUNDS = 3  # of climbing and stepping
_LEVELS = 24  # of a dimension that are tried in a step, the nearest ones
_OPTIONS = 100  # of a choice that are tried in a step, drawn from more: each is a row, and as wide as there are options
_APART = 0.02  # from running trials, in edges of the cube
_LAST = 1e6  # taken off the score of what is nearer
_WORTH = 1e-3  # gain in score for which another round is made


class Search:
    """Candidates and their scores.

    The package's own search (10,000 random points, then differential evolution wherever a dimension is not continuous)
    takes a second, moves in spaces without branches only, and fails where it does not converge. This one is as
    Optuna's: draws from the whole cube and near the best trials, the best of them improved by gradients where they are
    continuous and level by level where they are not.
    """

    def __init__(
        self,
        cube: Cube,
        posterior: Posterior,
        acquisition: Acquisition,
        accepts: Callable[[Floats], bool],
        running: Floats,
    ) -> None:
        self._cube, self._posterior, self._acquisition, self._accepts = cube, posterior, acquisition, accepts
        self._running = running
        self._rows = np.empty((0, len(cube.axes)))
        self._scores = np.empty(0)

    def run(self, good: Floats, rng: np.random.Generator) -> Floats | None:
        """The row with the highest score of all that were looked at; None where none of them may be tried.

        Args:
            good: Rows of good trials, of shape (trials, dimensions).
            rng: Of the draws.
        """
        size = self._cube.space.size
        if size is not None and size <= _LISTED:
            self._add(self._cube.everything)
            return next(self._acceptable(self._scores), None)
        self._add(self._cube.settle(rng.random((_DRAWS, len(self._cube.axes)))))
        self._add(self._near(good, rng))
        rows = self._starts(rng)
        for _ in range(_ROUNDS if len(rows) else 0):
            before = self._scores.max()
            rows = self._stepped(self._climbed(rows), rng)
            if self._scores.max() < before + _WORTH:
                break
        return next(self._acceptable(self._scores), None)

    def _add(self, rows: Floats) -> Floats:
        """Looks at rows; their scores.

        A process that is sure of a minimum expects a little more of it next to each running trial. Those places come
        last, when nothing else may be tried.
        """
        features = self._cube.features(rows)
        scores = self._acquisition.score(*self._posterior.predict(features))
        if len(self._running):
            scores[(cdist(features, self._running) < _APART).any(axis=1)] -= _LAST
        self._rows, self._scores = np.vstack([self._rows, rows]), np.concatenate([self._scores, scores])
        return scores

    def _acceptable(self, priorities: Floats) -> Iterator[Floats]:
        """The rows that may be tried, the highest priority first."""
        return (row for row in self._rows[np.argsort(-priorities, kind="stable")] if self._accepts(row))

    def _near(self, good: Floats, rng: np.random.Generator) -> Floats:
        """Rows around good ones: some coordinates moved, by little or by much; categories without an order drawn."""
        rows = np.repeat(good, _NEAR * len(_WIDTHS), axis=0)
        widths = np.tile(np.repeat(_WIDTHS, _NEAR), len(good))[:, None]
        drawn = rng.random(rows.shape)
        units = np.where(np.isnan(rows), drawn, rows)
        is_moved = rng.random(rows.shape) < max(0.3, 1 / rows.shape[1])
        steps = units + widths * rng.standard_normal(rows.shape)
        steps = np.abs(1 - np.abs(1 - np.abs(steps)))  # reflected at the edges of the cube
        return self._cube.settle(np.where(is_moved, np.where(self._cube.is_ordered, steps, drawn), units))

    def _starts(self, rng: np.random.Generator) -> Floats:
        """The best row, and others drawn with probabilities in proportion to the expected improvement."""
        chances = self._scores + rng.gumbel(size=len(self._scores))
        chances[np.argmax(self._scores)] = np.inf
        return np.array([row for row, _ in zip(self._acceptable(chances), range(_STARTS), strict=False)])

    def _climbed(self, rows: Floats) -> Floats:
        """Rows with their continuous coordinates moved uphill, all together by L-BFGS-B."""
        is_free = ~np.isnan(rows) & self._cube.is_continuous
        if not is_free.any():
            return rows
        columns = np.searchsorted(self._cube.owners, np.arange(rows.shape[1]))

        def loss(coordinates: Floats) -> tuple[float, Floats]:
            moved = rows.copy()
            moved[is_free] = coordinates
            mean, sd, mean_slopes, sd_slopes = self._posterior.slopes(self._cube.features(moved))
            score, by_mean, by_sd = self._acquisition.slopes(mean, sd)
            slopes = by_mean[:, None] * mean_slopes + by_sd[:, None] * sd_slopes
            return -float(score.sum()), -slopes[:, columns][is_free]

        bounds = [(0.0, 1.0)] * int(is_free.sum())
        options = {"maxiter": 40, "ftol": 1e-6}
        found = minimize(loss, rows[is_free], jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        climbed = rows.copy()
        climbed[is_free] = found.x
        self._add(climbed)
        return climbed

    def _stepped(self, rows: Floats, rng: np.random.Generator) -> Floats:
        """Each row with the best change of one dimension that has levels; a branch not chosen before is drawn."""
        changes = [self._changes(row, rng) for row in rows]
        if not sum(map(len, changes)):
            return rows
        neighbours = self._cube.settle(np.vstack(changes))
        ends = np.cumsum([len(change) for change in changes])[:-1]
        scores = np.split(self._add(neighbours), ends)
        groups = zip(rows, np.split(neighbours, ends), scores, strict=True)
        return np.array([group[np.argmax(mine)] if len(mine) else row for row, group, mine in groups])

    def _changes(self, row: Floats, rng: np.random.Generator) -> Floats:
        """Points of the cube with one coordinate at one of its levels, the row itself among them."""
        filled = np.where(np.isnan(row), rng.random(len(row)), row)
        found = [np.empty((0, len(row)))]
        for i, axis in enumerate(self._cube.axes):
            if axis.levels is None or np.isnan(row[i]):
                continue
            levels = axis.levels
            if axis.is_ordered:
                levels = levels[np.argsort(np.abs(levels - row[i]), kind="stable")[:_LEVELS]]
            elif len(levels) > _OPTIONS:
                levels = np.append(rng.choice(levels, _OPTIONS, replace=False), row[i])
            points = np.repeat(filled[None], len(levels), axis=0)
            points[:, i] = levels
            found.append(points)
        return np.vstack(found)
