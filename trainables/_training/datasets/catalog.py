"""The data sets by name, loaded once per process."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from trainables._training.datasets import digits, mnist
from trainables._training.datasets.examples import Examples, TrainingData, pixel_statistics
from trainables._training.datasets.place import data_dir
from trainables._training.datasets.splits import stratified_split

if TYPE_CHECKING:
    from pathlib import Path

_DATASETS = {"digits": digits, "mnist": mnist}


def load_data(dataset: str, *, split_seed: int = 0) -> TrainingData:
    """Return the training and validation part of a data set, on the CPU.

    A trial process that is used again finds them in memory.

    Args:
        dataset: "digits" or "mnist".
        split_seed: Seed of the stratified split, 0 or above; the test part does not depend on it.

    Raises:
        FileNotFoundError: The files are not there, or not whole; says the command that fetches them.
    """
    return _load(dataset, data_dir(), split_seed)


def test_split(dataset: str, *, split_seed: int = 0) -> Examples:  # noqa: PT028 - pytest never sees it
    """Return the test part of a data set, which no trial sees, normalized like the training part of `split_seed`."""
    training = load_data(dataset, split_seed=split_seed).training
    images, classes = _DATASETS[dataset].test()
    return Examples(inputs=images, targets=classes, mean=training.mean, std=training.std)


@lru_cache(maxsize=4)
def _load(dataset: str, _place: Path, split_seed: int) -> TrainingData:
    source = _DATASETS[dataset]
    images, classes = source.development()
    training_rows, validation_rows = stratified_split(
        classes.numpy(), held_out=source.VALIDATION_FRACTION, seed=split_seed
    )
    mean, std = pixel_statistics(images[training_rows])
    training, validation = (
        Examples(inputs=images[rows], targets=classes[rows], mean=mean, std=std)
        for rows in (training_rows, validation_rows)
    )
    return TrainingData(training=training, validation=validation, classes=int(classes.max()) + 1)
