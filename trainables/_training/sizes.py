"""What a checkpoint takes on the disk, by arithmetic, before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainables._training.hyperparameters import Optimization
    from trainables.models.sizes import Numbers

MANIFEST_BYTES = 1_000
"""checkpoint.json with a record of about a dozen metrics."""
_STATE_BYTES, _TENSOR_BYTES = 1_000, 260
"""What torch.save writes beside the numbers: of a file, and of each tensor in it."""
_IMAGES = {
    "digits": ((1, 8, 8), 10),
    "mnist": ((1, 28, 28), 10),
    "fashion_mnist": ((1, 28, 28), 10),
    "cifar10": ((3, 32, 32), 10),
}
_TABLES = {"california_housing": (8, 1), "diabetes": (10, 1), "breast_cancer": (30, 2), "wine": (13, 3)}


def image_shape(dataset: str, image_size: int | None) -> tuple[tuple[int, int, int], int] | None:
    """Return the shape of an image and the number of classes; None where only the files say."""
    if dataset not in _IMAGES:
        return None
    shape, classes = _IMAGES[dataset]
    return (shape if image_size is None else (shape[0], image_size, image_size)), classes


def table_shape(dataset: str) -> tuple[int, int] | None:
    """Return the columns of a table that is shipped and the outputs of its network; None where only the file says."""
    return _TABLES.get(dataset)


def state_bytes(numbers: Numbers, config: Optimization) -> int:
    """Return the bytes of a checkpoint of one network with what its optimizer remembers."""
    moments, steps = _remembered(config)
    tensors = numbers.parameter_tensors * (1 + moments + steps) + numbers.buffer_tensors
    count = numbers.parameters * (1 + moments) + numbers.parameter_tensors * steps + numbers.buffers
    return 4 * count + _TENSOR_BYTES * tensors + _STATE_BYTES + MANIFEST_BYTES


def _remembered(config: Optimization) -> tuple[int, int]:
    """Return how many numbers for each parameter, and whether the steps taken, an optimizer remembers."""
    with_momentum = int(config.momentum > 0)
    return {"sgd": (with_momentum, 0), "rmsprop": (1 + with_momentum, 1)}.get(config.optimizer, (2, 1))
