"""Which hyperparameters decide whether a trial gets among the leading ones; by Optuna's evaluator, on the ledger."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments._sweep.analysis.answer import counted
from experiments._sweep.analysis.leading import FEWEST, leading_share, places
from experiments._sweep.analysis.searched import searched
from experiments._sweep.analysis.study import distribution, parameter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import optuna
    from numpy.typing import NDArray

    from experiments._sweep.analysis.searched import Searched
    from experiments._sweep.ledger.history import History

    Floats = NDArray[np.float64]

EVALUATOR = "PED-ANOVA"
PAPER = "Watanabe, Bansal, Hutter: PED-ANOVA, Efficiently Quantifying Hyperparameter Importance in Arbitrary Subspaces"
URL = "https://arxiv.org/abs/2304.10255"
LEVEL = 0.05
MANY = 200
"""Trials from which on each look at them takes long, and fewer looks tell as much."""
INTERVAL = (2.5, 97.5)


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one hyperparameter has in it."""

    name: str
    share: float
    """From 0 to 1; those of all hyperparameters add up to 1."""
    low: float
    high: float
    """In between, the share lies in 95 of 100 halves of the trials drawn at random: as wide as that of as many fresh
    trials would be."""
    chance: float
    """How often one of the hyperparameters reaches as much where the trials' places are shuffled, from 0 to 1."""
    stands_out: bool
    """Whether that is 1 in 20 at most."""
    trials: int
    """How many of the trials have it."""


@dataclass(frozen=True, kw_only=True)
class Importance:
    """The shares, the largest first, and what they rest on."""

    shares: tuple[Share, ...] = ()
    trials: int = 0
    leading: int = 0
    """How many of them count as leading."""
    evaluator: str = EVALUATOR
    paper: str = PAPER
    url: str = URL
    reason: str = ""
    """Why there are no shares, in a sentence; empty where there are."""
    notes: tuple[str, ...] = ()
    """What a reader should know, a sentence each."""


@dataclass(frozen=True)
class _Judged:
    """The trials that are judged."""

    study: optuna.Study
    places: Floats
    """The place of each, 0 for the best."""
    quantile: float
    """How much of them is leading."""

    @property
    def leading(self) -> int:
        """How many are, those included that are as good as the last of them."""
        last = np.sort(self.places)[math.ceil(self.quantile * len(self.places)) - 1]
        return int((self.places <= last).sum())

    def raw(self, names: Sequence[str], at: Floats) -> Floats:
        """What the evaluator says of each hyperparameter, where the trials have these places; a NaN leaves one out."""
        import optuna

        evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=self.quantile)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # few trials: told by `trials`, `low` and `high`
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # what is not normalized
            found = optuna.importance.get_param_importances(
                self.study, evaluator=evaluator, target=lambda trial: float(at[trial.number]), normalize=False
            )
        return np.array([max(0.0, float(found.get(name, 0.0))) for name in names])


def importance(
    history: History, *, resamples: int | None = None, shuffles: int | None = None, seed: int = 0
) -> Importance:
    """How much each hyperparameter decides whether a trial is among the leading ones, by PED-ANOVA.

    Only the order of the trials counts, so one that was stopped early, and has a value of few epochs, is compared as
    fairly as can be; those that failed come last. Hyperparameters of branches are judged on the trials that have them.

    Args:
        history: The sweep.
        resamples: Halves of the trials from which the intervals come: 100, and 50 where there are many trials.
        shuffles: Shuffled orders that say what chance alone gives: 199, and 99 where there are many trials.
        seed: Of both.
    """
    found, ranks = searched(history), places(history)
    able = sum(1 for trial in history.by_rank() if trial.number in ranks)
    reason = _reason(found, ranks, able)
    if found is None or reason:
        return Importance(trials=len(ranks), reason=reason)
    counts = {axis.name: sum(axis.name in found.values[number] for number in ranks) for axis in found.axes}
    names = [name for name, count in counts.items() if count >= FEWEST]
    if not names:
        return Importance(trials=len(ranks), reason=f"No hyperparameter is shared by {FEWEST} trials that have ended.")
    judged = _judged(found, ranks, names, able)
    raw = judged.raw(names, judged.places)
    if not raw.sum() > 0:
        return Importance(trials=len(ranks), reason="The leading trials have the same values as all the others.")
    rng = np.random.default_rng(seed)
    halves, orders = (100, 199) if len(ranks) <= MANY else (50, 99)
    low, high = _interval(judged, names, rng, halves if resamples is None else resamples)
    chance = _chance(judged, names, raw, rng, orders if shuffles is None else shuffles)
    shares = raw / raw.sum()
    made = [
        Share(
            name=name,
            share=float(shares[at]),
            low=float(min(low[at], shares[at])),
            high=float(max(high[at], shares[at])),
            chance=float(chance[at]),
            stands_out=bool(chance[at] <= LEVEL),
            trials=counts[name],
        )
        for at, name in enumerate(names)
    ]
    made.sort(key=lambda each: -each.share)
    return Importance(
        shares=tuple(made),
        trials=len(ranks),
        leading=judged.leading,
        notes=_notes(history, counts, found),
    )


