"""The answers say what was asked in full, what was compared with what, and why a share is small."""

from pathlib import Path
from typing import Any

import pytest

from experiments import open_sweep
from experiments._sweep.analysis.answers import Answers, answers
from experiments._sweep.analysis.asking import meaning_of
from experiments._sweep.ledger.history import History
from experiments._sweep.ledger.records import SweepOpened
from experiments._sweep.report.single import page_of
from experiments._sweep.views.figures import interval
from tests.experiments.analysis.made import Ran, asked, sweep
from tests.experiments.conftest import entries
from tests.experiments.reportable import RUNG, candidate, confirmed, reportable

SPACE = {"lr": {"loguniform": [1e-4, 1.0]}, "act": {"choice": [["relu", "tanh"]]}}


def ranked(folder: Path) -> tuple[Path, list[int]]:
    """Give a sweep and its trials, the best first."""
    made = reportable(folder / "widths", trials=24)
    return made, [trial.number for trial in open_sweep(made).history.by_rank()]


def configured(folder: Path, numbers: list[int]) -> list[dict[str, Any]]:
    """Give what an answer says of trials, each a little worse than the one before."""
    trials = open_sweep(folder).history.trials
    return [candidate(f"trial {n}", n, 0.05 + at / 100, trials[n].config) for at, n in enumerate(numbers)]


def test_what_was_asked_names_the_data_the_ranges_the_metric_and_the_rungs(tmp_path: Path) -> None:
    """All that a reader needs who has not seen the experiment."""
    told = answers(open_sweep(reportable(tmp_path / "widths", trials=12))).asked
    said = " ".join(told.more)
    assert told.facts["fixed"] == {"dataset": "digits"} and "The data set is digits" in said
    assert told.facts["rungs"] == [RUNG] and f"compared them at epoch {RUNG}" in said
    assert told.facts["ranges"]["lr"] == "0.0001 to 1, logarithmic" and "lr: 0.0001 to 1, logarithmic" in said
    assert "lower is better; the best epoch stands for a trial" in said


def test_the_metric_is_told_in_the_words_of_our_own_trainables_alone() -> None:
    """Somebody else's trainable of the same name may measure something else."""
    first = asked(SPACE, trainable="image_classifier", metric="val_loss")
    said = []
    for file in ("mine/classifier.py", "trainables/image_classifier.py"):
        opened = SweepOpened(**{**vars(first), "code": {file: "0" * 16}})
        said.append(meaning_of(History(entries(opened))))
    assert said[0] == ""
    assert said[1].startswith("mean cross-entropy of the validation images")


@pytest.mark.parametrize(("far", "verdict"), [(0.5, "in part"), (0.001, "yes")])
def test_a_winner_that_was_confirmed_alone_is_real_against_the_defaults_only(
    far: float, verdict: str, tmp_path: Path
) -> None:
    """The runner-up is named, with whether the seeds could have told the two apart."""
    folder, (best, second, *_) = ranked(tmp_path)
    gain = {"mean": 1.0, "low": 1.0 - far, "high": 1.0 + far}
    configurations = [*configured(folder, [best]), candidate("defaults", None, 1.05, {})]
    label = f"trial {best}"
    confirmed(folder, configurations=configurations, winner=label, searched_winner=label, gain_over_defaults=gain)
    told = answers(open_sweep(folder)).real
    assert told.facts["verdict"] == verdict
    assert told.sentence.startswith("Against the defaults, yes: ")
    assert f"The runner-up, trial {second}, was not confirmed" in told.sentence
    assert ("closer than the 0.5 that 3 seeds can tell apart" in told.sentence) is (verdict == "in part")


def both(tmp_path: Path, verdict: str = "tied") -> tuple[Answers, Path, int, int]:
    """Confirm the two best of a sweep, so that the second one comes first."""
    folder, (best, second, *_) = ranked(tmp_path)
    configurations = [*configured(folder, [second, best]), candidate("defaults", None, 0.3, {})]
    gain = {"mean": 0.1, "low": 0.08, "high": 0.12}
    confirmed(
        folder,
        configurations=configurations,
        winner=f"trial {second}",
        searched_winner=f"trial {best}",
        verdict=verdict,
        gain_over_defaults=gain,
    )
    return answers(open_sweep(folder)), folder, best, second


