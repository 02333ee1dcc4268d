"""Sweeps of somebody else's, or of another version, whose numbers are at the end of what there is: all views open."""

import math
from pathlib import Path
from typing import Any

import pytest

from experiments._sweep.analysis.study import study_of
from experiments._sweep.analysis.table import csv_lines, epoch_rows, trial_rows
from experiments._sweep.report.comparing import comparison_of
from experiments._sweep.report.single import page_of
from tests.experiments.analysis.made import Ran, sweep

HUGE = [1.7e308, -1.7e308, 1e300, 5e-324, 0.0, 10**400, 2**70, math.nan, math.inf, -math.inf, None, "x", True]


@pytest.mark.parametrize(
    ("space", "values"),
    [
        ({"lograndint": [1, 9]}, [2**70, 0, -3, 2, 0.5]),
        ({"randint": [0, 10**12]}, [0, 10**12 - 1, 10**400]),
        ({"qloguniform": [0.001, 1.0, 0.001]}, [1e300, 0.5, 5e-324]),
        ({"uniform": [-1e307, 1e307]}, [-1e307, 1e307, 1.7e308]),
        ({"loguniform": [1e-300, 1e300]}, [1e-300, 1e300, 0.0]),
        ({"loguniform": [0, 1]}, [0, 1, 0.5]),
        ({"choice": [[7]]}, [7, "7", None]),
        ({"randn": [0.0, 1.0]}, [1e300, "x", math.nan]),
        ({"sample_from": ["f"]}, [[1, 2], {}, 3]),
        ({"of a later version": [1]}, [10**400, "a", [1]]),
    ],
    ids=lambda given: next(iter(given)) if isinstance(given, dict) else "",
)
@pytest.mark.parametrize(("mode", "counts"), [("min", "best"), ("max", "last")])
def test_every_view_opens_a_sweep_of_odd_numbers(
    space: dict[str, Any], values: list[Any], mode: str, counts: str, tmp_path: Path
) -> None:
    """As hyperparameters, as the metric and beside it; stopped, failed, lost and running."""
    endings = ["completed", "stopped", "diverged", "lost", None]
    trials = [
        Ran(
            {"x": values[n % len(values)], "y": n % 3},
            [HUGE[n % len(HUGE)], HUGE[-n % len(HUGE)]],
            endings[n % len(endings)],
            more={"lr": HUGE[n % len(HUGE)]},
        )
        for n in range(15)
    ]
    made = sweep(tmp_path / "mine", {"x": space, "y": {"choice": [[0, 1, 2]]}}, trials, mode=mode, counts=counts)
    assert {section.name for section in page_of(made).sections} >= {"answers", "best", "endings", "trials"}
    assert comparison_of([made]).sections
    assert len(study_of(made.history, "mine").trials) == len(trials)
    assert len([*csv_lines(trial_rows(made.history)), *csv_lines(epoch_rows(made.history))]) == 2 + 3 * len(trials)
