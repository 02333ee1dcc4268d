"""A table of one's own: what its columns become, and clear words for what cannot be used."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trainables import load_folds, load_table, random_forest, tabular_mlp
from trainables._training.data.tables.rows import Table, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from trainables import Trainable

LINES = "area;rooms;city;garden;price\n" + "".join(
    f"{50 + row};{row % 4 or ''};{('Rome', 'Oslo', '')[row % 3]};{('true', 'false')[row % 2]};{100.5 + row}\n"
    for row in range(24)
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty folder of data sets."""
    monkeypatch.setenv("RAYSWEEPS_DATA", str(tmp_path))
    return tmp_path


def _read(path: object, target: str, **options: Any) -> Table:
    return read_table("table_file", path=str(path), target=target, **options)


def _faults(**config: Any) -> list[str]:
    return tabular_mlp.faults({"dataset": "table_file"} | config)


def test_columns_become_numbers(folder: Path) -> None:
    """Numbers stay, booleans are 0 and 1, a text is a column each, and what is missing is NaN, or 0 in all of these."""
    (folder / "homes.csv").write_text(LINES)
    table = _read("homes.csv", "price")
    assert table.columns == ("area", "rooms", "city=Oslo", "city=Rome", "garden")
    assert table.inputs[:4].tolist()[1:] == [[51, 1, 1, 0, 0], [52, 2, 0, 0, 1], [53, 3, 0, 1, 0]]
    assert np.isnan(table.inputs[0, 1])
    assert table.targets[:2].tolist() == [100.5, 101.5]
    assert (table.inputs.dtype, table.targets.dtype, table.classes) == (np.float64, np.float64, None)


@pytest.mark.parametrize(
    ("target", "task", "classes"),
    [
        ("price", "auto", None),
        ("area", "auto", None),
        ("garden", "auto", ("False", "True")),
        ("rooms", "classification", None),
        ("area", "classification", tuple(str(50 + row) for row in range(24))),
    ],
)
def test_task_of_a_target(target: str, task: str, classes: tuple[str, ...] | None, folder: Path) -> None:
    """A text or a boolean is a class, a number is one where it is said to be; no target may be missing."""
    (folder / "homes.csv").write_text(LINES)
    if target == "rooms":
        with pytest.raises(
            ValueError, match=r"the target 'rooms' is missing, infinite or beyond 3\.4e38 in 6 of 24 rows"
        ):
            _read("homes.csv", target, task=task)
        return
    table = _read("homes.csv", target, task=task)
    assert table.classes == classes
    if target == "garden":
        assert table.targets[:4].tolist() == [1, 0, 1, 0]
        assert load_table("table_file", path="homes.csv", target="garden").classes == 2


def test_parquet_gives_the_same(folder: Path) -> None:
    """A Parquet file gives what the CSV file gives; columns that are categories are texts; row numbers are left out."""
    (folder / "homes.csv").write_text(LINES)
    city = pa.array([("Rome", "Oslo", None)[row % 3] for row in range(24)]).dictionary_encode()
    columns = {
        "area": pa.array(range(50, 74)),
        "rooms": pa.array([row % 4 or None for row in range(24)], pa.decimal128(3)),
        "city": city,
        "garden": [row % 2 == 0 for row in range(24)],
        "price": pa.array([100.5 + row for row in range(24)], pa.float32()),
        "__index_level_0__": range(24),
    }
    pq.write_table(pa.table(columns), folder / "homes.parquet")
    table, other = _read("homes.csv", "price"), _read(folder / "homes.parquet", "price")
    assert table.columns == other.columns
    np.testing.assert_array_equal(table.inputs, other.inputs)
    np.testing.assert_array_equal(table.targets, other.targets)


def test_infinite_numbers_are_missing(folder: Path) -> None:
    """Infinities, and what float32 cannot hold, count as missing: a forest and a network take the same tables."""
    (folder / "odd.csv").write_text("a,y\ninf,1\n-inf,2\n1e39,3\n-1e300,4\n3e38,5\nnan,6\n")
    assert np.isnan(_read("odd.csv", "y").inputs[:, 0]).tolist() == [True, True, True, True, False, True]


def test_odd_files(folder: Path) -> None:
    """A byte order mark, quoted line ends, row numbers of pandas and a column without any value are taken."""
    text = '\ufeff,"a, b",note,empty,y\n0,1,"two\nlines",,1\n1,2,"one, line",,2\n'
    (folder / "odd.csv").write_text(text, encoding="utf-8")
    table = _read("odd.csv", "y")
    assert table.columns == ("a, b", "note=one, line", "note=two\nlines", "empty")
    assert np.isnan(table.inputs[:, 3]).all()


def test_changed_file_is_read_again(folder: Path) -> None:
    """A process that trains again sees a file's new content."""
    file = folder / "homes.csv"
    file.write_text(LINES)
    before = _read("homes.csv", "price")
    assert _read("homes.csv", "price") is before
    file.write_text(LINES + "99;3;Rome;true;1\n")
    assert len(_read("homes.csv", "price").targets) == 25


