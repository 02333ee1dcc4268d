"""`sweep report` of several sweeps: ranked where they can be compared, written where nothing is lost by it."""

from pathlib import Path

import pytest

from experiments import open_sweep
from experiments._sweep.command_line import main
from experiments._sweep.report.comparing import comparison_of
from experiments._sweep.report.page import rendered
from experiments._sweep.views.words import number
from tests.experiments.reportable import confirmed, reportable


def test_several_sweeps_are_ranked_where_they_can_be_compared(tmp_path: Path) -> None:
    """The best of those with one metric on one data set is named; another metric has a sentence of its own."""
    first = confirmed(reportable(tmp_path / "a" / "widths", trials=8))
    second = confirmed(reportable(tmp_path / "b" / "widths", trials=8, seed=1, offset=0.5), mean=0.2)
    other = reportable(tmp_path / "other", trials=8, metric="val_accuracy", mode="max")
    page = comparison_of([*map(open_sweep, (first, second, other)), open_sweep(first)])
    best = open_sweep(first).best
    assert page.name == "a/widths, b/widths, other", "each once, and told apart"
    assert f"was found by a/widths: {number(best.value)} in trial {best.trial}; then b/widths" in page.lead[0]
    assert "the first stands apart" in page.lead[0] and "other found val_accuracy" in page.lead[1]
    assert "Not confirmed: other" in page.state
    figures = {each.name: each.figure for section in page.sections for each in section.figures}
    assert [*figures] == [f"compared-{group}-{kind}" for group in (0, 1) for kind in ("trials", "epochs", "time")]
    for kind in ("trials", "epochs", "time"):
        (line, _) = figures[f"compared-0-{kind}"].data
        assert line.y[-1] == pytest.approx(best.value, rel=1e-5)
    assert "b/widths" in rendered(page)


def test_intervals_that_overlap_are_not_called_a_difference(tmp_path: Path) -> None:
    """The order of two winners on fresh seeds may be chance."""
    means = {"one": 0.05, "two": 0.06}
    sweeps = [confirmed(reportable(tmp_path / name, trials=8), mean=mean) for name, mean in means.items()]
    assert "overlap, so that order may be chance" in comparison_of([*map(open_sweep, sweeps)]).lead[0]


def test_a_comparison_is_written_where_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It belongs to none of the sweeps' folders."""
    names = [str(reportable(tmp_path / name, trials=3)) for name in ("one", "two")]
    monkeypatch.chdir(tmp_path)
    assert main(["report", *names]) == 0
    assert (tmp_path / "report.html").is_file() and "one, two: report.html" in capsys.readouterr().out


def test_a_page_of_somebody_elses_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A comparison goes into the current folder, where any report.html may lie; one of ours is replaced."""
    sweeps = [str(reportable(tmp_path / name, trials=2)) for name in ("one", "two")]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.html").write_text("<html>my thesis</html>")
    assert main(["report", *sweeps]) == 2
    assert "report.html exists and is no report" in capsys.readouterr().err
    assert (tmp_path / "report.html").read_text() == "<html>my thesis</html>"
    assert [main(["report", *sweeps, "--to", "ours.html"]) for _ in range(2)] == [0, 0]


def test_sweeps_that_are_validated_on_different_rows_are_not_ranked_without_a_word(tmp_path: Path) -> None:
    """Five folds and one split promise different things, whichever is lower."""
    alike = [reportable(tmp_path / name, trials=4) for name in ("one", "two")]
    page = comparison_of([*map(open_sweep, alike)])
    assert not any("different rows" in note for note in page.sections[0].notes)
    made = [open_sweep(each) for each in alike]
    for trial in made[1].history.trials.values():
        trial.config["folds"] = 5
    notes = comparison_of(made).sections[0].notes
    assert any(note.startswith("They are validated on different rows (folds -, 5; -: not set)") for note in notes)
