"""The answer of a confirmation in one sentence and in a table that fits a screen."""

import io
from typing import Any

import pytest
from rich.console import Console

from experiments._sweep.derived.confirmation.wording import sentence
from experiments._sweep.views.confirmation import confirmation_table, looks_line
from experiments._sweep.views.figures import figure, interval


def estimate(mean: float | None, half: float | None) -> dict[str, Any]:
    """A mean with a symmetric interval; without one where `half` is None."""
    ends = (None, None) if mean is None or half is None else (mean - half, mean + half)
    return {"mean": mean, "low": ends[0], "high": ends[1]}


def one(label: str, mean: float | None, half: float | None = 0.0022, **changes: Any) -> dict[str, Any]:
    """A configuration in an answer."""
    promised = None if label == "defaults" else 0.978
    return {
        **estimate(mean, half),
        "label": label,
        "trial": None if label == "defaults" else int(label.split()[1]),
        "promised": promised,
        "selection_gap": None if promised is None or mean is None else promised - mean,
        "luck": None if promised is None or mean is None else promised - mean,
        "failed": 0,
        "validation": mean,
        "others": {"test_accuracy": 0.5},
        "difference": estimate(-0.009, 0.0013),
        "tied": False,
        **changes,
    }


def answer(*configurations: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An answer whose first configuration is the search's winner, and the best unless another is named."""
    first = configurations[0]["label"]
    best = changes.get("winner", first)
    for each in configurations:
        each["difference"] = None if each["label"] == best else each["difference"]
    return {
        "sweep": "digits_mlp",
        "on": "test",
        "metric": "test_accuracy",
        "searched_metric": "val_accuracy",
        "mode": "max",
        "seeds": 5,
        "configurations": sorted(configurations, key=lambda each: each["label"] != best),
        "searched_winner": first,
        "winner": best,
        "verdict": "first",
        "gain_over_defaults": None,
        **changes,
    }


def trial_41(**changes: Any) -> dict[str, Any]:
    """The search's winner."""
    return one("trial 41", 0.971, **changes)


def test_the_model_of_a_sentence() -> None:
    """Tied with the others of the top three, ahead of the defaults."""
    rivals = [one("trial 7", 0.9705, tied=True), one("trial 9", 0.9704, tied=True)]
    told = answer(trial_41(), *rivals, one("defaults", 0.967), gain_over_defaults=estimate(0.004, 0.003))
    assert sentence(told) == (
        "trial 41 promised 0.9780, confirmed 0.9710 +- 0.0022; tied with 2 of the top 3; ahead of the defaults by "
        "0.0040 +- 0.0030."
    )


BEHIND = {"tied": False, "difference": estimate(-0.009, 0.0013)}
TIED = {"tied": True, "difference": estimate(-0.0009, 0.0013)}


@pytest.mark.parametrize(
    ("rivals", "told"),
    [
        ([], ""),
        ([False], "; ahead of trial 0"),
        ([True], "; tied with trial 0"),
        ([False, False], "; ahead of the other 2 of the top 3"),
        ([True, False], "; tied with 1 of the top 3"),
    ],
)
def test_how_it_stands_among_the_leaders(rivals: list[bool], told: str) -> None:
    """Where it is still the first; who is tied is a matter of the corrected intervals."""
    others = [one(f"trial {n}", 0.97, tied=tied) for n, tied in enumerate(rivals)]
    assert sentence(answer(trial_41(), *others)) == f"trial 41 promised 0.9780, confirmed 0.9710 +- 0.0022{told}."


@pytest.mark.parametrize(
    ("mine", "verdict", "told"),
    [
        (TIED, "tied", "tied with trial 7, which is now first"),
        (BEHIND, "behind", "behind trial 7, which is now first, by 0.0090 +- 0.0013"),
        ({"difference": estimate(0.02, None)}, "behind", "behind trial 7, which is now first"),
        ({"difference": estimate(None, None)}, "behind", "behind trial 7, which is now first"),
    ],
    ids=["tied", "behind", "behind for its failed runs", "no seed in common"],
)
def test_how_it_stands_to_another_that_is_first_now(mine: dict[str, Any], verdict: str, told: str) -> None:
    """By how much is left out where the seeds that both have say the contrary, for it is behind for its failures."""
    said = sentence(answer(trial_41(**mine), one("trial 7", 0.98), winner="trial 7", verdict=verdict))
    assert said == f"trial 41 promised 0.9780, confirmed 0.9710 +- 0.0022; {told}."


@pytest.mark.parametrize(
    ("gain", "winner", "told"),
    [
        (estimate(0.011, 0.0013), "trial 41", "ahead of the defaults by 0.0110 +- 0.0013"),
        (estimate(0.0002, 0.0013), "trial 41", "not told apart from the defaults (gain 0.0002 +- 0.0013)"),
        (estimate(0.0002, None), "trial 41", "not told apart from the defaults (gain 0.0002)"),
        (estimate(-0.011, 0.0013), "trial 7", "behind the defaults by 0.0110 +- 0.0013"),
        (
            {"mean": -0.004, "low": -0.009, "high": -0.003},
            "defaults",
            "the defaults are now first, and it is behind them by 0.0040 (0.0030 to 0.0090)",
        ),
        (
            estimate(-0.0002, 0.0013),
            "defaults",
            "the defaults are now first, and it is not told apart from them (gain -0.0002 +- 0.0013)",
        ),
        (estimate(None, None), "trial 41", "not compared with the defaults: no seed gave both a value"),
    ],
)
def test_how_it_stands_to_the_defaults(gain: dict[str, Any], winner: str, told: str) -> None:
    """Ahead, behind or not told apart; the gain is above 0 where it is better, whatever the metric's sense."""
    verdict = "first" if winner == "trial 41" else "behind"
    configurations = (trial_41(), one("trial 7", 0.98), one("defaults", 0.97))
    said = sentence(answer(*configurations, winner=winner, verdict=verdict, gain_over_defaults=gain))
    assert said.endswith(f"; {told}.")


def test_where_lower_is_better() -> None:
    """Behind is above, then."""
    mine = trial_41(difference=estimate(0.009, 0.0013))
    said = sentence(answer(mine, one("trial 7", 0.96), winner="trial 7", verdict="behind", mode="min"))
    assert said.endswith("; behind trial 7, which is now first, by 0.0090 +- 0.0013.")


def test_runs_that_failed_are_in_the_sentence() -> None:
    """Some, all of the search's winner, all of the defaults, all of everything."""
    said = sentence(answer(trial_41(failed=1)))
    assert said == "trial 41 promised 0.9780, confirmed 0.9710 +- 0.0022 (1 of 5 runs failed)."
    none = one("trial 41", None)
    said = sentence(answer(none, one("defaults", 0.971), winner="defaults", verdict="behind"))
    assert (
        said
        == "trial 41 promised 0.978, but every run of it failed; the defaults are now first, with 0.9710 +- 0.0022."
    )
    said = sentence(answer(none, one("trial 7", 0.971), winner="trial 7", verdict="behind"))
    assert said == "trial 41 promised 0.978, but every run of it failed; trial 7 is now first, with 0.9710 +- 0.0022."
    gain = estimate(None, None)
    assert sentence(answer(trial_41(), one("defaults", None), gain_over_defaults=gain)).endswith(
        "; every run of the defaults failed."
    )
    said = sentence(answer(none, one("defaults", None), winner=None, verdict=None, gain_over_defaults=gain))
    assert said == "trial 41 promised 0.978, but every run of every configuration failed."


@pytest.mark.parametrize(
    ("mean", "low", "high", "text"),
    [
        (0.971, 0.968, 0.974, "0.9710 +- 0.0030"),
        (0.971, 0.962, 0.974, "0.9710 (0.9620 to 0.9740)"),
        (0.971, None, None, "0.971"),
        (0.971, 0.971, 0.971, "0.971"),
        (None, None, None, "-"),
        (-0.00001, -0.01, 0.01, "0.000 +- 0.010"),
        (1234567.0, 1233367.0, 1235767.0, "1234600 +- 1200"),
        (1.23456e9, 1.23356e9, 1.23556e9, "1.2346e+09 +- 1.0e+06"),
        (1.2345678e-9, 1.2335678e-9, 1.2355678e-9, "1.2346e-09 +- 1.0e-12"),
        (5.0, -995.0, 1005.0, "0 +- 1000"),
        (1e300, -1e300, 3e300, "1.0e+300 +- 2.0e+300"),
        (1e308, -1e308, 1.5e308, "1.0e+308 (-1.0e+308 to 1.5e+308)"),
        (0.5, 0.4900001, 0.5099999, "0.500 +- 0.010"),
        (5.0, 4.0, None, "5"),
    ],
)
def test_an_interval_in_figures(mean: float | None, low: float | None, high: float | None, text: str) -> None:
    """Two figures of the interval's width decide on all others; both ends where the arms differ."""
    assert interval({"mean": mean, "low": low, "high": high}) == text


def test_the_size_of_a_difference() -> None:
    """Its ends change places with its sign."""
    assert interval({"mean": -4.0, "low": -9.0, "high": -3.0}, positive=True) == "4.0 (3.0 to 9.0)"


def test_a_promise_is_not_rounded_away() -> None:
    """It was measured, and has no interval."""
    wide = {"low": -20.0, "high": 20.0}
    assert figure(0.001, like=wide) == "0.001" and figure(0.0, like=wide) == "0" and figure(None, like=wide) == "-"
    assert figure(0.97812345, like={"low": 0.96, "high": 0.98}) == "0.978"


def shown(told: dict[str, Any], width: int) -> list[str]:
    """The table's lines, without spaces at their ends."""
    file = io.StringIO()
    Console(file=file, width=width).print(confirmation_table(told, width))
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_the_table_fits_a_screen_of_80_columns() -> None:
    """Nothing of the answer is cut; means of other metrics are shown where there is room for them."""
    told = answer(trial_41(), one("trial 7", 0.9701, **TIED), one("defaults", 0.962))
    assert shown(told, 80) == [
        "digits_mlp: test_accuracy on the test split, 5 fresh seeds, 95 % intervals",
        "          promised         confirmed     gap        behind the best    luck",
        "trial 41    0.9780  0.9710 +- 0.0022  0.0070                   best  0.0070",
        "trial 7     0.9780  0.9701 +- 0.0022  0.0079  0.0009 +- 0.0013 tied  0.0079",
        "defaults         -  0.9620 +- 0.0022       -       0.0090 +- 0.0013       -",
    ]
    assert shown(told, 120)[1].endswith("behind the best    luck  val_accuracy  test_accuracy")


def test_a_table_wider_than_the_screen_is_folded() -> None:
    """Intervals with two ends are long: they go on in the next line, and no figure is lost."""
    wide = {"mean": 0.971, "low": 0.9621, "high": 0.9742}
    told = answer({**trial_41(), **wide}, {**one("trial 7", 0.9701, **TIED), **wide, "difference": wide})
    lines = shown(told, 60)
    assert all(len(line) <= 60 for line in lines)
    for number in ("0.9780", "0.9710", "0.9621", "0.9742", "tied"):
        assert any(number in line for line in lines)


def test_odd_values_have_their_place() -> None:
    """Runs that failed, nothing to compare, a metric of the search's own."""
    none = one("trial 7", None, failed=5, difference=estimate(None, None))
    lines = shown(answer(trial_41(failed=1), none), 80)
    assert lines[3].strip() == "1 of 5 failed" and lines[4].split() == ["trial", "7", "0.978", "-", "-", "-", "-"]
    assert lines[5].strip() == "5 of 5 failed"
    lines = shown(answer(trial_41(), none, on="validation", metric="loss"), 120)
    assert lines[0] == "digits_mlp: loss anew, 5 fresh seeds, 95 % intervals" and "val_accuracy" not in lines[1]


def test_hostile_names_do_not_move_the_cursor() -> None:
    """Nor are they read as colours."""
    told = answer(trial_41(others={"\x1b[31m": 0.1}), sweep="a\x1b[2Jb", metric="[red]x", searched_metric="\r")
    text = "\n".join(shown(told, 120))
    assert "\x1b" not in text and "\r" not in text and "[red]x" in text


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        (1, "The test split was used once."),
        (2, "The test split was used twice: each further use makes what it says more hopeful than it should be."),
        (3, "The test split was used 3 times: each further use makes what it says more hopeful than it should be."),
    ],
)
def test_how_often_the_test_split_was_used(looks: int, told: str) -> None:
    """More than once is a warning."""
    assert looks_line(looks) == told
