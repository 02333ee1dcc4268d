"""The perceptron on tables: no row but a training row changes it, and it answers in the target's unit."""

from __future__ import annotations

import itertools
import math
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

import trainables
from trainables import CheckpointFolder, Examples, load_folds, load_table, tabular_mlp, tabular_network
from trainables.models.rescaled import Rescaled
from trainables.tabular_mlp import TabularMLPConfig, scaled_error

if TYPE_CHECKING:
    from pathlib import Path

FAST = {"epochs": 3, "lr": 0.01, "hidden_units": 16, "batch_size": 32}


def numbers(record: dict[str, Any]) -> dict[str, Any]:
    """Return what a record says apart from the time it took."""
    return {name: value for name, value in record.items() if name not in {"seconds", "samples_per_second"}}


@pytest.mark.parametrize("dataset", ["diabetes", "wine", "breast_cancer"])
@pytest.mark.parametrize("folds", [0, 3])
def test_reports_its_metrics(dataset: str, folds: int) -> None:
    """Regression and classification, with and without folds, report the metrics that the trainable says they do."""
    config = FAST | {"dataset": dataset, "folds": folds, "batch_norm": True, "dropout": 0.1}
    records = list(tabular_mlp.epochs(config))
    assert [record["epoch"] for record in records] == [1, 2, 3]
    assert all(set(record) == {"epoch", *tabular_mlp.metrics_of(config)} for record in records)
    assert records[-1]["train_loss"] < records[0]["train_loss"]


def test_folds_are_averaged() -> None:
    """A metric is the mean over the folds, and its standard error that of the mean."""
    config = TabularMLPConfig.model_validate(FAST | {"dataset": "diabetes", "folds": 3, "epochs": 1})
    data = load_folds("diabetes", folds=3)
    losses: list[float] = []
    for count in (1, 2, 3):  # the first fold, the first two, all: each tells the loss of one more
        [record] = trainables.train_supervised(
            data=data[:count],
            model=lambda data: tabular_network(config, data),
            loss=trainables.mean_squared_error,
            scores={},
            objective=scaled_error,
            optimizer=config.make_optimizer(),
            schedule=config.make_schedule(),
            batch_size=config.batch_size,
            epochs=1,
            seed=config.seed,
        )
        losses.append(count * record["val_loss"] - sum(losses))
    [record] = tabular_mlp.epochs(config)
    assert record["val_loss"] == pytest.approx(mean(losses))
    assert record["val_loss_se"] == pytest.approx(stdev(losses) / math.sqrt(3))


@pytest.mark.parametrize("folds", [0, 3])
def test_interrupted_equals_uninterrupted(folds: int, tmp_path: Path) -> None:
    """Interrupted after any epoch, with one network or several, it goes on with the same numbers."""
    config = FAST | {"dataset": "diabetes", "folds": folds, "dropout": 0.2, "batch_norm": True}
    whole = [numbers(record) for record in tabular_mlp.epochs(config)]
    for stop in (1, 2):
        root = tmp_path / str(stop)
        list(itertools.islice(tabular_mlp.epochs(config, CheckpointFolder(root)), stop))
        rest = [numbers(record) for record in tabular_mlp.epochs(config, CheckpointFolder(root, segment=2))]
        assert rest == whole[stop - 1 :]


def test_answers_in_the_targets_unit() -> None:
    """The network's outputs are the standardized ones, scaled by what it keeps beside its weights."""
    data = load_table("diabetes")
    config = TabularMLPConfig(dataset="diabetes")
    network = tabular_network(config, data)
    assert isinstance(network, Rescaled)
    inputs = torch.randn(5, 10, generator=torch.Generator().manual_seed(0))
    expected = network.network(inputs) * data.target_std + data.target_mean
    assert torch.allclose(network(inputs), expected)
    assert network(inputs).shape == (5, 1)
    kept = {"target_mean": torch.tensor(data.target_mean), "target_std": torch.tensor(data.target_std)}
    assert {name: network.state_dict()[name] for name in kept} == kept
    assert not {"target_mean", "target_std"} & {name for name, _ in network.named_parameters()}


