"""A classifier of images: one data set, one network, one optimizer.

    for record in image_classifier.epochs({"dataset": "digits", "lr": 0.01, "epochs": 5}):
        print(record["epoch"], record["val_accuracy"])

To make a trainable of your own, copy this file and change its parts. Each part is imported when it is first used, so
that the configuration can be read and checked without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

import trainables as parts
from trainables import Trainable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainables import Checkpoints, Record

Units = Annotated[int, Field(ge=1, le=65_536)]
Depth = Annotated[int, Field(ge=0, le=64)]


class ImageClassifierConfig(BaseModel):
    """What one image classifier is: data, network, optimizer, budget and seeds."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    dataset: Literal["digits", "mnist"] = "digits"
    """Images to learn: digits (8x8, 1,797 rows, embedded) or mnist (28x28, 70,000 rows, fetched once)."""

    model: Literal["mlp"] = "mlp"
    """Network: mlp, a multilayer perceptron over the flattened image."""

    hidden_layers: Depth | None = None
    """Number of hidden layers, 0 to 64; left out: 1, or the length of `hidden_units` where that is a list."""

    hidden_units: Units | tuple[Units, ...] = 128
    """Units of every hidden layer, 1 to 65,536; or a list with the units of each."""

    activation: Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid"] = "relu"
    """Nonlinearity after each hidden layer."""

    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Probability that a hidden unit is zeroed while training, in [0, 1)."""

    optimizer: Literal["sgd", "adam", "adamw"] = "adam"
    """Rule that updates the weights."""

    lr: float = Field(default=1e-3, gt=0, le=100)
    """Learning rate: step size of the optimizer, above 0; `schedule` says whether it changes."""

    schedule: Literal["constant", "cosine"] = "constant"
    """Learning rate over the epochs: constant, or cosine, from lr towards 0 at the end of the budget."""

    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Momentum of sgd, in [0, 1); adam and adamw do not use it."""

    weight_decay: float = Field(default=0.0, ge=0, le=1)
    """L2 penalty (sgd, adam) or decoupled decay per unit of learning rate (adamw), in [0, 1]."""

    batch_size: int = Field(default=64, ge=1, le=65_536)
    """Images per optimizer step, 1 to 65,536."""

    epochs: int = Field(default=10, ge=1, le=1_000_000)
    """Budget: passes over the training images, at least 1."""

    seed: int = Field(default=0, ge=0, lt=2**63)
    """Seed of the initial weights, the order of the images and dropout."""

    split_seed: int = Field(default=0, ge=0, lt=2**63)
    """Seed of the stratified split into training and validation images; the test images never change."""

    @model_validator(mode="after")
    def _one_depth(self) -> Self:
        units, layers = self.hidden_units, self.hidden_layers
        if isinstance(units, tuple) and layers is not None and layers != len(units):
            message = (
                f"hidden_layers is {layers}, but hidden_units lists {len(units)} layers {list(units)}; "
                "leave hidden_layers out, or give hidden_units as one number"
            )
            raise ValueError(message)
        return self

    @property
    def layers(self) -> tuple[int, ...]:
        """Units of each hidden layer, first to last."""
        if isinstance(self.hidden_units, tuple):
            return self.hidden_units
        return (self.hidden_units,) * (1 if self.hidden_layers is None else self.hidden_layers)


def train(config: ImageClassifierConfig, checkpoints: Checkpoints | None) -> Iterator[Record]:
    """Train one image classifier; one record per epoch."""
    data = parts.load_data(config.dataset, split_seed=config.split_seed)
    return parts.train_supervised(
        data=data,
        model=lambda: parts.mlp(
            data.features, data.classes, layers=config.layers, activation=config.activation, dropout=config.dropout
        ),
        loss=parts.cross_entropy,
        scores={"accuracy": parts.accuracy},
        optimizer=parts.optimizer(config.optimizer, momentum=config.momentum, weight_decay=config.weight_decay),
        schedule=parts.cosine(config.lr, epochs=config.epochs)
        if config.schedule == "cosine"
        else parts.constant(config.lr),
        batch_size=config.batch_size,
        epochs=config.epochs,
        seed=config.seed,
        checkpoints=checkpoints,
    )


def missing(config: ImageClassifierConfig) -> list[str]:
    """Return what is missing of the data set, before anything starts."""
    return parts.missing_data(config.dataset)


image_classifier = Trainable(
    name="image_classifier",
    config_type=ImageClassifierConfig,
    train=train,
    check=missing,
    metrics={
        "train_loss": "mean cross-entropy of the training images while the weights change, in nats",
        "train_accuracy": "fraction of the training images classified correctly while the weights change",
        "val_loss": "mean cross-entropy of the validation images after the epoch, in nats",
        "val_accuracy": "fraction of the validation images classified correctly after the epoch",
        "lr": "learning rate of the epoch",
        "seconds": "wall time of training and validation, in seconds",
        "samples_per_second": "training images per second of the training pass",
        "best_val_loss": "lowest val_loss so far, in nats",
        "best_val_loss_epoch": "epoch of best_val_loss, from 1",
        "best_val_accuracy": "highest val_accuracy so far",
        "best_val_accuracy_epoch": "epoch of best_val_accuracy, from 1",
    },
)
