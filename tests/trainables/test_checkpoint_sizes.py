"""What a checkpoint takes on the disk is known before anything is trained."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from trainables import CheckpointFolder, Trainable, image_classifier, random_forest, tabular_mlp

DEEP = {"hidden_layers": 3, "hidden_units": 200}


@pytest.mark.parametrize(
    ("trainable", "config"),
    [
        (image_classifier, {}),
        (image_classifier, {"hidden_units": 8, "optimizer": "sgd", "momentum": 0.0}),
        (image_classifier, {**DEEP, "optimizer": "sgd"}),
        (image_classifier, {**DEEP, "optimizer": "rmsprop", "momentum": 0.0, "batch_norm": True}),
        (image_classifier, {**DEEP, "optimizer": "rmsprop", "image_size": 16}),
        (image_classifier, {"model": "cnn", "conv_channels": [8, 16], "batch_norm": True}),
        (image_classifier, {"model": "cnn", "conv_layers": 4, "hidden_layers": 0, "optimizer": "adamw"}),
        (image_classifier, {"model": "cnn", "conv_layers": 0, "image_size": 20}),
        (image_classifier, {"model": "resnet18", "optimizer": "sgd", "batch_size": 512}),
        (tabular_mlp, {"dataset": "diabetes", **DEEP}),
        (tabular_mlp, {"dataset": "wine", "folds": 3, "batch_norm": True}),
        (tabular_mlp, {"dataset": "breast_cancer", "optimizer": "sgd"}),
        (random_forest, {"dataset": "diabetes", "n_estimators": 2}),
    ],
)
def test_a_checkpoint_takes_what_was_foretold(
    tmp_path: Path, trainable: Trainable[Any], config: Mapping[str, Any]
) -> None:
    """Within a quarter, for each network and optimizer, folds and layers of normalization included."""
    checkpoints = CheckpointFolder(tmp_path)
    budget = 2 if trainable is random_forest else 1  # scores of one fold have no errors yet
    *_, record = trainable.epochs({**config, "epochs": budget}, checkpoints)
    newest = tmp_path / "segment-001" / f"epoch-{record['epoch']:05d}"
    real = sum(path.stat().st_size for path in newest.iterdir())
    foretold = trainable.bytes_of(config)
    assert foretold is not None and 0.75 < foretold / real < 1.25, (foretold, real)


@pytest.mark.parametrize(
    ("trainable", "config"),
    [
        (image_classifier, {"model": "mine:net"}),
        (image_classifier, {"dataset": "image_folder", "folder": "pets"}),
        (tabular_mlp, {"dataset": "table_file", "path": "mine.csv", "target": "y"}),
    ],
)
def test_what_only_files_say_is_not_guessed(trainable: Trainable[Any], config: Mapping[str, Any]) -> None:
    """A network, images or a table of one's own: None."""
    assert trainable.bytes_of(config) is None


def test_it_is_told_without_torch() -> None:
    """`sweep show` asks for it, and importing torch takes seconds."""
    asks = (
        "import sys; from trainables import image_classifier as trainable; "
        "print(trainable.bytes_of({'model': 'resnet18'}), 'torch' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True).stdout.split()
    assert int(told[0]) > 100_000_000 and told[1] == "False"
