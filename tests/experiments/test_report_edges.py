"""What a report says of the ends of ranges is what was looked at: nothing of few trials, nor of what none has."""

from pathlib import Path

import pytest

from experiments._sweep.report.contents import Page
from experiments._sweep.report.single import page_of
from tests.experiments.analysis.made import Ran, sweep


def edges_of(page: Page) -> tuple[str, tuple[str, ...], dict[str, tuple[str, ...]]]:
    """What the section about edges says: its text, the head of its table, and its rows by hyperparameter."""
    section = next(each for each in page.sections if each.name == "edges")
    (table,) = section.tables or (None,)
    return section.text[0], table.head if table else (), {row[0]: row for row in table.rows} if table else {}


def test_of_a_range_that_no_leading_trial_has_no_place_of_the_optimum_is_told(tmp_path: Path) -> None:
    """Nor of a choice without an order; a range that was looked at and has no crowd says so."""
    branches = [{"name": {"constant": "a"}, "m": {"uniform": [0.0, 1.0]}}, {"name": {"constant": "b"}}]
    trials = [
        Ran({"x": n * 0.37 % 1, "o": {"name": "a", "m": 0.5} if n > 20 else {"name": "b"}}, [n]) for n in range(40)
    ]
    made = sweep(tmp_path / "mine", {"x": {"uniform": [0.0, 1.0]}, "o": {"choice": [branches]}}, trials)
    _, _, rows = edges_of(page_of(made))
    assert {name: row[-2:] for name, row in rows.items() if name != "x"} == {
        "o": ("b x 10", ""),
        "o[a].m": ("none has it", ""),
    }
    assert rows["x"][-1] == "no crowd at a bound"


@pytest.mark.parametrize(
    ("losses", "said", "named"),
    [([1.0], "Too few to say whether", True), ([], "No trial has a value yet", False)],
)
def test_nothing_is_said_of_the_edges_of_few_trials(
    losses: list[float], said: str, named: bool, tmp_path: Path
) -> None:
    """And no table is about a trial that there is not."""
    trials = [Ran({"x": 0.5}, losses, "completed" if losses else "error") for _ in range(5)]
    text, head, rows = edges_of(page_of(sweep(tmp_path / "mine", {"x": {"uniform": [0.0, 1.0]}}, trials)))
    assert said in text and bool(head) is named
    assert all(row[-1] == "" for row in rows.values())
