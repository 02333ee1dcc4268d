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
    from trainables._training.augmentation import augmentation as augmentation
    from trainables._training.checkpoint_files import ChangedDataError as ChangedDataError
    from trainables._training.checkpoints import CheckpointFolder as CheckpointFolder
    from trainables._training.checkpoints import Saved as Saved
    from trainables._training.checkpoints import find_checkpoint as find_checkpoint
    from trainables._training.checkpoints import open_checkpoint as open_checkpoint
    from trainables._training.configuration import ConfigurationError as ConfigurationError
    from trainables._training.data.examples import Examples as Examples
    from trainables._training.data.images.load import load_images as load_images
    from trainables._training.data.images.load import test_images as test_images
    from trainables._training.data.images.sources import image_classes as image_classes
    from trainables._training.data.images.sources import image_content as image_content
    from trainables._training.data.part import Part as Part
    from trainables._training.data.part import TrainingData as TrainingData
    from trainables._training.data.place import missing_data as missing_data
    from trainables._training.data.tables.fields import TableSource as TableSource
    from trainables._training.data.tables.load import load_folds as load_folds
    from trainables._training.data.tables.load import load_table as load_table
    from trainables._training.data.tables.load import test_rows as test_rows
    from trainables._training.data.tables.rows import Table as Table
    from trainables._training.data.tables.rows import fold_splits as fold_splits
    from trainables._training.data.tables.rows import read_table as read_table
    from trainables._training.data.tables.rows import table_content as table_content
    from trainables._training.data.tables.rows import test_split as test_split
    from trainables._training.deployed import Deployed as Deployed
    from trainables._training.deployed import deployed_forest as deployed_forest
    from trainables._training.deployed import deployed_images as deployed_images
    from trainables._training.deployed import deployed_rows as deployed_rows
    from trainables._training.deployed import with_preparation as with_preparation
    from trainables._training.dropping import drop_checkpoints as drop_checkpoints
    from trainables._training.folds import cross_validate as cross_validate
    from trainables._training.forests import forest_state as forest_state
    from trainables._training.hyperparameters import Budget as Budget
    from trainables._training.hyperparameters import Optimization as Optimization
    from trainables._training.hyperparameters import Perceptron as Perceptron
    from trainables._training.learner import Step as Step
    from trainables._training.losses import accuracy as accuracy
    from trainables._training.losses import cross_entropy as cross_entropy
    from trainables._training.losses import mean_absolute_error as mean_absolute_error
    from trainables._training.losses import mean_squared_error as mean_squared_error
    from trainables._training.losses import r2 as r2
    from trainables._training.losses import root_mean_squared_error as root_mean_squared_error
    from trainables._training.losses import smoothed_cross_entropy as smoothed_cross_entropy
    from trainables._training.optimizers import optimizer as optimizer
    from trainables._training.ray_edge import report_epochs as report_epochs
    from trainables._training.schedules import constant as constant
    from trainables._training.schedules import cosine as cosine
    from trainables._training.schedules import linear as linear
    from trainables._training.schedules import warmed_up as warmed_up
    from trainables._training.sizes import MANIFEST_BYTES as MANIFEST_BYTES
    from trainables._training.sizes import image_shape as image_shape
    from trainables._training.sizes import state_bytes as state_bytes
    from trainables._training.sizes import table_shape as table_shape
    from trainables._training.supervised import train_supervised as train_supervised
    from trainables._training.testing import test_supervised as test_supervised
    from trainables._training.threads import cpu_share as cpu_share
    from trainables._training.threads import limit_threads as limit_threads
    from trainables._training.trainable import Checkpoints as Checkpoints
    from trainables._training.trainable import Record as Record
    from trainables._training.trainable import SavedEpoch as SavedEpoch
    from trainables._training.trainable import Trainable as Trainable
    from trainables.image_classifier import ImageClassifierConfig as ImageClassifierConfig
    from trainables.image_classifier import image_classifier as image_classifier
    from trainables.image_classifier import image_network as image_network
    from trainables.models.cnn import cnn as cnn
    from trainables.models.mlp import mlp as mlp
    from trainables.models.own import missing_model as missing_model
    from trainables.models.own import own_model as own_model
    from trainables.models.resnet import resnet18 as resnet18
    from trainables.models.sizes import cnn_numbers as cnn_numbers
    from trainables.models.sizes import mlp_numbers as mlp_numbers
    from trainables.models.sizes import resnet18_numbers as resnet18_numbers
    from trainables.random_forest import RandomForestConfig as RandomForestConfig
    from trainables.random_forest import random_forest as random_forest
    from trainables.tabular_mlp import TabularMLPConfig as TabularMLPConfig
    from trainables.tabular_mlp import tabular_mlp as tabular_mlp
    from trainables.tabular_mlp import tabular_network as tabular_network

