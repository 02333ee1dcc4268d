"""What is wrong with a configuration is said in words, all at once."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from trainables import ConfigurationError, ImageClassifierConfig, Trainable, image_classifier

TAKES = ", ".join(sorted(ImageClassifierConfig.model_fields))


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
                    "image_classifier: 'optimizer' is 'adamm'; it should be 'sgd', 'adam' or 'adamw'. "
                    "Did you mean 'adam'? Rule that updates the weights."
                )
            ],
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
    expected = [fault.format("ImageClassifierConfig") for fault in faults]
    assert image_classifier.faults(config) == expected  # type: ignore[arg-type] # the point of the test


def test_all_faults_at_once() -> None:
    """A configuration with three faults is refused with three sentences, and the error travels between processes."""
    bad = {"learning_rate": 0.1, "dropout": 1, "dataset": "minst"}
    with pytest.raises(ConfigurationError) as caught:
        image_classifier.epochs(bad)
    assert len(caught.value.faults) == 3
    assert str(caught.value) == "\n".join(caught.value.faults)
    assert pickle.loads(pickle.dumps(caught.value)).faults == caught.value.faults  # noqa: S301 - our own


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