def test_lr_means_the_same_in_every_unit(tmp_path: Path) -> None:
    """The same prices in another unit are learnt in the same steps: the error scales, nothing else changes."""
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(60, 2))
    price = inputs @ [1.0, -2.0] + 5
    losses = []
    for unit in (1.0, 1024.0):
        path = tmp_path / f"{unit}.csv"
        lines = [f"{a!r},{b!r},{y * unit!r}" for (a, b), y in zip(inputs.tolist(), price.tolist(), strict=True)]
        path.write_text("\n".join(["a,b,y", *lines]))
        config = FAST | {"dataset": "table_file", "path": str(path), "target": "y", "optimizer": "sgd"}
        losses.append([record["val_loss"] / unit**2 for record in tabular_mlp.epochs(config)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert losses[0][-1] < losses[0][0]


def test_constant_target() -> None:
    """A target that is the same in all training rows has no scale, and is learnt without a division by zero."""
    assert Rescaled(torch.nn.Identity(), target_mean=3, target_std=1)(torch.zeros(2, 1)).tolist() == [[3], [3]]


class Marked:
    """A table file, and copies of it in which some rows hold garbage."""

    def __init__(self, folder: Path) -> None:
        generator = np.random.default_rng(1)
        self.folder, self.values = folder, generator.normal(size=(60, 4))
        self.source = {"dataset": "table_file", "path": str(self.write("plain", [])), "target": "y"}

    def write(self, name: str, rows: list[int]) -> Path:
        """Write a copy with garbage in every column of some rows."""
        garbage = itertools.cycle(["inf", "-inf", "1e30", "", "-7777", "nan"])
        lines = [[repr(value) for value in row] for row in self.values.tolist()]
        for row in rows:
            lines[row] = [*(next(garbage) for _ in range(3)), "123456.0"]
        path = self.folder / f"{name}.csv"
        path.write_text("\n".join(["a,b,c,y", *map(",".join, lines)]) + "\n")
        return path


def _learnt(source: dict[str, Any], fold: int | None) -> tuple[list[float], list[Any]]:
    """Return what training sees and gives: losses of the training rows, standardization and scale."""
    folds = {"folds": 3} if fold is not None else {}
    losses = [record["train_loss"] for record in tabular_mlp.epochs(FAST | source | folds)]
    name = source["dataset"]
    options = {key: source[key] for key in ("path", "target")}
    data = load_table(name, **options) if fold is None else load_folds(name, folds=3, **options)[fold]
    assert isinstance(data.training, Examples)
    change: Any = data.training.prepare
    return losses, [change.mean.tolist(), change.scale.tolist(), data.target_mean, data.target_std]


@pytest.mark.parametrize("part", ["validation", "test"])
def test_other_rows_never_enter_training(part: str, tmp_path: Path) -> None:
    """Garbage in every column of the validation rows, or of the test rows, changes no bit of what is trained."""
    table = Marked(tmp_path)
    rows: Any = (
        load_table(**table.source).validation if part == "validation" else trainables.test_rows(**table.source)
    ).rows.tolist()
    marked = table.source | {"path": str(table.write(part, rows))}
    assert _learnt(marked, None) == _learnt(table.source, None)
    control = table.source | {
        "path": str(table.write("control", load_table(**table.source).training.rows.tolist()[:1]))
    }
    assert _learnt(control, None)[0] != _learnt(table.source, None)[0]


def test_test_rows_never_enter_a_fold(tmp_path: Path) -> None:
    """Garbage in the test rows changes no number of a cross-validation, not those of validation either."""
    table = Marked(tmp_path)
    rows: Any = trainables.test_rows(**table.source).rows.tolist()
    marked = table.source | {"path": str(table.write("test", rows))}
    config = FAST | {"folds": 3}
    plain, garbage = (list(map(numbers, tabular_mlp.epochs(config | source))) for source in (table.source, marked))
    assert plain == garbage


@pytest.mark.parametrize("fold", [0, 1, 2])
def test_validation_rows_of_a_fold_never_enter_its_training(fold: int, tmp_path: Path) -> None:
    """Garbage in a fold's validation rows changes neither its standardization nor the scale of its target."""
    table = Marked(tmp_path)
    rows: Any = load_folds(folds=3, **table.source)[fold].validation.rows.tolist()
    marked = table.source | {"path": str(table.write("fold", rows))}
    assert _learnt(marked, fold)[1] == _learnt(table.source, fold)[1]
    assert _learnt(marked, (fold + 1) % 3)[1] != _learnt(table.source, (fold + 1) % 3)[1]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"folds": 1}, "tabular_mlp: folds is 1; give 2 to 100, or 0 for one split into training and validation rows"),
        (
            {"label_smoothing": 0.1},
            (
                "tabular_mlp: 'label_smoothing' is 0.1, but the target is a number, which has no label; leave it out, "
                "or choose a target that is a class (task='classification')"
            ),
        ),
    ],
)
def test_what_does_not_go_together(config: dict[str, Any], words: str) -> None:
    """What a task or a split does not take is said before anything starts."""
    assert tabular_mlp.faults(config) == [words]


def test_california_housing_is_learnt(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a few passes of two networks, half of the variance of California's house prices is explained."""
    monkeypatch.setenv("RAYSWEEPS_DATA", str(shared_data))
    config = {"dataset": "california_housing", "folds": 2, "epochs": 2, "lr": 0.003, "batch_size": 64}
    assert list(tabular_mlp.epochs(config))[-1]["val_r2"] > 0.5


def test_missing_data_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """California housing that is not there is a fault before anything starts, with the command that fetches it."""
    monkeypatch.setenv("RAYSWEEPS_DATA", str(tmp_path))
    [fault] = tabular_mlp.faults({"dataset": "california_housing"})
    assert "python -m trainables fetch california_housing --data-dir" in fault
    with pytest.raises(FileNotFoundError, match="fetch california_housing"):
        load_table("california_housing")
