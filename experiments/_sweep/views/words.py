"""Values, times and endings in words, safe for a terminal."""

from __future__ import annotations

import json
import shlex
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.ledger.files import is_sweep
from experiments._sweep.ledger.records import FINAL_ENDINGS
from experiments._sweep.store.places import url_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import TrialHistory


_MOST_BESIDE = 8
"""Metrics that are named beside the one that is compared."""


def clean(text: str, *, lines: bool = False) -> str:
    """`text` without control characters: what a trial says must not move the cursor or change colours.

    Line breaks are kept only where `lines` are meant: one inside a value could look like a line of ours.
    """
    kept = "\n" if lines else ""
    return "".join(c if c.isprintable() or c in kept else "\N{REPLACEMENT CHARACTER}" for c in text)


def number(value: float | None, digits: int = 4) -> str:
    """A metric's value: `0.9712`, `3.1e-05`, `-` for none."""
    if value is None:
        return "-"
    if isinstance(value, int) and abs(value) > sys.float_info.max:
        return f"{Decimal(value):.{digits - 1}e}"
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.{digits}f}"
    return f"{value:.{digits - 1}e}"


def setting(value: Any) -> str:
    """A hyperparameter's value, as short as it can be told."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, str):
        return clean(value)
    return clean(json.dumps(value))


def settings(config: Mapping[str, Any], names: list[str]) -> str:
    """`lr 0.003, optimizer.name sgd`: what a flat configuration has under the names, which are keys of its top."""
    found = [key for name in names for key in config if key.partition(".")[0] == name]
    return ", ".join(f"{clean(key)} {setting(config[key])}" for key in found)


def place(path: Path) -> str:
    """A path as one would type it here: relative where it lies below the current folder, quoted where it must be.

    A sweep in an object store goes by its address.
    """
    if is_sweep(path) and (url := url_of(path)):
        return clean(shlex.quote(url))
    here = Path.cwd()
    return clean(shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path)))


def duration(seconds: float) -> str:
    """`8.2 s`, `3 min 05 s`, `2 h 07 min`."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def roughly(seconds: float) -> str:
    """What is only estimated: `40 s`, `12 min`, `2 h 10 min`, `3 days`."""
    if seconds < 90:
        return f"{max(5, 5 * round(seconds / 5))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(10 * round(minutes / 10), 60)
    if hours < 48:
        return f"{hours} h {minutes:02d} min" if minutes else f"{hours} h"
    return f"{round(hours / 24)} days"


def states(history: History) -> dict[str, int]:
    """State to how many trials are in it, final ones first."""
    found = Counter(trial.state for trial in history.trials.values())
    return {state: found[state] for state in (*FINAL_ENDINGS, "running", "held", "interrupted") if found[state]}


def counts(history: History) -> str:
    """`12 completed, 49 stopped, 2 running`: trials by state, final ones first."""
    return ", ".join(f"{n} {state}" for state, n in states(history).items()) or "no trial yet"


def outcome(trial: TrialHistory, *, origin: bool = False) -> str:
    """One line for a trial that has just ended; with its origin where that says what it is."""
    at = f" at epoch {len(trial.epochs)}" if trial.epochs else ""
    value = "" if trial.value is None else f", {standing(trial)} at epoch {trial.epoch}"
    why = f" ({clean(trial.why)})" if trial.why and trial.state != "completed" else ""
    who = f"trial {trial.number}{f' ({clean(trial.origin)})' if origin else ''}"
    return f"{who} {clean(trial.state)}{at}{value}{why}"


def standing(trial: TrialHistory) -> str:
    """The value that stands for a trial: `best val_loss 0.25`, or without `best` where the last one counts."""
    return f"{'' if trial.last_counts else 'best '}{clean(trial.metric)} {number(trial.value)}"


def beside(trial: TrialHistory) -> str:
    """`val_accuracy 0.9930, generalization_gap 0.0212`: what else was measured at the epoch that stands for a trial."""
    metrics = {} if trial.epoch is None else trial.epochs[trial.epoch - 1].metrics
    known = {trial.metric, "epoch", "seconds", "samples_per_second", *trial.config}
    found = [
        f"{clean(name)} {number(value)}"
        for name, value in metrics.items()
        if name not in known
        and not name.startswith("best_")  # of earlier epochs
        and isinstance(value, int | float)
        and not isinstance(value, bool)
    ]
    more = [f"{len(found) - _MOST_BESIDE} more (--json)"] if len(found) > _MOST_BESIDE else []
    return ", ".join([*found[:_MOST_BESIDE], *more])


def learned_in_words(learned: Mapping[str, Any]) -> str:
    """How many trials of an earlier sweep fit and why the others do not, in one line."""
    others = "; ".join(f"{len(numbers)}: {why}" for why, numbers in learned["refused"].items())
    fit, among = len(learned["trials"]), len(learned["trials"]) + sum(map(len, learned["refused"].values()))
    return clean(f"{fit} of {among} trials of {learned['sweep']} fit{f' (not {others})' if others else ''}")