@pytest.mark.parametrize(("verdict", "said"), [("tied", "not told apart from it"), ("behind", "and it is better")])
def test_a_trial_that_came_first_on_fresh_seeds_is_told_beside_the_winner_of_the_search(
    verdict: str, said: str, tmp_path: Path
) -> None:
    """In the headline, and with commands of its own."""
    told, folder, best, second = both(tmp_path, verdict)
    assert told.won.sentence.startswith(f"Trial {best} won the search: ")
    assert told.won.sentence.endswith(f"On fresh seeds trial {second} came first, {said}.")
    commands = [each.text for each in told.repeat.commands]
    for number in (best, second):
        assert f"sweep replay {folder} {number}" in commands
        assert f"sweep export {folder} --trial {number} --to DIR" in commands


def test_the_page_shows_the_configurations_of_both_and_of_the_defaults(tmp_path: Path) -> None:
    """Side by side; a default that no ledger has is said to be the trainable's own."""
    _, folder, best, second = both(tmp_path)
    page = page_of(open_sweep(folder))
    section = next(each for each in page.sections if each.name == "best")
    [table, *_] = section.tables
    assert table.head == ("hyperparameter", f"trial {best}", f"trial {second}", "defaults", "searched over")
    assert {row[3] for row in table.rows} == {"its own"}
    assert any(text.startswith("Defaults: image_classifier as it is without any") for text in section.text)
    assert page.tiles[0].what.endswith(f"trial {best}, the best of the search")
    assert f"trial {second}, first on the test split" in page.tiles[1].what


def test_a_gap_between_what_was_promised_and_confirmed_is_explained(tmp_path: Path) -> None:
    """Other rows, and what the search's luck was."""
    told, _, best, _ = both(tmp_path)
    said = " ".join(told.real.more)
    assert "The gap is promised less confirmed: above 0, it did better than promised" in said
    assert "val_loss on the validation rows, confirmed is test_loss on the test split" in said
    assert f"On fresh seeds trial {best} has val_loss 0.060 on validation rows, against 0.040 promised" in said


def test_intervals_that_stand_together_are_written_in_one_style(tmp_path: Path) -> None:
    """Where the arms of one differ, all have both ends: in a sentence, also of an older version, and in a table."""
    even, uneven = {"mean": 1.0, "low": 0.9, "high": 1.1}, {"mean": 0.05, "low": 0.04, "high": 0.09}
    assert (interval(even), interval(even, ends=True)) == ("1.00 +- 0.10", "1.00 (0.90 to 1.10)")
    folder, (best, *_) = ranked(tmp_path)
    [first] = configured(folder, [best])
    label, recorded = f"trial {best}", "trial 2 promised 0.04, confirmed 0.05 (0.04 to 0.09); ahead by 1.00 +- 0.10."
    confirmed(
        folder,
        configurations=[{**first, **uneven}, candidate("defaults", None, 1.0, {})],
        winner=label,
        searched_winner=label,
        gain_over_defaults=even,
        answer=recorded,
    )
    opened = open_sweep(folder)
    assert "+-" not in answers(opened).real.sentence
    section = next(each for each in page_of(opened).sections if each.name == "real")
    assert all("+-" not in cell for row in section.tables[0].rows for cell in row)


def test_what_all_leading_trials_have_and_most_others_too_is_said_to_have_a_small_share(tmp_path: Path) -> None:
    """Or a reader would take it for unimportant."""
    trials = [Ran({"lr": 0.1 * 0.9**n, "act": "relu" if n < 30 else "tanh"}, [n], origin="tpe") for n in range(36)]
    told = answers(sweep(tmp_path / "mine", SPACE, trials)).mattered
    assert any(each.startswith("All 9 leading trials have act relu (30 of 36)") for each in told.more)
    assert "at most 1 of 20 cases" in told.facts["explained"][0]


@pytest.mark.parametrize(("rates", "weak"), [((0.1, 0.05, 0.001), True), ((0.1, 0.1, 0.1), False)])
def test_that_the_last_epoch_was_the_best_says_little_where_the_learning_rate_fell_to_nothing(
    rates: tuple[float, ...], weak: bool, tmp_path: Path
) -> None:
    """A schedule that ends at 0 makes the last epoch the best one of any budget."""
    trials = [Ran({"lr": 0.1, "act": "relu"}, [3.0 + n, 2.0 + n, 1.0 + n]) for n in range(12)]
    made = sweep(tmp_path / "mine", SPACE, trials)
    for trial in made.history.trials.values():
        for epoch, rate in zip(trial.epochs, rates, strict=True):
            epoch.metrics["lr"] = rate
    [more] = [each for each in answers(made).next.facts["suggestions"] if each["what"].startswith("Train for more")]
    assert ("weak reason" in more["why"]) is weak
