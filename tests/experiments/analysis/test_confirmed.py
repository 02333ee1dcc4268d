"""The answer of a confirmation is shown where it can be read and is about this sweep; else it is said why not."""

import math
from pathlib import Path
from typing import Any

import pytest

from experiments import open_sweep
from experiments._sweep.analysis.answers import Answers, answers
from experiments._sweep.report.comparing import comparison_of
from experiments._sweep.report.page import rendered
from experiments._sweep.report.single import page_of
from tests.experiments.reportable import candidate, confirmed, reportable


def asked(folder: Path, **changes: Any) -> Answers:
    """Answer for a sweep of eight trials whose confirmation says something else."""
    return answers(open_sweep(confirmed(reportable(folder / "widths", trials=8), **changes)))


def suggested(told: Answers) -> list[str]:
    """Give what is to be tried next."""
    return [each["what"] for each in told.next.facts["suggestions"]]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"configurations": []}, "a winner is none of its configurations"),
        ({"configurations": [{"label": "trial 2"}]}, "configurations.0"),
        ({"configurations": 3}, "configurations: Input should be a valid list"),
        ({"winner": "trial 99"}, "a winner is none of its configurations"),
        ({"seeds": "three"}, "seeds: "),
        ({"notes": None}, "notes: "),
        ({"gain_over_defaults": {"mean": 0.1}}, "gain_over_defaults.low"),
        ({"gain_over_defaults": {"mean": math.nan, "low": 0.0, "high": 0.1}}, "gain_over_defaults.mean"),
        ({"gain_over_defaults": {"mean": 0.1, "low": 0.2, "high": 0.1}}, "the interval ends before it begins"),
    ],
)
def test_a_damaged_answer_ends_no_report_and_is_left_out(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    """It says what is wrong and what to type; a comparison counts the sweep as not confirmed."""
    sweep = open_sweep(confirmed(reportable(tmp_path / "widths", trials=8), **changes))
    told = answers(sweep)
    assert told.real.facts["confirmed"] is False and told.real.sentence.startswith("Not known yet")
    (note,) = told.real.more
    assert note.startswith("What confirm-1 has found is left out, for it is damaged (") and said in note
    assert [each.text.endswith(" --again") for each in told.real.commands] == [True]
    assert "confirm-1 has found is left out" in rendered(page_of(sweep))
    page = comparison_of([sweep])
    assert page.standing == "open" and "Not confirmed: widths" in page.state


def test_the_answer_about_another_sweep_is_left_out(tmp_path: Path) -> None:
    """A folder that was copied beside the wrong ledger: its trial 2 is not ours."""
    given = candidate("trial 2", 2, 0.05, {"lr": 0.5})
    told = asked(tmp_path, configurations=[given, candidate("defaults", None, 0.15, {})])
    assert "it is about another sweep: trial 2 has another configuration there" in told.real.more[0]


def test_where_every_run_of_a_confirmation_failed_nothing_is_known(tmp_path: Path) -> None:
    """That is no evidence against the winner; and a comparison does not call it confirmed."""
    sweep = open_sweep(confirmed(reportable(tmp_path / "widths", trials=8), winner=None, verdict=None))
    told = answers(sweep)
    assert (told.real.facts["verdict"], told.real.sentence[:10]) == ("unknown", "Not known:")
    assert suggested(told)[0] == "Look at the trials that failed"
    assert "Find out why the confirmation failed" in suggested(told)
    assert comparison_of([sweep]).standing == "open"


@pytest.mark.parametrize(
    ("verdict", "gain", "expected"),
    [
        ("first", {"mean": 0.1, "low": 0.08, "high": 0.12}, "yes"),
        ("first", {"mean": 0.1, "low": -0.1, "high": 0.3}, "in part"),
        ("first", {"mean": 0.1, "low": None, "high": None}, "in part"),
        ("first", None, "in part"),
        ("tied", {"mean": 0.1, "low": 0.08, "high": 0.12}, "in part"),
        ("behind", {"mean": 0.1, "low": 0.08, "high": 0.12}, "no"),
    ],
)
def test_it_is_real_where_the_winner_is_first_again_and_better_than_the_defaults(
    verdict: str, gain: dict[str, Any] | None, expected: str, tmp_path: Path
) -> None:
    """In part where that is not told apart, or nothing was beside it; no where another one is better."""
    assert asked(tmp_path, verdict=verdict, gain_over_defaults=gain).real.facts["verdict"] == expected


@pytest.mark.parametrize("defaults_are_tied", [False, True])
def test_the_defaults_are_kept_only_where_they_are_as_good_as_the_first(
    defaults_are_tied: bool, tmp_path: Path
) -> None:
    """Another trial that is told apart from them is to be used, although the one that led the search is not."""
    folder = reportable(tmp_path / "widths", trials=8)
    configs = {number: trial.config for number, trial in open_sweep(folder).history.trials.items()}
    configurations = [candidate(f"trial {n}", n, 0.05 + n / 100, configs[n]) for n in (3, 2)]
    configurations.append(candidate("defaults", None, 0.3, {}))
    for each in configurations:
        each["tied"] = each["trial"] is not None or defaults_are_tied
    gain = {"mean": 0.1, "low": -0.1, "high": 0.3}
    confirmed(folder, configurations=configurations, winner="trial 3", verdict="tied", gain_over_defaults=gain)
    told = suggested(answers(open_sweep(folder)))
    kept = "Keep the trainable's defaults, or search elsewhere"
    assert (kept in told, "Use trial 3" in told) == (defaults_are_tied, not defaults_are_tied)
