"""Tables: parts that share no row, statistics of the training part only, folds as scikit-learn's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pytest
import torch
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.preprocessing import StandardScaler

import trainables
from trainables import Examples, TrainingData, load_folds, load_table
from trainables._training.data.tables import rows as table_rows
from trainables._training.data.tables.checks import TABLES
from trainables._training.data.tables.fields import TableSource
from trainables._training.data.tables.load import Standardization, _standardization
from trainables.datasets import california_housing

if TYPE_CHECKING:
    from pathlib import Path

SIZES = {"diabetes": (442, 10, None), "breast_cancer": (569, 30, 2), "wine": (178, 13, 3)}


def _rows(part: Any) -> set[int]:
    assert isinstance(part, Examples)
    return set(part.rows.tolist())


def _batch(part: Any) -> tuple[torch.Tensor, torch.Tensor]:
    [batch] = part.in_order(1_000_000)
    assert isinstance(batch, tuple)
    return batch


@pytest.mark.parametrize("dataset", SIZES)
@pytest.mark.parametrize("fraction", [0.0, 0.3])
def test_every_row_is_in_one_part(dataset: str, fraction: float) -> None:
    """Training, validation and test rows are apart and together all; the test part is the same for every seed."""
    rows, columns, classes = SIZES[dataset]
    tests = set()
    for split_seed in range(3):
        data = load_table(dataset, split_seed=split_seed, test_fraction=fraction)
        parts = [_rows(data.training), _rows(data.validation)]
        if fraction:
            parts.append(_rows(trainables.test_rows(dataset, split_seed=split_seed, test_fraction=fraction)))
            tests.add(frozenset(parts[-1]))
            assert len(parts[-1]) == pytest.approx(fraction * rows, abs=2)
        assert sum(map(len, parts)) == len(set().union(*parts)) == rows
        assert (data.features, data.classes) == (columns, classes)
    assert len(tests) <= 1


def test_split_is_seeded() -> None:
    """The same seed gives the same split, another seed another one."""
    first, again, other = (_rows(load_table("wine", split_seed=seed).validation) for seed in (0, 0, 1))
    assert first == again != other


def test_california_housing(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """California housing comes from the file of scikit-learn's loader: 20,640 rows, 8 columns, its usual target."""
    monkeypatch.setenv("RAYSWEEPS_DATA", str(shared_data))
    data = load_table("california_housing", test_fraction=0)
    assert len(data.training) + len(data.validation) == 20_640
    assert data.input_shape == (8,)
    assert isinstance(data.training, Examples)
    assert float(data.training.targets.mean()) == pytest.approx(2.0685582, abs=1e-6)


@pytest.mark.parametrize("dataset", ["diabetes", "wine"])
@pytest.mark.parametrize("folds", [2, 5])
def test_folds_are_scikit_learns(dataset: str, folds: int) -> None:
    """The folds are KFold's or StratifiedKFold's of the rows beside the test part, each with statistics of its own."""
    table = table_rows.read_table(dataset)
    development, _ = table_rows.test_split(table, 0.2)
    kind = KFold if table.classes is None else StratifiedKFold
    expected = kind(folds, shuffle=True, random_state=7).split(development, table.targets[development])
    data = load_folds(dataset, folds=folds, split_seed=7)
    for of_fold, (training, validation) in zip(data, expected, strict=True):
        assert isinstance(of_fold.training, Examples)
        assert of_fold.training.rows.tolist() == development[training].tolist()
        assert _rows(of_fold.validation) == set(development[validation])
        scaler = StandardScaler().fit(table.inputs[development[training]])
        np.testing.assert_allclose(
            _batch(of_fold.validation)[0], scaler.transform(table.inputs[development[validation]]), atol=1e-5
        )
        if table.classes is None:
            targets = table.targets[development[training]]
            assert (of_fold.target_mean, of_fold.target_std) == (float(targets.mean()), float(targets.std()))


def test_folds_take_any_seed() -> None:
    """A seed of 63 bits, which scikit-learn alone would refuse, gives a split of its own."""
    splits = {
        tuple(sorted(_rows(load_folds("wine", folds=2, split_seed=seed)[0].validation))) for seed in (5, 2**32 + 5)
    }
    assert len(splits) == 2


