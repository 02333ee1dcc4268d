"""The image classifier trains what its configuration says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

import trainables as parts
from trainables import CheckpointFolder, ImageClassifierConfig, image_classifier, image_network

if TYPE_CHECKING:
    from pathlib import Path

OWN = """
from torch import nn

def network(input_shape, outputs, *, width=4):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(width), nn.ReLU(), nn.Linear(width, outputs))
"""


@pytest.fixture
def own_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give the name of a network of one's own."""
    name = f"own_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    return f"{name}:network"


def network_of(**config: Any) -> nn.Module:
    """Return the network of a configuration on the digits."""
    return image_network(ImageClassifierConfig.model_validate(config), parts.load_images("digits"))


def layers(network: nn.Module, kind: type[nn.Module]) -> list[Any]:
    """Return the layers of a kind, first to last."""
    return [layer for layer in network.modules() if isinstance(layer, kind)]


def test_network_of_a_configuration(own_network: str) -> None:
    """Every field of a configuration that shapes a network arrives in it, and its outputs are the classes."""
    norm = {"batch_norm": True, "batch_norm_momentum": 0.3, "dropout": 0.4}
    mlp = network_of(model="mlp", hidden_units=[7, 6], activation="tanh", **norm)
    assert [layer.out_features for layer in layers(mlp, nn.Linear)] == [7, 6, 10]
    assert len(layers(mlp, nn.Tanh)) == 2
    assert [layer.p for layer in layers(mlp, nn.Dropout)] == [0.4, 0.4]
    assert [layer.momentum for layer in layers(mlp, nn.BatchNorm1d)] == [0.3, 0.3]
    cnn = network_of(model="cnn", conv_channels=[5, 6], hidden_units=7, activation="gelu", **norm)
    assert [layer.out_channels for layer in layers(cnn, nn.Conv2d)] == [5, 6]
    assert [layer.out_features for layer in layers(cnn, nn.Linear)] == [7, 10]
    assert len(layers(cnn, nn.GELU)) == 3
    assert {layer.momentum for layer in layers(cnn, nn.modules.batchnorm._BatchNorm)} == {0.3}
    assert [layer.p for layer in layers(cnn, nn.Dropout)] == [0.4]
    resnet = network_of(model="resnet18", batch_norm_momentum=0.3, dropout=0.4)
    assert {layer.momentum for layer in layers(resnet, nn.BatchNorm2d)} == {0.3}
    assert [layer.p for layer in layers(resnet, nn.Dropout)] == [0.4]
    own = network_of(model=own_network, model_options={"width": 9})
    assert [layer.out_features for layer in layers(own, nn.Linear)] == [9, 10]


@pytest.mark.parametrize(
    ("config", "accuracy"),
    [
        ({"model": "cnn", "conv_channels": [8, 16], "batch_norm": True, "epochs": 4}, 0.95),
        ({"model": "mlp", "batch_norm": True, "schedule": "linear", "warmup_epochs": 1, "epochs": 6}, 0.95),
        ({"model": "mlp", "optimizer": "rmsprop", "lr": 1e-3, "epochs": 6}, 0.93),
        ({"model": "mlp", "optimizer": "sgd", "nesterov": True, "lr": 0.05, "epochs": 6}, 0.93),
        ({"model": "cnn", "conv_channels": [8, 16], "random_crop": 1, "rotation": 10.0, "epochs": 6}, 0.9),
    ],
    ids=["cnn", "mlp", "rmsprop", "nesterov", "augmented"],
)
def test_digits_are_learned(config: dict[str, Any], accuracy: float) -> None:
    """Each network, optimizer and augmentation leads to a classifier of the validation digits."""
    *_, last = image_classifier.epochs({"batch_size": 32, "lr": 0.01, **config})
    assert last["best_val_accuracy"] >= accuracy


def test_a_model_of_ones_own_is_trained(own_network: str) -> None:
    """A network of one's own is trained like any other."""
    options = {"model": own_network, "model_options": {"width": 32}, "lr": 0.01, "epochs": 4}
    *_, last = image_classifier.epochs(options)
    assert last["val_accuracy"] >= 0.85


