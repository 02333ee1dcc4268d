"""The loop learns, counts its best, follows its schedule, and keeps to its threads."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import torch

import trainables as parts
from trainables import CheckpointFolder, image_classifier
from trainables._training.supervised import best_so_far

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
        record = best_so_far({"loss": value, "accuracy": value}, epoch, record)
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
    examples = parts.Examples(inputs=inputs, targets=3 * inputs)

    def epochs(checkpoints: CheckpointFolder | None, budget: int) -> list[dict[str, Any]]:
        records = parts.train_supervised(
            data=parts.TrainingData(training=examples, validation=examples, classes=1),
            model=lambda: parts.mlp(1, 1, layers=[8]),
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


@pytest.mark.parametrize(("cpus", "threads"), [(0, 1), (0.5, 1), (1, 1), (2, 2), (2.7, 2)])
@pytest.mark.parametrize("imported", ["before", "after"])
def test_threads_follow_the_cpus(cpus: float, threads: int, imported: str) -> None:
    """Torch uses as many threads as the trial has whole CPUs, at least one, imported before or after."""
    steps = ["import torch", f"from trainables import limit_threads; assert limit_threads({cpus}) == {threads}"]
    program = "; ".join([*(steps if imported == "before" else reversed(steps)), "assert torch.get_num_threads() == "])
    subprocess.run([sys.executable, "-c", f"{program}{threads}"], check=True)
