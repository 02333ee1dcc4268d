"""What is confirmed: the leading configurations of a search, and the trainable's defaults beside them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trainables import Trainable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from experiments._sweep.experiment import Experiment
    from experiments._sweep.ledger.history import History

DEFAULTS = "defaults"
SEEDS = ("seed", "split_seed")
"""Fields of a configuration that chance comes from: initial weights and order of the rows; training and validation."""
_STREAM = 3  # start points and searchers draw from 2 and 1


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A configuration that is trained anew."""

    label: str
    """`trial 41`, or `defaults`."""
    trial: int | None
    """The trial of the search that had it, None for the defaults."""
    config: dict[str, Any]
    """As the search had it, its seeds included."""
    promised: float | None
    """The value that the search reports for it, None for the defaults."""


def leading(history: History, top: int) -> list[Candidate]:
    """The best trials of a search, at most `top`, the best first; of those with one configuration the best one.

    Where the last value counts, they have got as far as the best one: a mean of fewer folds is of other rows, and what
    it promises cannot be compared.
    """
    found: dict[str, Candidate] = {}
    for trial in history.ranked:
        if history.last_counts and history.best is not None and trial.epoch != history.best.epoch:
            break
        label = f"trial {trial.number}"
        candidate = Candidate(label=label, trial=trial.number, config=trial.config, promised=trial.value)
        found.setdefault(_identity(trial.config), candidate)
        if len(found) == top:
            break
    return list(found.values())


def fixed(asks: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """The constants of a sweep's space, nested as they stood there, read from its ledger: the file may have changed.

    Args:
        asks: What the sweep asked.
        config: Of any of its trials; it tells a list, of which constants are no part, from a dict.
    """
    found: dict[str, Any] = {}
    for path, meaning in asks["space"].items():
        *outer, last = path.split(".")
        if "constant" in meaning and _are_dicts(config, outer):
            inner = found
            for key in outer:
                inner = inner.setdefault(key, {})
            inner[last] = meaning["constant"]
    return found


def _are_dicts(config: Any, keys: Sequence[str]) -> bool:
    """Whether each key, one inside the other, leads to a dict."""
    for key in keys:
        config = config.get(key)
        if not isinstance(config, dict):
            return False
    return True


def defaults(experiment: Experiment, asks: Mapping[str, Any], config: Mapping[str, Any]) -> Candidate | str:
    """The trainable's own values for everything that was searched; or why there are none, in a sentence.

    Constants of the space stay, for they are part of the question; and so is the budget, also where it was searched.

    Args:
        experiment: Gives the trainable.
        asks: What the sweep asked.
        config: Of any of its trials.
    """
    trainable = experiment.trainable
    if not isinstance(trainable, Trainable):
        return "a plain Ray function has none."
    given = fixed(asks, config)
    if experiment.takes("epochs"):
        given["epochs"] = asks["epochs"]
    faults = trainable.faults(given)
    if faults:
        return f"{faults[0].rstrip('.')}."
    own = trainable.config_type.model_validate(given).model_dump(mode="json")
    searched = [path.partition(".")[0] for path, meaning in asks["space"].items() if "constant" not in meaning]
    config = {**given, **{name: own[name] for name in searched if name in own and name != "epochs"}}
    return Candidate(label=DEFAULTS, trial=None, config=config, promised=None)


def with_defaults(
    candidates: list[Candidate], experiment: Experiment, asks: Mapping[str, Any]
) -> tuple[list[Candidate], list[str]]:
    """The candidates (one at least) with the defaults behind them, and what is to be said of these."""
    found = defaults(experiment, asks, candidates[0].config)
    if isinstance(found, str):
        return candidates, [f"Not compared with the trainable's defaults: {found}"]
    same = [each.label for each in candidates if _identity(each.config) == _identity(found.config)]
    if same:
        return candidates, [f"The trainable's defaults are the configuration of {same[0]}."]
    return [*candidates, found], []


def drawn_anew(experiment: Experiment, asks: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """The seeds that a confirmation draws: of the training, and of the split.

    The split is drawn anew as well where the space does not fix it, since it is a source of chance like the others
    (Bouthillier et al., "Accounting for Variance in Machine Learning Benchmarks", MLSys 2021). Searched seeds are
    drawn anew, so that all configurations have the same.

    Args:
        experiment: Gives the trainable.
        asks: What the sweep asked.
        config: Of any of its trials, and sound: it tells whether another seed makes another split at all.
    """
    is_fixed = "constant" in asks["space"].get("split_seed", ())
    trainable = experiment.trainable
    splits = not is_fixed and isinstance(trainable, Trainable) and trainable.splits_anew(experiment.whole(config))
    return ["seed", "split_seed"] if splits else ["seed"]


def fresh_seeds(experiment: Experiment, names: Sequence[str], number: int, count: int) -> list[dict[str, int]]:
    """Seeds that no trial of the search had, the same for all configurations.

    Args:
        experiment: The search; its seed decides.
        names: Of the seeds, as `drawn_anew` gives them.
        number: Of the confirmation, from 1: another one has other seeds.
        count: How many; of more of them, the first are the same.
    """
    sequence = np.random.SeedSequence([experiment.seed, number], spawn_key=(_STREAM,))
    drawn = sequence.generate_state(count * len(names)).reshape(count, len(names))
    return [dict(zip(names, map(int, row), strict=True)) for row in drawn]


def _identity(config: dict[str, Any]) -> str:
    return json.dumps({key: value for key, value in config.items() if key not in SEEDS}, sort_keys=True)
