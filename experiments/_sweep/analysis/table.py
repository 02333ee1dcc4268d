"""The trials of a sweep as a table, a row a trial or a row an epoch: for pandas, and as CSV for anything else."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from experiments._sweep.ledger.trial_history import flat
from experiments._sweep.views.words import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import TrialHistory

CONFIG, METRICS = "config/", "metrics/"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula; the last four are the wide forms of the first four."""


def trial_rows(history: History) -> list[dict[str, Any]]:
    """A row for each trial, by number.

    Its number, ending and why; `value` with its `epoch`, `epochs` recorded, `seconds` of training; where its
    configuration came from; `config/KEY` with nested keys joined by dots, and `metrics/NAME`, all that it reported at
    that epoch.
    """
    return [_trial_row(trial) for trial in history.trials.values()]


def _trial_row(trial: TrialHistory) -> dict[str, Any]:
    metrics = {} if trial.epoch is None else trial.epochs[trial.epoch - 1].metrics
    return {
        "trial": trial.number,
        "ending": trial.state,
        "why": trial.why,
        "value": trial.value,
        "epoch": trial.epoch,
        "epochs": len(trial.epochs),
        "seconds": round(trial.seconds, 3),
        "origin": trial.origin,
        **({} if trial.bracket is None else {"bracket": trial.bracket}),
        **{f"{CONFIG}{key}": value for key, value in flat(trial.config).items()},
        **{f"{METRICS}{name}": value for name, value in flat(_reported(metrics)).items()},
    }


def epoch_rows(history: History) -> list[dict[str, Any]]:
    """A row for each epoch of each trial: `trial`, `epoch`, its `segment`, what was decided, and `metrics/NAME`."""
    return [
        {
            "trial": trial.number,
            "epoch": epoch.epoch,
            "segment": epoch.segment,
            "action": epoch.action,
            **{f"{METRICS}{name}": value for name, value in flat(_reported(epoch.metrics)).items()},
        }
        for trial in history.trials.values()
        for epoch in trial.epochs
    ]


def _reported(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """All but the epoch, which has a column of its own."""
    return {name: value for name, value in metrics.items() if name != "epoch"}


def columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """All names of the rows, those of the first row first; of one kind side by side."""
    names = dict.fromkeys(name for row in rows for name in row)
    kinds = (CONFIG, METRICS)
    plain = [name for name in names if not name.startswith(kinds)]
    return plain + [name for kind in kinds for name in names if name.startswith(kind)]


def csv_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The table as CSV, a heading first, numbers in full; without any row, the heading `trial`.

    Lists and dicts are written as JSON. No text can reach a spreadsheet as a formula or a terminal as a command: one
    that begins like a formula gets an apostrophe, and control characters are replaced.
    """
    names = columns(rows) or ["trial"]
    yield _line([_text(name) for name in names])
    yield from (_line([_cell(row.get(name)) for name in names]) for row in rows)


def _line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return repr(value)
    return _text(value if isinstance(value, str) else json.dumps(value))


def _text(text: str) -> str:
    safe = clean(text, lines=True)
    return f"'{safe}" if text.startswith(_FORMULA) or safe.startswith(_FORMULA) else safe
