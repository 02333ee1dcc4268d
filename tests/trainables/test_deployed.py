"""A trained model for others takes raw inputs and answers as it did when it was validated."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from trainables import (
    ChangedDataError,
    CheckpointFolder,
    Trainable,
    image_classifier,
    load_images,
    load_table,
    random_forest,
    read_table,
    tabular_mlp,
)
from trainables import test_split as split_off
from trainables._training.forests import forest_state
from trainables.models.forest import forest_of


def trained(trainable: Trainable[Any], config: dict[str, Any], folder: Path) -> tuple[Any, Path]:
    """Train one epoch; the record and the checkpoint."""
    *_, record = trainable.epochs(config, CheckpointFolder(folder))
    return record, folder / "segment-001" / "epoch-00001"


def test_raw_images_give_the_accuracy_that_was_recorded(tmp_path: Path) -> None:
    """The network brings its normalization along, and words for who has never seen the data."""
    config = {"model": "cnn", "conv_channels": 2, "hidden_units": 8, "epochs": 1}
    record, checkpoint = trained(image_classifier, config, tmp_path)
    before = torch.random.get_rng_state()
    deployed = image_classifier.deployed(config, checkpoint)
    assert torch.equal(before, torch.random.get_rng_state())
    validation = load_images("digits").validation
    assert validation is not None
    pixels = validation.raw(len(validation))
    classes = torch.cat([targets for _, targets in validation.in_order(500)])
    with torch.inference_mode():
        found = deployed.network(pixels).argmax(dim=1)
    assert float((found == classes).double().mean()) == record["val_accuracy"]
    assert pixels.dtype == deployed.example.dtype == torch.uint8
    assert torch.equal(deployed.example, pixels[:16])
    assert not deployed.network.training
    assert deployed.inputs == "uint8, (rows, 1, 8, 8): images, one channel, grey, pixels from 0 to 16."
    assert deployed.details == {"classes": list("0123456789")}
    assert deployed.rows == {"training": 1151, "validation": 287}


def test_raw_rows_give_the_error_that_was_recorded(tmp_path: Path) -> None:
    """A table's network brings its standardization along, and answers in the target's unit."""
    config = {"dataset": "diabetes", "hidden_units": 8, "epochs": 1}
    record, checkpoint = trained(tabular_mlp, config, tmp_path)
    deployed = tabular_mlp.deployed(config, checkpoint)
    validation = load_table("diabetes").validation
    assert validation is not None
    targets = torch.cat([targets for _, targets in validation.in_order(500)])
    with torch.inference_mode():
        found = deployed.network(validation.raw(len(validation))).squeeze(1)
    assert float((found - targets).abs().mean()) == record["val_mae"]
    assert deployed.details["columns"] == list(read_table("diabetes").columns)
    missing = torch.full((1, 10), torch.nan, dtype=torch.float64)
    assert deployed.network(missing).isfinite().all()


def test_a_refit_is_prepared_as_it_was_trained(tmp_path: Path) -> None:
    """With the statistics of training and validation rows together, which are not those of the training rows."""
    config = {"dataset": "diabetes", "hidden_units": 4, "epochs": 1}
    _, alone = trained(tabular_mlp, config, tmp_path / "alone")
    _, together = trained(tabular_mlp.refitting(1), config, tmp_path / "together")
    parts = [tabular_mlp.deployed(config, checkpoint) for checkpoint in (alone, together)]
    means = [deployed.network.mean for deployed in parts]
    table = read_table("diabetes")
    development, _ = split_off(table, 0.2)
    assert np.allclose(means[1], table.inputs[development].mean(axis=0))
    assert not torch.equal(*means)
    assert parts[1].rows == {"training": len(development)}
    _, images = trained(image_classifier.refitting(1), {"hidden_units": 4, "epochs": 1}, tmp_path / "images")
    joined = load_images("digits", joined=True).training.prepare
    assert torch.equal(image_classifier.deployed({"hidden_units": 4}, images).network.mean, joined.mean)


@pytest.mark.parametrize("dataset", ["wine", "diabetes"])
def test_a_forest_predicts_what_scikit_learn_does(dataset: str, tmp_path: Path) -> None:
    """From its refit's checkpoint, to the bit, also where the numbers are between those it has seen."""
    config = {"dataset": dataset, "n_estimators": 7, "epochs": 1}
    _, checkpoint = trained(random_forest.refitting(1), config, tmp_path)
    deployed = random_forest.deployed(config, checkpoint)
    table = read_table(dataset)
    development, test = split_off(table, 0.2)
    kind = RandomForestRegressor if table.classes is None else RandomForestClassifier
    forest = kind(7, random_state=0, n_jobs=1).fit(table.inputs[development], table.targets[development])
    predict = forest.predict if table.classes is None else forest.predict_proba
    rows = np.concatenate([table.inputs[test], table.inputs[test] * 1.01])
    given = deployed.network(torch.from_numpy(rows)).numpy()
    assert np.array_equal(given, predict(rows).reshape(given.shape))
    assert deployed.rows == {"training": len(development)}


def test_a_forest_sends_missing_numbers_where_scikit_learn_does() -> None:
    """Trees that were grown on rows with gaps have learnt where gaps go."""
    chance = np.random.default_rng(0)
    rows, targets = chance.normal(size=(60, 3)), chance.normal(size=60)
    rows[chance.random(rows.shape) < 0.3] = np.nan
    forest = RandomForestRegressor(5, random_state=0, n_jobs=1).fit(rows, targets)
    given = forest_of(forest_state(forest, classes=None))(torch.from_numpy(rows)).squeeze(1)
    assert np.array_equal(given.numpy(), forest.predict(rows))


def test_other_data_than_it_was_trained_with_are_refused(tmp_path: Path, small_mnist: Path) -> None:
    """Their preparation would be another one, and the answers wrong without a word."""
    config = {"dataset": "mnist", "hidden_units": 4, "epochs": 1}
    _, checkpoint = trained(image_classifier, config, tmp_path / "trained")
    labels = small_mnist / "MNIST" / "raw" / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\1")
    with pytest.raises(ChangedDataError, match="was trained on other data"):
        image_classifier.deployed(config, checkpoint)


@pytest.mark.usefixtures("small_image_folder")
def test_a_folder_of_images_is_told_by_its_names(tmp_path: Path) -> None:
    """The classes are called as their folders are, and what is done to an image's size is said."""
    config = {"dataset": "image_folder", "folder": "flowers", "image_size": 8, "hidden_units": 4, "epochs": 1}
    _, checkpoint = trained(image_classifier, config, tmp_path / "trained")
    deployed = image_classifier.deployed(config, checkpoint)
    assert deployed.details == {"classes": ["daisy", "rose", "tulip"]}
    assert "three channels: red, green, blue, pixels from 0 to 255." in deployed.inputs
    assert "shorter side scaled to 8 pixels (bilinear, antialiased) and its middle cut out" in deployed.inputs