_HOME_OF = {
    # the trainables and their configurations
    "image_classifier": "trainables.image_classifier",
    "ImageClassifierConfig": "trainables.image_classifier",
    "image_network": "trainables.image_classifier",
    "tabular_mlp": "trainables.tabular_mlp",
    "TabularMLPConfig": "trainables.tabular_mlp",
    "tabular_network": "trainables.tabular_mlp",
    "random_forest": "trainables.random_forest",
    "RandomForestConfig": "trainables.random_forest",
    # what every trainable is made of
    "Trainable": "trainables._training.trainable",
    "Record": "trainables._training.trainable",
    "Checkpoints": "trainables._training.trainable",
    "SavedEpoch": "trainables._training.trainable",
    "ConfigurationError": "trainables._training.configuration",
    "CheckpointFolder": "trainables._training.checkpoints",
    "Saved": "trainables._training.checkpoints",
    "ChangedDataError": "trainables._training.checkpoint_files",
    "find_checkpoint": "trainables._training.checkpoints",
    "open_checkpoint": "trainables._training.checkpoints",
    "drop_checkpoints": "trainables._training.dropping",
    "report_epochs": "trainables._training.ray_edge",
    "limit_threads": "trainables._training.threads",
    "cpu_share": "trainables._training.threads",
    # hyperparameters that configurations share
    "Perceptron": "trainables._training.hyperparameters",
    "Optimization": "trainables._training.hyperparameters",
    "Budget": "trainables._training.hyperparameters",
    # data
    "load_images": "trainables._training.data.images.load",
    "test_images": "trainables._training.data.images.load",
    "image_classes": "trainables._training.data.images.sources",
    "image_content": "trainables._training.data.images.sources",
    "load_table": "trainables._training.data.tables.load",
    "load_folds": "trainables._training.data.tables.load",
    "test_rows": "trainables._training.data.tables.load",
    "TableSource": "trainables._training.data.tables.fields",
    "read_table": "trainables._training.data.tables.rows",
    "Table": "trainables._training.data.tables.rows",
    "table_content": "trainables._training.data.tables.rows",
    "test_split": "trainables._training.data.tables.rows",
    "fold_splits": "trainables._training.data.tables.rows",
    "missing_data": "trainables._training.data.place",
    "Examples": "trainables._training.data.examples",
    "TrainingData": "trainables._training.data.part",
    "Part": "trainables._training.data.part",
    # the loop of a cross-validated scikit-learn estimator, and what is kept of a forest
    "cross_validate": "trainables._training.folds",
    "forest_state": "trainables._training.forests",
    # a trained model for others
    "Deployed": "trainables._training.deployed",
    "deployed_images": "trainables._training.deployed",
    "deployed_rows": "trainables._training.deployed",
    "deployed_forest": "trainables._training.deployed",
    "with_preparation": "trainables._training.deployed",
    # the parts of a supervised trainable
    "train_supervised": "trainables._training.supervised",
    "test_supervised": "trainables._training.testing",
    "Step": "trainables._training.learner",
    "mlp": "trainables.models.mlp",
    "cnn": "trainables.models.cnn",
    "resnet18": "trainables.models.resnet",
    "own_model": "trainables.models.own",
    "missing_model": "trainables.models.own",
    "augmentation": "trainables._training.augmentation",
    "cross_entropy": "trainables._training.losses",
    "smoothed_cross_entropy": "trainables._training.losses",
    "accuracy": "trainables._training.losses",
    "mean_squared_error": "trainables._training.losses",
    "mean_absolute_error": "trainables._training.losses",
    "root_mean_squared_error": "trainables._training.losses",
    "r2": "trainables._training.losses",
    "optimizer": "trainables._training.optimizers",
    "constant": "trainables._training.schedules",
    "cosine": "trainables._training.schedules",
    "linear": "trainables._training.schedules",
    "warmed_up": "trainables._training.schedules",
    # what a checkpoint takes on the disk
    "MANIFEST_BYTES": "trainables._training.sizes",
    "image_shape": "trainables._training.sizes",
    "state_bytes": "trainables._training.sizes",
    "table_shape": "trainables._training.sizes",
    "cnn_numbers": "trainables.models.sizes",
    "mlp_numbers": "trainables.models.sizes",
    "resnet18_numbers": "trainables.models.sizes",
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
