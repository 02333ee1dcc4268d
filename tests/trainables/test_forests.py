"""The trees that a refitted forest leaves answer as scikit-learn's do, to the bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

import trainables as parts
from trainables import CheckpointFolder, forest_state, random_forest

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CASES = {
    "regressor": RandomForestRegressor(7, random_state=1),
    "stumps": RandomForestRegressor(3, max_depth=1, random_state=1),
    "one leaf": RandomForestRegressor(2, min_samples_leaf=150, random_state=1),
    "absolute": RandomForestRegressor(3, criterion="absolute_error", max_depth=5, random_state=1),
    "classifier": RandomForestClassifier(7, random_state=1),
}


def answers(state: Any, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Walk every row down every tree, as the words of `forest_state` say it."""
    arrays = {name: tensor.numpy() for name, tensor in state.items()}
    result = np.zeros((len(rows), arrays["value"].shape[1]))
    for root in arrays["roots"]:
        for number, row in enumerate(rows):
            node = root
            while arrays["feature"][node] >= 0:
                value = np.float32(row[arrays["feature"][node]])
                is_left = arrays["missing_left"][node] if np.isnan(value) else value <= arrays["threshold"][node]
                node = arrays["left" if is_left else "right"][node]
            assert arrays["left"][node] == arrays["right"][node] == node
            result[number] += arrays["value"][node]
    return result / len(arrays["roots"])


@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize("name", CASES)
def test_answers_as_scikit_learn(name: str, missing: float) -> None:
    """Every row gets scikit-learn's answer: beside a threshold, at it, and where a number is missing."""
    chance = np.random.default_rng(5)
    inputs = chance.normal(size=(200, 4))
    inputs[chance.random(inputs.shape) < (0 if name == "absolute" else missing)] = np.nan
    targets = np.nan_to_num(inputs).sum(axis=1) + chance.normal(size=200)
    is_classifier = name == "classifier"
    forest = CASES[name].fit(inputs, np.digitize(targets, [-1, 1]) if is_classifier else targets)
    state = forest_state(forest, classes=3 if is_classifier else None)
    rows = chance.normal(size=(60, 4))
    # a threshold may be infinite, where only missing numbers go to the right
    inner = (state["feature"] >= 0) & state["threshold"].isfinite()
    for row, (column, threshold) in enumerate(zip(state["feature"][inner], state["threshold"][inner], strict=True)):
        # a row of 64 bits that is beside the threshold, and at it in 32
        rows[row % 60, column] = threshold * (1 + 1e-9 * (row % 3 - 1))
    if missing and name != "absolute":
        rows[chance.random(rows.shape) < missing] = np.nan
    expected = forest.predict_proba(rows) if is_classifier else forest.predict(rows)[:, None]
    np.testing.assert_array_equal(answers(state, rows), expected)


def test_a_class_without_a_row_has_a_column() -> None:
    """Every class of the table has its place in the answers, where it had no row to learn from too."""
    inputs = np.random.default_rng(0).normal(size=(40, 2))
    forest = RandomForestClassifier(3, random_state=0).fit(inputs, np.where(inputs[:, 0] > 0, 3, 1))
    state = forest_state(forest, classes=4)
    expected = np.zeros((40, 4))
    expected[:, [1, 3]] = forest.predict_proba(inputs)
    np.testing.assert_array_equal(answers(state, inputs), expected)


@pytest.mark.parametrize("dataset", ["diabetes", "wine"])
def test_a_refit_leaves_its_trees(dataset: str, tmp_path: Path) -> None:
    """The checkpoint of a refit answers for the test rows as scikit-learn's forest on all other rows does."""
    config = {"dataset": dataset, "n_estimators": 5, "seed": 3}
    (record,) = random_forest.refitting(4).epochs(config, CheckpointFolder(tmp_path))
    saved = CheckpointFolder(tmp_path).newest()
    assert saved is not None and saved.record == record
    table = parts.read_table(dataset)
    development, test = parts.test_split(table, 0.2)
    kind = RandomForestRegressor if table.classes is None else RandomForestClassifier
    forest = kind(5, random_state=3).fit(table.inputs[development], table.targets[development])
    rows = table.inputs[test]
    expected = forest.predict(rows)[:, None] if table.classes is None else forest.predict_proba(rows)
    np.testing.assert_array_equal(answers(saved.state()["forest"], rows), expected)