def test_dropped_columns(folder: Path) -> None:
    """What is dropped is not looked at, whatever it holds."""
    (folder / "t.csv").write_text("when,a,y\n2020-01-01,1,1\n2020-01-02,2,2\n")
    assert _read("t.csv", "y", drop=["when"]).columns == ("a",)


def test_columns_that_cannot_be_used(folder: Path) -> None:
    """Dates, too many texts and nested values are refused by the column's name, all at once, before anything starts."""
    rows = 101
    columns = {
        "born": [dt.date(2020, 1, 1)] * rows,
        "name": [f"n{row}" for row in range(rows)],
        "tags": [[1]] * rows,
        "y": range(rows),
    }
    pq.write_table(pa.table(columns), folder / "people.parquet")
    [fault] = _faults(path="people.parquet", target="y")
    assert fault == (
        f"table_file: {folder}/people.parquet: "
        "column 'born' holds dates or times (date32[day]); numbers, booleans and texts are taken: drop=['born']; "
        "column 'name' has 101 different texts, at most 100 are taken (one column each): drop=['name']; "
        "column 'tags' holds values of type list<element: int64>; numbers, booleans and texts are taken: drop=['tags']"
    )
    with pytest.raises(ValueError, match="column 'born' holds dates"):
        load_table("table_file", path="people.parquet", target="y")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "city", "task": "regression"}, "the target 'city' holds texts, regression takes numbers: task='cl"),
        (
            {"target": "city"},
            "the target 'city' is missing, infinite or beyond 3.4e38 in 8 of 24 rows: remove these rows",
        ),
        (
            {"target": "rooms"},
            "the target 'rooms' is missing, infinite or beyond 3.4e38 in 6 of 24 rows: remove these rows",
        ),
        ({"target": "pirce"}, "'target' names a column 'pirce' that .* does not have .it has 'area'.* mean 'price'"),
        ({"target": "price", "drop": ["citty"]}, "'drop' names a column 'citty' .* Did you mean 'city'"),
        ({"target": "price", "drop": ["area", "rooms", "city", "garden"]}, "has no column left to learn from"),
        ({"target": "price", "drop": ["price"]}, "'drop' leaves out 'price', which is the target"),
        ({}, "table_file needs 'target': the name of the column to predict"),
    ],
)
def test_faults_of_a_target(options: dict[str, Any], words: str, folder: Path) -> None:
    """A target that cannot be learnt is said before anything starts, and by the loader."""
    (folder / "homes.csv").write_text(LINES)
    [fault] = _faults(path="homes.csv", **options)
    assert re.search(words, fault), fault
    if "target" in options:
        with pytest.raises(ValueError, match=words):
            load_table("table_file", path="homes.csv", **options)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.xlsx", b"", "'path' is 't.xlsx'; it takes a file of the kinds .csv, .tsv, .parquet; save the table as one"),
        ("home.csv", None, "there is no file .*/home.csv; 'path' is absolute, or .* Did you mean 'homes.csv'"),
        ("t.csv", b"", "t.csv is empty; its first line must name the columns"),
        ("t.csv", b"1,2.5\n2,3\n", "the first line of .*t.csv has numbers only .'1', '2.5'.; it must name the columns"),
        ("t.csv", b"a,y\n1,2\n1,2,3\n", "t.csv cannot be read as csv .*Expected 2 columns, got 3"),
        ("t.csv", b"a,a,y\n1,2,3\n", "t.csv has several columns called 'a'; give each column a name of its own"),
        ("t.csv", b"a,y\n", "t.csv: it has no rows"),
        ("t.csv", b"\xff\xfe,y\n1,2\n", "t.csv cannot be read as csv .*codec can't decode"),
        ("t.parquet", b"no parquet", "t.parquet cannot be read as parquet .*; check it, or write it again"),
    ],
)
def test_faults_of_a_file(name: str, content: bytes | None, words: str, folder: Path) -> None:
    """A file that is not there, or is no table, is said before anything starts, and by the loader."""
    (folder / "homes.csv").write_text(LINES)
    if content is not None:
        (folder / name).write_bytes(content)
    [fault] = _faults(path=name, target="y")
    assert re.search(words, fault), fault
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        load_table("table_file", path=name, target="y")


def test_all_that_is_not_given() -> None:
    """What a table file needs is said at once."""
    assert _faults() == [
        "tabular_mlp: table_file needs 'path': a CSV or Parquet file, absolute or relative to the data folder",
        "tabular_mlp: table_file needs 'target': the name of the column to predict",
    ]


def test_only_a_table_file_has_a_path() -> None:
    """A path, a target, a task or dropped columns beside a data set that has its own are refused."""
    [fault] = tabular_mlp.faults({"path": "a.csv", "target": "y", "drop": ["z"]})
    assert fault == (
        "tabular_mlp: 'path' is 'a.csv', 'target' is 'y', 'drop' is ['z'], but the dataset is 'diabetes', which has "
        "its own; they go with dataset='table_file'"
    )


