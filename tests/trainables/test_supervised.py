"""The loop learns, counts its best, follows its schedule, and keeps to its threads."""

from __future__ import annotations

import functools
import math
import operator
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import torch

import trainables as parts
from trainables import CheckpointFolder, image_classifier
from trainables._training.learner import Learner
from trainables._training.records import best_so_far, over_folds

if TYPE_CHECKING:
    from pathlib import Path

CONVERGING = {"dataset": "digits", "hidden_units": 64, "lr": 0.01, "batch_size": 32, "epochs": 12}


def test_digits_are_learned() -> None:
    """A small network classifies at least 95 % of the validation digits after a few epochs."""
    assert max(record["val_accuracy"] for record in image_classifier.epochs(CONVERGING)) >= 0.95


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_every_optimizer_learns(optimizer: str) -> None:
    """Each optimizer lowers the loss far below that of guessing."""
    *_, last = image_classifier.epochs(CONVERGING | {"optimizer": optimizer, "epochs": 4})
    assert last["val_loss"] < 0.5 * math.log(10)


@pytest.mark.slow
def test_mnist_is_learned(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two epochs of MNIST give at least 95 % validation accuracy."""
    monkeypatch.setenv("RAYSWEEPS_DATA", str(shared_data))
    *_, last = image_classifier.epochs({"dataset": "mnist", "lr": 0.002, "epochs": 2})
    assert last["val_accuracy"] >= 0.95


def test_cosine_schedule() -> None:
    """The learning rate of each epoch is in its record: constant, or half a cosine wave down."""
    rates = [record["lr"] for record in image_classifier.epochs({"lr": 0.4, "schedule": "cosine", "epochs": 3})]
    assert rates == pytest.approx([0.4, 0.3, 0.1])
    assert [record["lr"] for record in image_classifier.epochs({"lr": 0.4, "epochs": 2})] == [0.4, 0.4]


def test_learning_rate_comes_from_the_configuration(tmp_path: Path) -> None:
    """A checkpoint continues with the hyperparameters of its new configuration, as population-based training needs."""
    next(image_classifier.epochs({"lr": 0.1, "epochs": 2}, CheckpointFolder(tmp_path)))
    records = list(image_classifier.epochs({"lr": 0.01, "epochs": 2}, CheckpointFolder(tmp_path, segment=2)))
    assert [(record["epoch"], record["lr"]) for record in records] == [(1, 0.1), (2, 0.01)]


def test_checkpoint_of_an_epoch_contains_its_record(tmp_path: Path) -> None:
    """When a record is yielded, its checkpoint is on the disk and contains it."""
    for record in image_classifier.epochs({"epochs": 3, "dropout": 0.1}, CheckpointFolder(tmp_path)):
        saved = CheckpointFolder(tmp_path).newest()
        assert saved is not None
        assert saved.record == record
        assert set(saved.state()) == {"model", "optimizer", "random_state"}


def test_best_so_far() -> None:
    """The best value so far is the first of equals; NaN is never better, and anything is better than NaN."""
    values = [math.nan, 0.5, 0.7, math.nan, 0.5, 0.3]
    record: dict[str, Any] | None = None
    losses, accuracies = [], []
    for epoch, value in enumerate(values, start=1):
        record = best_so_far({"loss": value, "accuracy": value}, epoch, record, {"loss"})
        losses.append((record["best_val_loss"], record["best_val_loss_epoch"]))
        accuracies.append((record["best_val_accuracy"], record["best_val_accuracy_epoch"]))
    assert math.isnan(losses[0][0])
    assert losses[0][1] == 1
    assert losses[1:] == [(0.5, 2), (0.5, 2), (0.5, 2), (0.5, 2), (0.3, 6)]
    assert accuracies[1:] == [(0.5, 2), (0.7, 3), (0.7, 3), (0.7, 3), (0.7, 3)]


def test_divergence_is_reported_as_it_is() -> None:
    """A loss that becomes infinite or NaN is a record like any other, and survives its checkpoint."""
    records = list(image_classifier.epochs({"optimizer": "sgd", "lr": 100, "hidden_layers": 3, "epochs": 3}))
    assert not math.isfinite(records[-1]["val_loss"]) or records[-1]["val_loss"] > 1e3
    assert [record["epoch"] for record in records] == [1, 2, 3]


def test_a_trainable_of_ones_own(tmp_path: Path) -> None:
    """The public parts make a regression on other data in a few lines, resumable like any other."""
    inputs = torch.linspace(-1, 1, 64).reshape(64, 1)
    examples = parts.Examples.of(inputs, 3 * inputs)

    def epochs(checkpoints: CheckpointFolder | None, budget: int) -> list[dict[str, Any]]:
        records = parts.train_supervised(
            data=parts.TrainingData(training=examples, validation=examples, classes=1),
            model=lambda data: parts.mlp(data.features, data.outputs, layers=[8]),
            loss=torch.nn.functional.mse_loss,
            scores={},
            optimizer=parts.optimizer("adam"),
            schedule=parts.constant(0.05),
            batch_size=16,
            epochs=budget,
            seed=1,
            checkpoints=checkpoints,
        )
        return list(records)

    whole = epochs(None, 8)
    assert whole[-1]["val_loss"] < 0.2 * whole[0]["val_loss"]
    epochs(CheckpointFolder(tmp_path), 5)
    resumed = epochs(CheckpointFolder(tmp_path, segment=2), 8)
    assert [record["val_loss"] for record in resumed] == [record["val_loss"] for record in whole[4:]]


def test_patience_ends_a_trial_before_its_budget(tmp_path: Path) -> None:
    """After so many epochs without a lower validation loss it ends by itself, and so it does when it is resumed."""
    config = CONVERGING | {"lr": 0.05, "epochs": 200, "patience": 3}
    records = list(image_classifier.epochs(config, CheckpointFolder(tmp_path)))
    last = records[-1]
    assert last["epoch"] == last["best_val_loss_epoch"] + 3 < 200
    assert all(record["epoch"] - record["best_val_loss_epoch"] < 3 for record in records[:-1])
    assert list(image_classifier.epochs(config, CheckpointFolder(tmp_path, segment=2))) == [last]


def test_generalization_gap_is_measured_after_the_epoch() -> None:
    """The gap is that of the finished epoch's weights, on as many training as validation rows, without dropout."""
    inputs, targets = torch.randn(60, 3, generator=torch.Generator().manual_seed(1)), torch.arange(60) % 2
    parts_ = [parts.Examples.of(inputs[rows], targets[rows]) for rows in (slice(0, 40), slice(40, 60))]
    networks: list[torch.nn.Module] = []

    def model(data: parts.TrainingData) -> torch.nn.Module:
        networks.append(parts.mlp(data.features, data.outputs, layers=[8], dropout=0.5))
        return networks[-1]

    (record,) = parts.train_supervised(
        data=parts.TrainingData(training=parts_[0], validation=parts_[1], classes=2),
        model=model,
        loss=parts.cross_entropy,
        scores={},
        optimizer=parts.optimizer("adam"),
        schedule=parts.constant(0.1),
        batch_size=8,
        epochs=1,
        seed=5,
    )
    sample = parts_[0].sample(20, seed=5)
    (batch,) = sample.in_order(20)
    with torch.no_grad():
        train_loss = float(parts.cross_entropy(networks[0](batch[0]), batch[1]))
    assert record["generalization_gap"] == pytest.approx(record["val_loss"] - train_loss, abs=1e-6)
    assert len(set(sample.rows.tolist())) == 20


def test_a_single_last_row_joins_the_batch_before() -> None:
    """Batch normalization cannot train on one row: 17 rows in batches of 8 are 8 and 9; none is lost."""
    examples = parts.Examples.of(torch.arange(17.0).reshape(17, 1), torch.arange(17))
    batches = [targets.tolist() for _, targets in examples.shuffled(8, torch.Generator().manual_seed(0))]
    assert [len(batch) for batch in batches] == [8, 9]
    assert sorted(functools.reduce(operator.iadd, batches, [])) == list(range(17))
    assert [len(targets) for _, targets in examples.shuffled(1, torch.Generator())] == [1] * 17


def test_folds_are_averaged() -> None:
    """A metric is the mean over the folds; its standard error that of a mean of k values; one fold stays as it is."""
    metrics = over_folds([{"train_loss": 1.0, "val_loss": value} for value in (1.0, 2.0, 6.0)])
    assert metrics == pytest.approx({"train_loss": 1.0, "val_loss": 3.0, "val_loss_se": math.sqrt(7 / 3)})
    assert over_folds([{"val_loss": 2.0}]) == {"val_loss": 2.0}
    diverged = over_folds([{"val_loss": value} for value in (math.inf, 1.0, -math.inf)])
    assert math.isnan(diverged["val_loss"])
    assert math.isnan(diverged["val_loss_se"])


def test_each_fold_trains_as_it_would_alone() -> None:
    """The first of several folds has the numbers of a trial on its data alone; the others have their own chance."""
    inputs, targets = torch.randn(40, 3, generator=torch.Generator().manual_seed(1)), torch.arange(40) % 2
    data = parts.TrainingData(
        training=parts.Examples.of(inputs[:30], targets[:30]),
        validation=parts.Examples.of(inputs[30:], targets[30:]),
        classes=2,
    )

    def losses(folds: list[parts.TrainingData] | parts.TrainingData) -> list[float]:
        records = parts.train_supervised(
            data=folds,
            model=lambda data: parts.mlp(data.features, data.outputs, layers=[4]),
            loss=parts.cross_entropy,
            scores={},
            optimizer=parts.optimizer("sgd"),
            schedule=parts.constant(0.1),
            batch_size=8,
            epochs=2,
            seed=5,
        )
        return [record["val_loss"] for record in records]

    assert losses([data]) == losses(data)
    assert losses([data, data]) != losses(data)


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16], ids=str)
def test_mixed_precision_computes_in_16_bits_and_reports_in_32(
    precision: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a device has 16 bits, products are computed in them; weights, loss and measures stay in 32.

    The scale that float16 needs for small gradients is part of the state.
    """
    monkeypatch.setattr("trainables._training.learner.precision_of", lambda _device: precision)
    seen: list[torch.dtype] = []
    network = torch.nn.Linear(4, 2)
    network.register_forward_hook(lambda _module, _inputs, outputs: seen.append(outputs.dtype))
    examples = parts.Examples.of(torch.randn(16, 4), torch.arange(16) % 2)
    learner = Learner(
        network=network,
        optimizer=torch.optim.SGD(network.parameters(), lr=0.1),
        objective=parts.cross_entropy,
        measures={"loss": parts.cross_entropy},
        step=parts.Step(mixed_precision=True, gradient_clip=1.0),
        device=torch.device("cpu"),
    )
    trained = learner.train(examples.in_order(8), lr=0.1)
    learner.measured(examples)
    assert set(seen) == {precision}
    state = learner.state()
    assert ("scaler" in state) == (precision is torch.float16)
    learner.restore(state)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    assert 0 < trained["loss"] < 5


def test_mixed_precision_has_no_effect_on_a_cpu() -> None:
    """A configuration for a GPU trains on a CPU too, with the numbers of full precision."""
    config = {"epochs": 1, "seed": 2}
    if torch.cuda.is_available():
        pytest.skip("there is a GPU, so mixed precision has an effect")
    (mixed,), (full,) = (list(image_classifier.epochs(config | {"mixed_precision": on})) for on in (True, False))
    assert mixed["val_loss"] == full["val_loss"]


def test_each_size_of_a_batch_is_compiled_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiled network resumes to the same numbers: no graph depends on which sizes came before."""
    sizes: list[object] = []

    def backend(graph: torch.fx.GraphModule, inputs: list[Any]) -> Any:
        sizes.extend(size for tensor in inputs for size in (tensor.shape if torch.is_tensor(tensor) else [tensor]))
        return graph.forward

    # Inductor would take half a minute; what is compiled is the same for each backend.
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend=backend))
    config = {"hidden_units": 8, "batch_norm": True, "epochs": 2, "compile": True}
    whole = [record["val_loss"] for record in image_classifier.epochs(config)]
    next(image_classifier.epochs(config, CheckpointFolder(tmp_path)))
    assert [record["val_loss"] for record in image_classifier.epochs(config, CheckpointFolder(tmp_path))] == whole
    assert [record["val_loss"] for record in image_classifier.epochs(config | {"compile": False})] == whole
    assert {type(size) for size in sizes} == {int}


@pytest.mark.parametrize(("cpus", "threads"), [(0, 1), (0.5, 1), (1, 1), (2, 2), (2.7, 2)])
@pytest.mark.parametrize("imported", ["before", "after"])
def test_threads_follow_the_cpus(cpus: float, threads: int, imported: str) -> None:
    """Torch uses as many threads as the trial has whole CPUs, at least one, imported before or after."""
    steps = ["import torch", f"from trainables import limit_threads; assert limit_threads({cpus}) == {threads}"]
    program = "; ".join([*(steps if imported == "before" else reversed(steps)), "assert torch.get_num_threads() == "])
    subprocess.run([sys.executable, "-c", f"{program}{threads}"], check=True)
