"""The forest under cross-validation: scikit-learn's numbers, fold by fold, without torch."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.datasets import fetch_california_housing, load_diabetes, load_wine
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score

from trainables import CheckpointFolder, limit_threads, random_forest
from trainables._training.data.tables import rows as table_rows
from trainables._training.data.tables.rows import read_table

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS: list[dict[str, Any]] = [
    {"n_estimators": 8, "seed": 5},
    {"n_estimators": 5, "max_depth": 4, "min_samples_leaf": 3, "min_samples_split": 9, "max_features": 0.5},
    {"n_estimators": 5, "bootstrap": False, "max_features": "sqrt"},
]


def numbers(record: dict[str, Any]) -> dict[str, Any]:
    """Return what a record says apart from the time it took."""
    return {name: value for name, value in record.items() if name != "seconds"}


def _expected(forest: Any, inputs: Any, targets: Any, folds: Any, scoring: str) -> tuple[float, float]:
    scores = cross_val_score(forest, inputs, targets, cv=folds, scoring=scoring)
    return float(scores.mean()), float(scores.std(ddof=1) / math.sqrt(len(scores)))


def _of_forest(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name != "seed"} | {
        "random_state": settings.get("seed", 0)
    }


def _final(config: dict[str, Any]) -> dict[str, Any]:
    return list(random_forest.epochs(config))[-1]


@pytest.mark.parametrize("settings", SETTINGS, ids=["plain", "pruned", "all rows"])
@pytest.mark.parametrize("shuffle", [True, False])
def test_regression_equals_cross_val_score(settings: dict[str, Any], shuffle: bool) -> None:
    """After all folds the loss and its standard error are those of scikit-learn's cross_val_score."""
    inputs, targets = load_diabetes(return_X_y=True)
    folds = KFold(4, shuffle=shuffle, random_state=3 if shuffle else None)
    forest = RandomForestRegressor(**_of_forest(settings))
    last = _final(settings | {"folds": 4, "epochs": 4, "shuffle": shuffle, "split_seed": 3, "test_fraction": 0})
    for metric, scoring, sign in (
        ("val_loss", "neg_mean_squared_error", -1),
        ("val_mae", "neg_mean_absolute_error", -1),
        ("val_rmse", "neg_root_mean_squared_error", -1),
        ("val_r2", "r2", 1),
    ):
        value, error = _expected(forest, inputs, targets, folds, scoring)
        assert last[metric] == pytest.approx(sign * value, rel=1e-12, abs=1e-9)
        assert last[f"{metric}_se"] == pytest.approx(error, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("settings", SETTINGS, ids=["plain", "pruned", "all rows"])
@pytest.mark.parametrize("shuffle", [True, False])
def test_classification_equals_cross_val_score(settings: dict[str, Any], shuffle: bool) -> None:
    """The same for classes, whose folds are stratified: log loss and accuracy."""
    inputs, targets = load_wine(return_X_y=True)
    folds = StratifiedKFold(5, shuffle=shuffle, random_state=0 if shuffle else None)
    forest = RandomForestClassifier(**_of_forest(settings))
    last = _final(settings | {"dataset": "wine", "shuffle": shuffle, "test_fraction": 0})
    for metric, scoring, sign in (("val_loss", "neg_log_loss", -1), ("val_accuracy", "accuracy", 1)):
        value, error = _expected(forest, inputs, targets, folds, scoring)
        assert last[metric] == pytest.approx(sign * value, rel=1e-12, abs=1e-9)
        assert last[f"{metric}_se"] == pytest.approx(error, rel=1e-9, abs=1e-9)


def test_rows_beside_the_test_part() -> None:
    """With a test part, it is the rows beside it that are cross-validated, as scikit-learn would these."""
    table = read_table("diabetes")
    development, test = table_rows.test_split(table, 0.25)
    assert len(test) == round(0.25 * 442)
    folds = KFold(5, shuffle=True, random_state=0)
    forest = RandomForestRegressor(5, random_state=0)
    value, _ = _expected(forest, table.inputs[development], table.targets[development], folds, "neg_mean_squared_error")
    assert _final({"n_estimators": 5, "test_fraction": 0.25})["val_loss"] == pytest.approx(-value, rel=1e-12)


def test_california_housing_equals_cross_val_score(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the file, as `cross_val_score(forest, X, y, cv=5)` splits it."""
    monkeypatch.setenv("RAYSWEEPS_DATA", str(shared_data))
    inputs, targets = fetch_california_housing(
        data_home=str(shared_data / "scikit_learn_data"), download_if_missing=False, return_X_y=True
    )
    forest = RandomForestRegressor(3, max_depth=6, random_state=42)
    value, error = _expected(forest, inputs, targets, 5, "neg_mean_squared_error")
    settings = {"n_estimators": 3, "max_depth": 6, "seed": 42, "shuffle": False, "test_fraction": 0}
    last = _final({"dataset": "california_housing"} | settings)
    assert last["val_loss"] == pytest.approx(-value, abs=1e-9)
    assert last["val_loss_se"] == pytest.approx(error, abs=1e-9)


def test_running_mean_of_the_folds() -> None:
    """After each fold the mean and its standard error are those of the folds so far, whose values are reported too."""
    records = list(random_forest.epochs({"n_estimators": 4, "folds": 6, "epochs": 6}))
    losses = [record["fold_loss"] for record in records]
    assert len(set(losses)) == 6
    assert records[0]["val_loss_se"] == 0
    for count, record in enumerate(records, start=1):
        assert record["epoch"] == count
        assert record["val_loss"] == pytest.approx(np.mean(losses[:count]), rel=1e-12)
        assert record["generalization_gap"] == pytest.approx(record["val_loss"] - record["train_loss"])
        assert record["train_loss"] < record["val_loss"]
        if count > 1:
            error = np.std(losses[:count], ddof=1) / math.sqrt(count)
            assert record["val_loss_se"] == pytest.approx(error, rel=1e-9)


@pytest.mark.parametrize("dataset", ["diabetes", "wine"])
def test_reports_its_metrics(dataset: str) -> None:
    """A regressor and a classifier report the metrics that the trainable says they do."""
    config = {"dataset": dataset, "n_estimators": 2, "epochs": 2}
    for record in random_forest.epochs(config):
        assert set(record) == {"epoch", *random_forest.metrics_of(config)}
        assert {type(value) for value in record.values()} == {int, float}


def test_fewer_epochs_are_the_first_folds() -> None:
    """A smaller budget evaluates the first of the same folds."""
    config = {"n_estimators": 3}
    assert [numbers(record) for record in random_forest.epochs(config | {"epochs": 2})] == [
        numbers(record) for record in itertools.islice(random_forest.epochs(config), 2)
    ]


def test_interrupted_equals_uninterrupted(tmp_path: Path) -> None:
    """Interrupted after any fold and continued from its record, all that a checkpoint has, the numbers are equal."""
    config = {"dataset": "wine", "n_estimators": 3}
    whole = [numbers(record) for record in random_forest.epochs(config)]
    for stop in (1, 2, 3, 4, 5):
        root = tmp_path / str(stop)
        list(itertools.islice(random_forest.epochs(config, CheckpointFolder(root)), stop))
        rest = list(map(numbers, random_forest.epochs(config, CheckpointFolder(root, segment=2))))
        assert rest == whole[stop - 1 :]
        assert not list(root.rglob("state.pt"))


def test_threads_change_nothing() -> None:
    """With more CPUs a trial is faster, to the same last digit."""
    try:
        records = []
        for cpus in (1, 2):
            limit_threads(cpus)
            records.append([numbers(record) for record in random_forest.epochs({"n_estimators": 20})])
    finally:
        limit_threads(1)
    assert records[0] == records[1]


def test_other_rows_never_enter_training(tmp_path: Path) -> None:
    """Garbage in the test rows changes nothing, and garbage in the first fold's validation rows no tree of it."""
    values = np.random.default_rng(2).normal(size=(50, 4))

    def records(name: str, rows: Any, **options: Any) -> list[dict[str, Any]]:
        lines = [[repr(value) for value in row] for row in values.tolist()]
        for row in rows:
            lines[row] = ["inf", "1e30", "", "123456.0"]
        path = tmp_path / f"{name}.csv"
        path.write_text("\n".join(["a,b,c,y", *map(",".join, lines)]) + "\n")
        config = {"dataset": "table_file", "path": str(path), "target": "y", "n_estimators": 4}
        return [numbers(record) for record in random_forest.epochs(config | options)]

    plain = records("plain", [])
    table = read_table("table_file", path=str(tmp_path / "plain.csv"), target="y")
    development, test = table_rows.test_split(table, 0.2)
    assert records("test", test) == plain
    first_fold = next(iter(KFold(5, shuffle=True, random_state=0).split(development)))[1]
    [marked] = records("validation", development[first_fold], epochs=1)
    assert marked["train_loss"] == plain[0]["train_loss"]
    assert marked["val_loss"] != plain[0]["val_loss"]
    assert records("training", development[[row for row in range(40) if row not in first_fold][:1]]) != plain


def test_missing_numbers_are_taken(tmp_path: Path) -> None:
    """A forest takes missing numbers as scikit-learn does."""
    lines = "".join(f"{row if row % 3 else ''},{row % 2},{row * 0.5}\n" for row in range(60))
    (tmp_path / "t.csv").write_text("a,b,y\n" + lines)
    config = {"dataset": "table_file", "path": str(tmp_path / "t.csv"), "target": "y", "n_estimators": 5}
    assert _final(config)["val_r2"] > 0


def test_trains_without_torch(tmp_path: Path) -> None:
    """Torch, which takes seconds and memory, is not imported by a trial with checkpoints, nor by checking one."""
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{row},{row}\n" for row in range(30)))
    program = (
        "import sys; from trainables import CheckpointFolder, random_forest; "
        f"folder = CheckpointFolder({str(tmp_path)!r}); "
        f"own = {{'dataset': 'table_file', 'path': {str(tmp_path / 't.csv')!r}, 'target': 'y', 'n_estimators': 2}}; "
        "assert not random_forest.faults(own); list(random_forest.epochs(own)); "
        "list(random_forest.epochs({'n_estimators': 2}, folder)); "
        "assert not {'torch', 'ray'} & set(sys.modules); "
        "assert (folder.newest().made_by['torch'], folder.newest().made_by['threads']) == (None, None)"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (
            {"epochs": 10},
            (
                "random_forest: epochs is 10, but folds is 5: an epoch is one fold; give at most 5 epochs, or set "
                "folds to 10 or more"
            ),
        ),
        (
            {"criterion": "gini"},
            (
                "random_forest: 'criterion' is 'gini', but the target is one of regression, which takes "
                "squared_error, absolute_error, poisson; give one of these, or leave it out"
            ),
        ),
    ],
)
def test_what_does_not_go_together(config: dict[str, Any], words: str) -> None:
    """More epochs than folds, and a criterion of another task, are said before anything starts."""
    assert random_forest.faults(config) == [words]


def test_poisson_takes_no_target_below_0(tmp_path: Path) -> None:
    """What scikit-learn would refuse in each trial is said before anything starts."""
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{row},{row - 1}\n" for row in range(20)))
    config = {"dataset": "table_file", "path": str(tmp_path / "t.csv"), "target": "y", "criterion": "poisson"}
    [fault] = random_forest.faults(config)
    assert fault == (
        "random_forest: 'criterion' is 'poisson', but the target is below 0 in some rows; it takes targets of 0 and "
        "above: give another criterion, or leave it out"
    )


@pytest.mark.parametrize(("dataset", "criterion"), [("diabetes", "poisson"), ("wine", "entropy")])
def test_criterion(dataset: str, criterion: str) -> None:
    """A criterion is scikit-learn's of that name, which the default is not."""
    config = {"dataset": dataset, "n_estimators": 3}
    assert random_forest.faults(config | {"criterion": criterion}) == []
    assert _final(config | {"criterion": criterion})["val_loss"] != _final(config)["val_loss"]
