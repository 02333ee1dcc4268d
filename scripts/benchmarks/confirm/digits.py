"""Real learning runs as the truth: confirmations drawn from 200 reseeded runs of six configurations on digits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import stats

from experiments._sweep.statistics import judged
from scripts.benchmarks.confirm.simulated import Confirmed, plain_intervals

if TYPE_CHECKING:
    from collections.abc import Iterator

    Array = np.ndarray[Any, np.dtype[np.float64]]

_FILE = Path(__file__).resolve().parents[1] / "tables" / "digits_reseeded.json"
METRICS: dict[str, Literal["min", "max"]] = {
    "val_loss": "min",
    "val_accuracy": "max",
    "test_loss": "min",
    "test_accuracy": "max",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Reseeded:
    """The recorded runs."""

    labels: list[str]
    values: dict[str, Array]
    """(configurations, seeds) by metric."""


@cache
def read() -> Reseeded:
    """Return the table that scripts/record_reseeded.py made.

    Raises:
        ValueError: Runs are missing, or one diverged.
    """
    table = json.loads(_FILE.read_text(encoding="utf-8"))
    values = np.array(table["rows"], dtype=float)
    if values.shape != (200, len(table["configs"]), len(METRICS)) or not np.isfinite(values).all():
        raise ValueError(f"{_FILE.name} is not whole; finish it with `{table['made_by']}`")
    by_metric = {metric: values[:, :, at].T for at, metric in enumerate(table["metrics"])}
    return Reseeded(labels=list(table["configs"]), values=by_metric)


def confirmations(metric: str, *, seeds: int, count: int, seed: int = 0) -> Iterator[Confirmed]:
    """Draw confirmations of all six configurations, lower values being better (accuracies are turned into errors).

    The runs are drawn with replacement, so that the mean of the 200 is exactly the truth; the search saw one run of
    each, of one seed, as a sweep does.
    """
    table = read()
    values = table.values[metric]
    mode = METRICS[metric]
    rng = np.random.default_rng([seed, seeds])
    sign = 1 if mode == "min" else -1
    truths = dict(zip(table.labels, (sign * values.mean(axis=1)).tolist(), strict=True))
    for _ in range(count):
        found = sign * values[:, rng.integers(values.shape[1])]
        drawn = sign * values[:, rng.integers(values.shape[1], size=seeds)]
        winner = int(found.argmin())
        yield Confirmed(
            judgement=judged(dict(zip(table.labels, drawn.tolist(), strict=True)), mode="min"),
            truths=truths,
            winner=table.labels[winner],
            promised=float(found[winner]),
            plain=plain_intervals(table.labels, drawn),
        )


def described(metric: str) -> Iterator[tuple[str, float, float, float, float]]:
    """Give each configuration's name, and mean, standard deviation, skewness and correlation of its runs.

    The correlation is with the runs of the best configuration on the same seeds.
    """
    table = read()
    values = table.values[metric]
    means = values.mean(axis=1)
    best = int(means.argmin() if METRICS[metric] == "min" else means.argmax())
    for label, of in zip(table.labels, values, strict=True):
        correlation = float(np.corrcoef(of, values[best])[0, 1])
        yield label, float(of.mean()), float(of.std(ddof=1)), float(stats.skew(of)), correlation
