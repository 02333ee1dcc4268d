"""`frame()` and `sweep export --csv`: every number of the ledger in full, and no text that does anything."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from experiments._sweep.analysis.table import csv_lines
from experiments._sweep.command_line import main
from experiments._sweep.errors import InputError
from tests.experiments.analysis.made import Ran, sweep

STORED = Path(__file__).parents[1] / "stored" / "format-2" / "wells"
SPACE = {"x": {"uniform": [0.0, 1.0]}, "inner.y": {"choice": [[1, 2]]}}
TRIALS = [
    Ran({"x": 0.1 + 0.2, "inner": {"y": 1}, "units": [8, 4], "seed": 2**60 + 1}, [0.5, 1 / 3], more={"accuracy": 0.9}),
    Ran({"x": 1e-300, "inner": {"y": 2}, "units": [], "seed": 1}, [math.nan], "diverged", why="loss is NaN"),
    Ran({"x": 0.5, "inner": {"y": 2}, "units": None, "seed": 2}, [], "error", why="boom"),
]


def exported(folder: Path, to: Path, *more: str) -> list[dict[str, str]]:
    """Export a sweep, and read the file with the standard library."""
    assert main(["export", str(folder), "--csv", str(to), *more]) == 0
    with to.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_has_every_trial_and_every_number_in_full(tmp_path: Path) -> None:
    """Numbers come back equal to the last bit, integers above 2 ** 53 too; nested keys are joined by dots."""
    sweep(tmp_path / "mine", SPACE, TRIALS)
    first, second, third = exported(tmp_path / "mine", tmp_path / "t.csv")
    assert (first["trial"], first["ending"], first["epoch"], first["epochs"]) == ("0", "completed", "2", "2")
    assert float(first["value"]) == 1 / 3
    assert float(first["config/x"]) == 0.1 + 0.2
    assert float(second["config/x"]) == 1e-300
    assert int(first["config/seed"]) == 2**60 + 1
    assert json.loads(first["config/units"]) == [8, 4]
    assert (first["config/inner.y"], first["metrics/loss"], first["metrics/accuracy"]) == ("1", repr(1 / 3), "0.9")
    assert (second["value"], second["why"], third["metrics/loss"]) == ("", "loss is NaN", "")
    assert ((tmp_path / "t.csv").stat().st_mode & 0o777) == 0o600


def test_by_epoch_there_is_a_row_for_each_line_of_the_ledger_with_a_result(tmp_path: Path) -> None:
    """In the order of the trials, held ones included."""
    rows = exported(STORED, tmp_path / "e.csv", "--by-epoch")
    lines = [json.loads(line) for line in (STORED / "ledger.jsonl").read_text().splitlines()]
    reported = [each for each in lines if each["kind"] == "epoch"]
    expected = sorted(
        (each["trial"], each["epoch"], each["action"], repr(_plain(each["metrics"]["loss"]))) for each in reported
    )
    told = [(int(row["trial"]), int(row["epoch"]), row["action"], row["metrics/loss"]) for row in rows]
    assert told == expected


def test_a_metric_that_goes_by_the_name_of_a_hyperparameter_is_there(tmp_path: Path) -> None:
    """A learning rate that a schedule lowers is told for each epoch, beside the one that was chosen."""
    sweep(tmp_path / "mine", SPACE, [Ran({"x": 0.5, "inner": {"y": 1}}, [1.0, 0.5], more={"x": 0.25})])
    assert [row["metrics/x"] for row in exported(tmp_path / "mine", tmp_path / "e.csv", "--by-epoch")] == ["0.25"] * 2
    (row,) = exported(tmp_path / "mine", tmp_path / "t.csv")
    assert (row["config/x"], row["metrics/x"]) == ("0.5", "0.25")


def _plain(value: Any) -> Any:
    """Give a number as the ledger writes it, `{"float": "nan"}` where JSON has none."""
    return float(value["float"]) if isinstance(value, dict) else value


def test_the_frame_and_the_file_say_the_same(tmp_path: Path) -> None:
    """Pandas reads the file as the table that `frame()` gives."""
    made = sweep(tmp_path / "mine", SPACE, TRIALS)
    exported(tmp_path / "mine", tmp_path / "t.csv")
    read, frame = pd.read_csv(tmp_path / "t.csv"), made.frame()
    assert list(read.columns) == list(frame.columns)
    numbers = ["trial", "value", "epoch", "epochs", "seconds", "config/x", "config/inner.y", "metrics/loss"]
    pd.testing.assert_frame_equal(read[numbers], frame[numbers], check_dtype=False)
    assert len(made.frame(by="epoch")) == 3
    with pytest.raises(InputError, match="by='trial' and by='epoch'"):
        made.frame(by="trails")  # type: ignore[arg-type]


def test_a_sweep_without_trials_is_a_table_without_rows(tmp_path: Path) -> None:
    """With a heading, so that whoever reads it finds a table."""
    made = sweep(tmp_path / "mine", SPACE, [])
    assert exported(tmp_path / "mine", tmp_path / "t.csv") == []
    assert (tmp_path / "t.csv").read_text() == "trial\n"
    assert (len(made.frame()), len(made.frame(by="epoch"))) == (0, 0)


def test_negative_numbers_are_no_formulas() -> None:
    """Only texts get an apostrophe."""
    lines = list(csv_lines([{"a": -1.5, "b": "-1.5", "c": None, "d": True, "e": math.inf}]))
    assert lines == ["a,b,c,d,e\n", "-1.5,'-1.5,,True,inf\n"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "nothing is asked for. Give a place for the network (--to DIR)"),
        (["--csv", "there.csv"], "--csv: there.csv exists. Give another name, or remove it."),
        (["--csv", "no/t.csv"], "Make it, or give another place."),
        (["--csv", "."], "is a folder. Give a file in it"),
        (["--csv", "-", "--json"], "--csv - and --json would both write to the output"),
        (["--by-epoch", "--optuna", "sqlite:///s.db"], "--by-epoch is about the table, and none is asked for"),
        (["--csv", "t.csv", "--trial", "0"], "--trial: only for the network"),
        (["--csv", "t.csv", "--trust", "--data-dir", "d"], "--data-dir, --trust: only for the network"),
    ],
)
def test_b_what_cannot_be_is_refused_before_anything_is_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    told: str,
) -> None:
    """With exit 2, and what to do."""
    sweep(tmp_path / "results" / "mine", SPACE, TRIALS)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.csv").write_text("mine")
    assert main(["export", "mine", *arguments]) == 2
    assert told in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results", "there.csv"]
    assert (tmp_path / "there.csv").read_text() == "mine"


def test_json_tells_where_the_table_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For programs."""
    sweep(tmp_path / "mine", SPACE, TRIALS)
    exported(tmp_path / "mine", tmp_path / "t.csv", "--json")
    told: Any = json.loads(capsys.readouterr().out)
    assert told == {"csv": str(tmp_path / "t.csv"), "rows": 3}
