"""What is wrong with a configuration is said in words, all at once."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from trainables import ConfigurationError, ImageClassifierConfig, Trainable, image_classifier

TAKES = ", ".join(sorted(ImageClassifierConfig.model_fields))
MODEL = " ".join(str(ImageClassifierConfig.model_fields["model"].description).split())  # a fault is one line
OPTIMIZER = " ".join(str(ImageClassifierConfig.model_fields["optimizer"].description).split())


def test_an_optimizer_may_bring_its_own_hyperparameters() -> None:
    """A dict with its name is the same configuration as its entries beside the name."""
    inside = ImageClassifierConfig.model_validate(
        {"optimizer": {"name": "sgd", "lr": 0.5, "momentum": 0.5}, "dropout": 0.1}
    )
    assert inside == ImageClassifierConfig(optimizer="sgd", lr=0.5, momentum=0.5, dropout=0.1)


@pytest.mark.parametrize(
    ("config", "faults"),
    [
        ({"learning_rate": 0.1}, [f"image_classifier has no 'learning_rate' (it takes {TAKES}). Did you mean 'lr'?"]),
        ({"batchsize": 3}, [f"image_classifier has no 'batchsize' (it takes {TAKES}). Did you mean 'batch_size'?"]),
        ({"units": 3}, [f"image_classifier has no 'units' (it takes {TAKES}). Did you mean 'hidden_units'?"]),
        ({"zzz": 3}, [f"image_classifier has no 'zzz' (it takes {TAKES})."]),
        (
            {"lr": -1},
            [
                (
                    "image_classifier: 'lr' is -1; it should be greater than 0. "
                    "Learning rate: step size of the optimizer, above 0; `schedule` says whether it changes."
                )
            ],
        ),
        (
            {"optimizer": "adamm"},
            [
                (
                    "image_classifier: 'optimizer' is 'adamm'; it should be 'sgd', 'adam', 'adamw' or 'rmsprop'. "
                    f"Did you mean 'adam'? {OPTIMIZER}"
                )
            ],
        ),
        (
            {"optimizer": {"lr": 0.1, "momentum": 0.9}, "lr": 0.2},
            [
                "image_classifier: lr stands in optimizer and beside it; leave one of them out",
                "image_classifier: optimizer is a dict without 'name' (lr, momentum); give it a name",
            ],
        ),
        (
            {"optimizer": {"name": "sgd", "momentun": 0.9}},
            [f"image_classifier has no 'momentun' (it takes {TAKES}). Did you mean 'momentum'?"],
        ),
        (
            {"hidden_units": [64, 0]},
            [
                (
                    "image_classifier: 'hidden_units' is [64, 0], which it does not take. "
                    "Units of every hidden layer, 1 to 65,536; or a list with the units of each."
                )
            ],
        ),
        (
            {"hidden_units": [64, 32], "hidden_layers": 3},
            [
                (
                    "image_classifier: hidden_layers is 3, but hidden_units lists 2 layers [64, 32]; "
                    "leave hidden_layers out, or give hidden_units as one number"
                )
            ],
        ),
        (
            {"conv_channels": [16, 32], "conv_layers": 3},
            [
                (
                    "image_classifier: conv_layers is 3, but conv_channels lists 2 blocks [16, 32]; "
                    "leave conv_layers out, or give conv_channels as one number"
                )
            ],
        ),
        (
            {"model": "resnet81"},
            [
                (
                    "image_classifier: 'model' is 'resnet81'; it should be 'mlp', 'cnn', 'resnet18' or "
                    f"'module:function' for one of your own. Did you mean 'resnet18'? {MODEL}"
                )
            ],
        ),
        (
            {"model": "my networks:wide"},
            [
                (
                    "image_classifier: 'model' is 'my networks:wide'; it should be 'mlp', 'cnn', 'resnet18' or "
                    f"'module:function' for one of your own. {MODEL}"
                )
            ],
        ),
        ({"model": 3}, [f"image_classifier: 'model' is 3, which it does not take. {MODEL}"]),
        (
            {"model": "cnn", "model_options": {"width": 3}},
            [
                (
                    "image_classifier: model_options are for a model of one's own, but model is 'cnn'; "
                    "leave model_options out, or name a model as 'module:function'"
                )
            ],
        ),
        (
            {"dataset": "image_folder"},
            [
                (
                    "image_classifier: dataset is 'image_folder' and folder is None; "
                    "give both dataset='image_folder' and the folder it lies in, or leave both out"
                )
            ],
        ),
        (
            {"dataset": "mnist", "folder": "photographs"},
            [
                (
                    "image_classifier: dataset is 'mnist' and folder is 'photographs'; "
                    "give both dataset='image_folder' and the folder it lies in, or leave both out"
                )
            ],
        ),
        (
            {"model": "resnet18", "batch_size": 1},
            [("image_classifier: resnet18 normalizes over the rows of a batch, but batch_size is 1; give at least 2")],
        ),
        (
            {"batch_norm": True, "batch_size": 1},
            [
                (
                    "image_classifier: batch_norm compares the rows of a batch, but batch_size is 1; "
                    "give at least 2, or no batch_norm"
                )
            ],
        ),
        (
            {"nesterov": True, "optimizer": "sgd", "momentum": 0},
            [
                (
                    "image_classifier: nesterov is a way to use sgd's momentum, but momentum is 0; "
                    "give momentum above 0, or no nesterov"
                )
            ],
        ),
        (
            {"warmup_epochs": 3, "epochs": 3},
            [("image_classifier: warmup_epochs is 3, but epochs is 3; give fewer epochs of warm-up than epochs")],
        ),
        (
            7,
            [
                (
                    "image_classifier: the configuration is of type int; "
                    "it takes a mapping of its fields or an instance of {}"
                )
            ],
        ),
    ],
)
def test_fault_is_said_in_words(config: object, faults: list[str]) -> None:
    """Each fault names the field, what was given, what is allowed and the nearest name."""
    expected = [fault.replace("an instance of {}", "an instance of ImageClassifierConfig") for fault in faults]
    assert image_classifier.faults(config) == expected  # type: ignore[arg-type] # the point of the test


def test_all_faults_at_once() -> None:
    """A configuration with three faults is refused with three sentences, and the error travels between processes."""
    bad = {"learning_rate": 0.1, "dropout": 1, "dataset": "minst"}
    with pytest.raises(ConfigurationError) as caught:
        image_classifier.epochs(bad)
    assert len(caught.value.faults) == 3
    assert str(caught.value) == "\n".join(caught.value.faults)
    assert pickle.loads(pickle.dumps(caught.value)).faults == caught.value.faults  # noqa: S301 - our own


def test_a_fault_is_one_line() -> None:
    """The meaning of a field may take two lines of a docstring; a fault that quotes it takes one."""
    (fault,) = image_classifier.faults({"dataset": "minst"})
    assert "\n" not in fault
    assert "Did you mean 'mnist'? Images to learn: digits (8x8, 1,797 rows, embedded), mnist" in fault


def test_all_conflicts_at_once() -> None:
    """Values that do not go together are one sentence each, those that several parts of a configuration say."""
    bad = {
        "nesterov": True,
        "optimizer": "sgd",
        "momentum": 0,
        "warmup_epochs": 99,
        "hidden_units": [1],
        "hidden_layers": 2,
        "folder": "photographs",
    }
    faults = image_classifier.faults(bad)
    assert len(faults) == 4
    assert all(fault.startswith("image_classifier: ") and "\n" not in fault for fault in faults)


@pytest.mark.parametrize("name", ["trainables.models.own:own_model", "_x:y", "a.b_2.c:D"])
def test_a_model_of_ones_own(name: str) -> None:
    """A model may be named as module and function, with options for it."""
    config = ImageClassifierConfig.model_validate({"model": name, "model_options": {"width": 3, "deep": [True, None]}})
    assert config.model == name


@pytest.mark.parametrize(
    ("config", "layers"),
    [
        ({}, (128,)),
        ({"hidden_layers": 0}, ()),
        ({"hidden_layers": 3, "hidden_units": 32}, (32, 32, 32)),
        ({"hidden_units": [64, 32]}, (64, 32)),
        ({"hidden_units": [64, 32], "hidden_layers": 2}, (64, 32)),
    ],
)
def test_hidden_layers(config: dict[str, object], layers: tuple[int, ...]) -> None:
    """Hidden layers are a number of equal ones, or a list."""
    assert ImageClassifierConfig.model_validate(config).layers == layers


@pytest.mark.parametrize(
    ("config", "channels"),
    [
        ({}, (32, 32)),
        ({"conv_layers": 0}, ()),
        ({"conv_layers": 3, "conv_channels": 16}, (16, 16, 16)),
        ({"conv_channels": [16, 64]}, (16, 64)),
        ({"conv_channels": [16, 64], "conv_layers": 2}, (16, 64)),
    ],
)
def test_conv_layers(config: dict[str, object], channels: tuple[int, ...]) -> None:
    """Blocks of a convolutional network are a number of equal ones, or a list."""
    assert ImageClassifierConfig.model_validate(config).channels == channels


def test_numpy_numbers_are_taken() -> None:
    """The numbers that searchers propose, numpy's among them, are ordinary numbers of a configuration."""
    config = {"batch_size": np.int64(32), "lr": np.float64(0.1), "hidden_units": np.float64(64.0)}
    assert image_classifier.faults(config) == []


def test_a_check_that_fails_is_a_fault() -> None:
    """`faults` never raises, whatever a trainable's own check does."""

    def check(_config: ImageClassifierConfig) -> list[str]:
        raise OSError("no such disk")

    broken = Trainable(
        name="broken", config_type=ImageClassifierConfig, train=image_classifier.train, metrics={}, check=check
    )
    assert broken.faults({}) == ["broken: its own check failed with OSError: no such disk"]


def test_name_is_checked() -> None:
    """A name that cannot be a name in Ray and in paths is refused with one that can."""
    with pytest.raises(ValueError, match="name is 'a/b'; it takes letters, digits and underscores"):
        Trainable(name="a/b", config_type=ImageClassifierConfig, train=image_classifier.train, metrics={})