def test_a_missing_model_is_a_fault_before_anything_starts(own_network: str) -> None:
    """A function that is not there is found by the check; a network that does not fit when it is made."""
    (fault,) = image_classifier.faults({"model": f"{own_network}s"})
    assert fault.endswith("(it has network, nn). Did you mean 'network'?")
    assert image_classifier.faults({"model": own_network}) == []


def test_labels_are_smoothed_in_what_is_minimized_alone(tmp_path: Path) -> None:
    """Smoothing changes what is learnt; the reported losses stay the plain cross-entropy of the network."""
    config = {"label_smoothing": 0.3, "epochs": 3, "lr": 0.01}
    *_, plain = image_classifier.epochs(config | {"label_smoothing": 0.0})
    *_, last = image_classifier.epochs(config, CheckpointFolder(tmp_path))
    assert last["train_loss"] > plain["train_loss"]
    network = network_of(**config)
    saved = CheckpointFolder(tmp_path).newest()
    assert saved is not None
    network.load_state_dict(saved.state()["model"])
    network.eval()
    ((inputs, targets),) = parts.load_images("digits").validation.in_order(10_000)
    with torch.no_grad():
        assert last["val_loss"] == pytest.approx(float(nn.functional.cross_entropy(network(inputs), targets)), rel=1e-5)


@pytest.mark.parametrize("penalty", ["l1", "weight_decay"])
def test_penalties_shrink_the_weights(penalty: str, tmp_path: Path) -> None:
    """A penalty leads to smaller weights than none."""
    sizes = []
    for segment, strength in enumerate((0.0, 0.01)):
        folder = CheckpointFolder(tmp_path / str(segment))
        list(image_classifier.epochs({penalty: strength, "epochs": 3, "lr": 0.01}, folder))
        saved = folder.newest()
        assert saved is not None
        sizes.append(sum(float(value.abs().sum()) for value in saved.state()["model"].values()))
    assert sizes[1] < 0.8 * sizes[0]


def test_patience_ends_a_trial_early() -> None:
    """A trial whose val_loss no longer falls ends `patience` epochs after its best one."""
    config = {"hidden_layers": 0, "optimizer": "sgd", "lr": 5.0, "momentum": 0.0, "epochs": 60, "patience": 2}
    *_, last = image_classifier.epochs(config)
    assert last["epoch"] == last["best_val_loss_epoch"] + 2 < 60


def test_augmentation_changes_training_alone() -> None:
    """What is drawn changes the training images; an untrained network sees the same validation images."""
    config = {"lr": 1e-9, "epochs": 1}
    (plain,) = image_classifier.epochs(config)
    (augmented,) = image_classifier.epochs(config | {"random_crop": 3})
    assert augmented["train_loss"] != pytest.approx(plain["train_loss"], rel=1e-3)
    assert augmented["val_loss"] == pytest.approx(plain["val_loss"], rel=1e-6)
    assert augmented["generalization_gap"] == pytest.approx(plain["generalization_gap"], abs=1e-6)


def test_gap_is_that_of_what_was_learnt_by_heart() -> None:
    """The gap of an untrained network is about zero, and that of an overfitted one above it."""
    (first,) = image_classifier.epochs({"lr": 1e-9, "epochs": 1})
    assert abs(first["generalization_gap"]) < 0.05 * math.log(10)
    *_, last = image_classifier.epochs({"lr": 0.01, "hidden_units": 256, "epochs": 15})
    assert last["generalization_gap"] == pytest.approx(last["val_loss"] - last["train_loss"], abs=0.02)
    assert last["generalization_gap"] > 0.02


@pytest.mark.slow
@pytest.mark.timeout(240)  # ten seconds on a core of its own
def test_mnist_is_learned_by_a_cnn(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One epoch of a small convolutional network gives at least 97 % validation accuracy on MNIST."""
    monkeypatch.setenv("RAYSWEEPS_DATA", str(shared_data))
    config = {"dataset": "mnist", "model": "cnn", "conv_channels": [8, 16], "batch_norm": True, "lr": 0.003}
    *_, last = image_classifier.epochs(config | {"epochs": 1})
    assert last["val_accuracy"] >= 0.97
