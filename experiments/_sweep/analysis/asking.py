"""What was asked: the question, the data, the ranges, the metric, and what was done to answer it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from experiments._sweep.analysis.answer import Answer, counted, finite, listed, told
from experiments._sweep.views.words import counts, duration, setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from experiments._sweep.analysis.axis import Axis
    from experiments._sweep.analysis.searched import Searched
    from experiments._sweep.ledger.history import History
    from experiments._sweep.sweep import Sweep

_METHODS = {"HyperOpt": "HyperOpt (TPE)", "BayesOpt": "BayesOpt (a Gaussian process)"}
"""Searchers whose method goes by another name than they do."""
_MOST_LISTED = 12
"""Categories of a choice, and fixed settings, that are named."""
_MOST_ALIKE = 4
"""Hyperparameters of one range that are named."""
_LONGEST = 60
"""Characters of a fixed setting."""


def asked(sweep: Sweep, found: Searched | None) -> Answer:
    """The question, and what was done to answer it."""
    history, asks = sweep.history, sweep.history.asks
    trials = history.limits.get("num_trials") or asks["num_trials"]
    axes = () if found is None else found.axes
    search, scheduler = (_name(asks.get(field)) for field in ("search", "scheduler"))
    trained = sum(len(trial.epochs) for trial in history.trials.values())
    fixed, rungs, meaning = fixed_settings(history), rungs_of(history), meaning_of(history)
    were = "was" if trained == 1 else "were"
    doing = "is searching" if sweep.live else "searched"
    method, of = _METHODS.get(search, search), counted(len(axes), "hyperparameter")
    how = f"{method} {doing} {of} of {asks['trainable']} with {scheduler}{_at_rungs(rungs)}."
    more = [
        how,
        *_data(fixed),
        _counts(history, meaning),
        *([f"Searched were {'; '.join(_ranges(axes))}."] if axes else []),
        f"{len(history.trials)} of {counted(trials, 'trial')} in {duration(history.seconds)}: {counts(history)}.",
        f"{counted(trained, 'epoch')} {were} trained, at most {asks['epochs']} in a trial.",
    ]
    facts = {
        "name": sweep.name,
        "question": history.sweep.question,
        "trainable": asks["trainable"],
        "metric": asks["metric"],
        "meaning": meaning,
        "mode": asks["mode"],
        "search": search,
        "scheduler": scheduler,
        "hyperparameters": [axis.name for axis in axes],
        "ranges": {axis.name: range_in_words(axis) for axis in axes},
        "fixed": fixed,
        "rungs": rungs,
        "trials": len(history.trials),
        "num_trials": trials,
        "epochs": asks["epochs"],
        "epochs_trained": trained,
        "seconds": history.seconds,
        "endings": {state: sum(1 for _ in history.in_state(state)) for state in dict.fromkeys(_states(history))},
        "target": asks.get("target"),
    }
    question = history.sweep.question or f"What is the best {asks['metric']} of {asks['trainable']}?"
    return Answer(question="What was asked?", sentence=question, more=tuple(more), facts=finite(facts))


def _states(history: History) -> Iterator[str]:
    return (trial.state for trial in history.trials.values())


def _name(asked_for: Any) -> str:
    return str(asked_for.get("name", "-")) if isinstance(asked_for, dict) else str(asked_for)


def _counts(history: History, meaning: str) -> str:
    """Which value of which metric stands for a trial."""
    asks = history.asks
    better = "higher" if asks["mode"] == "max" else "lower"
    which = "the last" if history.last_counts else "the best"
    what = f" ({meaning})" if meaning else ""
    return f"{asks['metric']}{what} counts, {better} is better; {which} epoch stands for a trial."


def _ranges(axes: Sequence[Axis]) -> Iterator[str]:
    """What was searched, the hyperparameters of one range together."""
    of_range: dict[str, list[str]] = {}
    for axis in axes:
        of_range.setdefault(range_in_words(axis), []).append(axis.name)
    for words, names in of_range.items():
        more = f" and {len(names) - _MOST_ALIKE} more" if len(names) > _MOST_ALIKE else ""
        yield f"{', '.join(names[:_MOST_ALIKE])}{more}: {words}"


def meaning_of(history: History) -> str:
    """What the metric measures, in the words of the trainable where it is one of ours; else empty."""
    name, metric = str(history.asks["trainable"]), str(history.asks["metric"])
    ours = any(path.replace("\\", "/").endswith(f"trainables/{name}.py") for path in history.code or {})
    if not ours or not name.isidentifier():
        return ""
    described = getattr(getattr(importlib.import_module("trainables"), name, None), "metrics", None)
    return str(described.get(metric, "")) if isinstance(described, dict) else ""


def fixed_settings(history: History) -> dict[str, Any]:
    """What the space says once and for all, by name."""
    space = history.asks.get("space")
    written = space.items() if isinstance(space, dict) else ()
    return {str(key): each["constant"] for key, each in written if isinstance(each, dict) and "constant" in each}


def _data(fixed: dict[str, Any]) -> Iterator[str]:
    """The data set first, then what else was not searched."""
    others = {key: value for key, value in fixed.items() if key != "dataset"}
    parts = [f"{key} {_short(value)}" for key, value in [*others.items()][:_MOST_LISTED]]
    more = f" and {len(others) - _MOST_LISTED} more" if len(others) > _MOST_LISTED else ""
    if "dataset" in fixed:
        yield f"The data set is {_short(fixed['dataset'])}{f'; fixed: {listed(parts)}{more}' if parts else ''}."
    elif parts:
        yield f"Fixed: {listed(parts)}{more}; no data set is named."


def _short(value: Any) -> str:
    text = told(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def rungs_of(history: History) -> list[int]:
    """The epochs at which trials were compared, as far as any got."""
    found = [epoch.rung for trial in history.trials.values() for epoch in trial.epochs]
    found += [trial.stopped_at for trial in history.trials.values()]
    return sorted({rung["epoch"] for rung in found if isinstance(rung, dict) and isinstance(rung.get("epoch"), int)})


def _at_rungs(rungs: list[int]) -> str:
    """Where a scheduler compares at every epoch, that is no list to be read."""
    if not 0 < len(rungs) <= _MOST_LISTED:
        return ""
    return f", which compared them at epoch{'' if len(rungs) == 1 else 's'} {listed([*map(str, rungs)])}"


def range_in_words(axis: Axis) -> str:
    """`0.0001 to 0.1, logarithmic`; `relu, tanh or gelu`; what a dimension was searched over."""
    if not axis.numeric:
        labels = list(axis.labels[:_MOST_LISTED])
        more = len(axis.labels) - len(labels)
        return ", ".join(labels) + (f" and {more} more" if more > 0 else "")
    if axis.mean is not None:
        return f"normal, mean {setting(axis.mean)}, sd {setting(axis.sd)}"
    if axis.lower is None or axis.upper is None:
        return "any number"
    log = ", logarithmic" if axis.log else ""
    step = f", in steps of {setting(axis.step)}" if axis.step not in (None, 1) else ""
    return f"{setting(axis.lower)} to {setting(axis.upper)}{log}{step}"
