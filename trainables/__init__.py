"""What does one trial train? PyTorch (or scikit-learn) loops that yield one record of metrics per epoch.

Public names are resolved when they are used, so that importing this package costs nothing: neither torch nor Ray is
imported until something is trained.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainables._training.checkpoints import CheckpointFolder as CheckpointFolder
    from trainables._training.checkpoints import Saved as Saved
    from trainables._training.checkpoints import find_checkpoint as find_checkpoint
    from trainables._training.configuration import ConfigurationError as ConfigurationError
    from trainables._training.datasets.catalog import load_data as load_data
    from trainables._training.datasets.catalog import test_split as test_split
    from trainables._training.datasets.examples import Examples as Examples
    from trainables._training.datasets.examples import TrainingData as TrainingData
    from trainables._training.datasets.place import missing_data as missing_data
    from trainables._training.losses import accuracy as accuracy
    from trainables._training.losses import cross_entropy as cross_entropy
    from trainables._training.models import mlp as mlp
    from trainables._training.optimizers import optimizer as optimizer
    from trainables._training.ray_edge import report_epochs as report_epochs
    from trainables._training.schedules import constant as constant
    from trainables._training.schedules import cosine as cosine
    from trainables._training.supervised import train_supervised as train_supervised
    from trainables._training.threads import limit_threads as limit_threads
    from trainables._training.trainable import Checkpoints as Checkpoints
    from trainables._training.trainable import Record as Record
    from trainables._training.trainable import Trainable as Trainable
    from trainables.image_classifier import ImageClassifierConfig as ImageClassifierConfig
    from trainables.image_classifier import image_classifier as image_classifier

_HOME_OF = {
    # the trainables and their configurations
    "image_classifier": "trainables.image_classifier",
    "ImageClassifierConfig": "trainables.image_classifier",
    # what every trainable is made of
    "Trainable": "trainables._training.trainable",
    "Record": "trainables._training.trainable",
    "Checkpoints": "trainables._training.trainable",
    "ConfigurationError": "trainables._training.configuration",
    "CheckpointFolder": "trainables._training.checkpoints",
    "Saved": "trainables._training.checkpoints",
    "find_checkpoint": "trainables._training.checkpoints",
    "report_epochs": "trainables._training.ray_edge",
    "limit_threads": "trainables._training.threads",
    # the parts of a supervised trainable
    "train_supervised": "trainables._training.supervised",
    "Examples": "trainables._training.datasets.examples",
    "TrainingData": "trainables._training.datasets.examples",
    "load_data": "trainables._training.datasets.catalog",
    "missing_data": "trainables._training.datasets.place",
    "test_split": "trainables._training.datasets.catalog",
    "mlp": "trainables._training.models",
    "cross_entropy": "trainables._training.losses",
    "accuracy": "trainables._training.losses",
    "optimizer": "trainables._training.optimizers",
    "constant": "trainables._training.schedules",
    "cosine": "trainables._training.schedules",
}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605 - one table holds the names and where they live


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        message = f"module 'trainables' has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """This package: a submodule never hides the public object of the same name.

    Python binds a submodule to its package when it is first imported; `trainables.image_classifier` would then be the
    module for whoever imports it second.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if name in _HOME_OF and isinstance(value, ModuleType):
            return
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