def _reason(found: Searched | None, ranks: Mapping[int, int], able: int) -> str:
    if found is None:
        return "Nothing was searched."
    if len(ranks) < FEWEST:
        have = "has" if len(ranks) == 1 else "have"
        return f"{counted(len(ranks), 'trial')} {have} ended, and it takes {FEWEST} to say anything of what mattered."
    if able == 0:
        return "Every trial failed."
    if len(set(ranks.values())) == 1:
        return "All trials are equally good."
    return ""


def _judged(found: Searched, ranks: Mapping[int, int], names: Sequence[str], able: int) -> _Judged:
    import optuna

    distributions = {axis.name: distribution(axis, found) for axis in found.axes if axis.name in names}
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study()
    finally:
        optuna.logging.set_verbosity(before)
    for place in ranks:
        values = {name: value for name, value in found.values[place].items() if name in distributions}
        study.add_trial(
            optuna.trial.create_trial(
                value=0.0,
                params={name: parameter(found.axis(name), value) for name, value in values.items()},
                distributions={name: distributions[name] for name in values},
            )
        )
    for trial in study.get_trials(deepcopy=False):  # one object each: the evaluator compares them a thousand times
        trial.distributions = {name: distributions[name] for name in trial.distributions}
    # Where most trials failed, those that did not are the leading ones; a half less, for what rounding may add.
    quantile = min(leading_share(len(ranks)), (able - 0.5) / len(ranks))
    return _Judged(study, np.array([*ranks.values()], dtype=float), quantile)


def _interval(judged: _Judged, names: Sequence[str], rng: np.random.Generator, count: int) -> tuple[Floats, Floats]:
    """The shares that all but a few of the halves lie between.

    A half drawn without replacement varies as a whole sample does from the next; drawn with replacement, a trial would
    stand beside itself and look like agreement.
    """
    size = len(judged.places)
    rows = []
    for _ in range(count):
        half = judged.places.copy()
        half[rng.choice(size, size // 2, replace=False)] = np.nan
        raw = judged.raw(names, half)
        if raw.sum() > 0:
            rows.append(raw / raw.sum())
    if not rows:
        return np.zeros(len(names)), np.ones(len(names))
    low, high = np.percentile(np.array(rows), INTERVAL, axis=0)
    return low, high


def _chance(judged: _Judged, names: Sequence[str], raw: Floats, rng: np.random.Generator, count: int) -> Floats:
    """How often shuffled places give the largest of all hyperparameters as much as each has (Westfall and Young)."""
    shuffled = np.array([judged.raw(names, rng.permutation(judged.places)) for _ in range(count)])
    mean, sd = shuffled.mean(axis=0), shuffled.std(axis=0)
    sd = np.where(sd > 0, sd, np.inf)
    largest = ((shuffled - mean) / sd).max(axis=1)
    reached: Any = (largest[:, None] >= ((raw - mean) / sd)[None, :]).sum(axis=0)
    return np.asarray((1 + reached) / (1 + count), dtype=float)


def _notes(history: History, counts: Mapping[str, int], found: Searched) -> tuple[str, ...]:
    notes = []
    rare = [name for name, count in counts.items() if count < FEWEST]
    if rare:
        them = "it" if len(rare) == 1 else "each of them"
        notes.append(f"Of {', '.join(rare)} nothing is said: fewer than {FEWEST} of the trials have {them}.")
    origins = {trial.origin for trial in history.trials.values()} - {"random", "grid", "start point"}
    if origins:
        notes.append(
            "The searcher moved several hyperparameters together towards what had worked, so one may owe its share to "
            "another one. Trials drawn at random would tell them apart."
        )
    stopped = sum(1 for _ in history.in_state("stopped"))
    if stopped:
        were, stand = ("was", "stands") if stopped == 1 else ("were", "stand")
        notes.append(f"{counted(stopped, 'trial')} {were} stopped early and {stand} with the value reached until then.")
    return (*notes, *([found.note] if found.note else []))