def test_training_part_is_standardized() -> None:
    """Inputs are float32 of mean 0 and deviation 1 in the training part, and the same change is used on the others."""
    data = load_table("breast_cancer")
    inputs, targets = _batch(data.training)
    assert (inputs.dtype, targets.dtype) == (torch.float32, torch.int64)
    assert torch.allclose(inputs.mean(dim=0), torch.zeros(30), atol=1e-6)
    assert torch.allclose(inputs.std(dim=0, correction=0), torch.ones(30), atol=1e-5)
    test = trainables.test_rows("breast_cancer")
    assert isinstance(data.training, Examples)
    assert isinstance(test, Examples)
    for name in ("mean", "scale"):
        assert torch.equal(getattr(test.prepare, name), getattr(data.training.prepare, name))


def test_test_rows_of_a_fold() -> None:
    """The test part can be standardized like the training part of any fold."""
    folds = load_folds("wine", folds=3)
    for number, fold in enumerate(folds):
        test = trainables.test_rows("wine", folds=3, fold=number)
        assert isinstance(test, Examples)
        assert isinstance(fold.training, Examples)
        assert torch.equal(test.prepare.mean, fold.training.prepare.mean)  # type: ignore[attr-defined] # it is ours


def test_loaded_once_per_process() -> None:
    """A process that trains again finds what it needs in memory; another split is another value."""
    assert load_table("wine") is load_table("wine", split_seed=0)
    assert load_table("wine", split_seed=1) is not load_table("wine")
    assert load_folds("wine", folds=2)[1] is load_folds("wine", folds=2)[1]


def test_no_test_part() -> None:
    """Without a test part there are no test rows, and it is said why."""
    with pytest.raises(ValueError, match="test_fraction is 0, so there is no test part"):
        trainables.test_rows("wine", test_fraction=0)


def test_missing_and_constant_numbers() -> None:
    """What is missing counts for nothing and becomes 0, as does a column that is constant or wholly missing."""
    inputs = np.array([[1, 0.1, np.nan, 5], [np.nan, 0.1, np.nan, 6], [3, 0.1, np.nan, 9], [9, 9.9, 4, np.nan]])
    change = _standardization(inputs, np.array([0, 1, 2]))
    assert change.mean.tolist() == pytest.approx([2, 0.1, 0, 20 / 3])
    assert change.scale[:3].tolist() == [1, 0, 0]
    prepared = change(torch.from_numpy(inputs))
    assert prepared[:, :3].tolist() == [[-1, 0, 0], [0, 0, 0], [1, 0, 0], [7, 0, 0]]
    assert float(prepared[3, 3]) == 0
    assert np.isnan(inputs).sum() == 5  # shared by all trials: never written


def test_statistics_of_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gathered some rows at a time, they are what numpy gives at once."""
    monkeypatch.setattr("trainables._training.data.tables.load._CHUNK_ROWS", 7)
    inputs = np.random.default_rng(0).normal(1e6, 3.0, (100, 4))
    inputs[inputs > 1e6 + 4] = np.nan
    rows = np.arange(0, 100, 2)
    change: Standardization = _standardization(inputs, rows)
    np.testing.assert_allclose(change.mean, np.nanmean(inputs[rows], axis=0), rtol=1e-12)
    np.testing.assert_allclose(1 / change.scale, np.nanstd(inputs[rows], axis=0), rtol=1e-9)


def test_trial_cannot_reach_the_test_part() -> None:
    """What a trial gets has a training and a validation part, and names no test part."""
    assert {name for name in TrainingData.__dataclass_fields__ if "test" in name} == set()


def test_unknown_table() -> None:
    """A table that is not there is refused with those that are."""
    with pytest.raises(ValueError, match=r"there is no table 'wines'; there are .* table_file\. Did you mean 'wine'\?"):
        load_table("wines")


def test_every_table_has_a_name() -> None:
    """What a configuration takes as `dataset` are the tables that there are."""
    assert set(get_args(TableSource.model_fields["dataset"].annotation)) == {*TABLES, "table_file"}


def test_fetch_calls_scikit_learn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """California housing is downloaded by scikit-learn, into its folder below the data sets."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr("sklearn.datasets.fetch_california_housing", lambda **options: calls.append(options))
    california_housing.fetch(tmp_path)
    assert calls == [{"data_home": f"{tmp_path}/scikit_learn_data", "download_if_missing": True}]