def test_classes_with_too_few_rows(folder: Path) -> None:
    """A class that cannot be in every part is named, with how many rows each needs."""
    lines = "".join(f"{row},{'rare' if row < 2 else 'often'}\n" for row in range(30))
    (folder / "t.csv").write_text("a,y\n" + lines)
    with pytest.raises(ValueError, match=r"1 of the 2 classes of the target have too few rows \('rare'\): each needs"):
        load_table("table_file", path="t.csv", target="y")
    with pytest.raises(ValueError, match="each needs a row in each of the 5 folds, beside its test rows; give fewer"):
        load_folds("table_file", folds=5, path="t.csv", target="y")
    assert len(load_folds("table_file", folds=2, path="t.csv", target="y", test_fraction=0)) == 2


def test_too_few_rows(folder: Path) -> None:
    """A table that is too small for its parts is refused with its rows."""
    (folder / "t.csv").write_text("a,y\n1,2\n3,4\n5,6\n")
    with pytest.raises(ValueError, match=r"1 of its 3 rows would be trained on.*; training takes at least 2: give mor"):
        load_table("table_file", path="t.csv", target="y")
    with pytest.raises(
        ValueError, match=r"2 of its 3 rows are left .* for 5 folds, each of which takes at least 2: give"
    ):
        load_folds("table_file", folds=5, path="t.csv", target="y")


@pytest.mark.parametrize(
    ("lines", "trainable", "words"),
    [
        ("1,2\n3,4\n5,6\n", tabular_mlp, "1 of its 3 rows would be trained on"),
        ("1,2\n3,4\n5,6\n", random_forest, "2 of its 3 rows are left beside the test rows for 5 folds"),
        ("1,a\n2,b\n3,b\n4,b\n", tabular_mlp, "1 of the 2 classes of the target have too few rows ('a')"),
        ("1,a\n2,b\n", random_forest, "2 of the 2 classes of the target have too few rows ('a', 'b')"),
    ],
)
def test_too_few_rows_are_said_before_anything_starts(
    lines: str, trainable: Trainable[Any], words: str, folder: Path
) -> None:
    """A table that is too small for the parts or folds of a configuration is a fault of it, with the file's name."""
    (folder / "t.csv").write_text("a,y\n" + lines)
    [fault] = trainable.faults({"dataset": "table_file", "path": "t.csv", "target": "y"})
    assert fault.startswith(f"table_file: {folder}/t.csv: {words}")


def test_too_many_folds_for_an_embedded_table() -> None:
    """The tables that come with scikit-learn are counted as well."""
    [fault] = tabular_mlp.faults({"dataset": "wine", "folds": 100})
    assert fault.startswith(
        "wine: 3 of the 3 classes of the target have too few rows ('class_0', 'class_1', 'class_2')"
    )


def test_task_of_a_broken_file_is_unknown(folder: Path) -> None:
    """A line that breaks a file beyond its header is said by the check; asking for the metrics does not raise."""
    (folder / "t.csv").write_text("a,y\n1,2\n1,2,3\n")
    assert "val_r2" in tabular_mlp.metrics_of({"dataset": "table_file", "path": "t.csv", "target": "y"})


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("~nobody-of-this-name/t.csv", "there is no file .*/~nobody-of-this-name/t.csv; 'path' is absolute, or"),
        ("n" * 300 + ".csv", "'path' is 'n*.csv', which cannot be looked up .File name too long.; give the path of"),
    ],
)
def test_paths_that_cannot_be_looked_up(path: str, words: str, folder: Path) -> None:
    """A home of nobody and a name too long for a disk are told like any file that is not there."""
    assert folder.is_dir()
    [fault] = _faults(path=path, target="y")
    assert re.search(words, fault), fault


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        (
            "c,c=x,y\nx,1,1\nz,2,2\n",
            {},
            "two columns would be called 'c=x' (a text's is called column=text): rename one",
        ),
        ("a,y\n1,1e39\n2,1\n", {}, "the target 'y' is missing, infinite or beyond 3.4e38 in 1 of 2 rows: remove these"),
        (
            "a,y\n1,inf\n2,1\n",
            {"task": "classification"},
            "the target 'y' is missing, infinite or beyond 3.4e38 in 1 of 2 rows: remove these rows",
        ),
        (
            "a;y\n1,5;-2\n3;1\n",
            {},
            "column 'a' has numbers with a decimal comma ('1,5'), a point is taken: write the file with points",
        ),
        (
            "a;y\n1;0,5\n3;1\n",
            {},
            "the target 'y' has numbers with a decimal comma ('0,5'), a point is taken: write the file with points",
        ),
    ],
)
def test_contents_that_would_be_misread(text: str, options: dict[str, Any], words: str, folder: Path) -> None:
    """What would silently become something else is refused: equal names, decimal commas, targets beyond float32."""
    (folder / "t.csv").write_text(text)
    [fault] = _faults(path="t.csv", target="y", **options)
    assert fault.startswith(f"table_file: {folder}/t.csv: {words}")
