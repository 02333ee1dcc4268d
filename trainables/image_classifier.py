"""A classifier of images: one data set, one network, one optimizer.

    for record in image_classifier.epochs({"dataset": "digits", "lr": 0.01, "epochs": 5}):
        print(record["epoch"], record["val_accuracy"])

To make a trainable of your own, copy this file and change its parts. Each part is imported when it is first used, so
that the configuration can be read and checked without torch.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, JsonValue
from pydantic_core import PydanticCustomError

import trainables as parts
from trainables import Budget, Optimization, Perceptron, Trainable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from trainables import Checkpoints, Deployed, Record, SavedEpoch, TrainingData

ShippedModel = Literal["mlp", "cnn", "resnet18"]
Channels = Annotated[int, Field(ge=1, le=4096)]


def _known_model(name: str) -> str:
    if name in get_args(ShippedModel) or re.fullmatch(r"[^\W\d][\w.]*:[^\W\d]\w*", name):
        return name
    expected = "'mlp', 'cnn', 'resnet18' or 'module:function' for one of your own"
    raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})


class ImageClassifierConfig(Perceptron, Optimization, Budget):
    """What one image classifier is: data, augmentation, network, optimization, budget and seeds."""

    dataset: Literal["digits", "mnist", "fashion_mnist", "cifar10", "image_folder"] = "digits"
    """Images to learn: digits (8x8, 1,797 rows, embedded), mnist, fashion_mnist (28x28, 70,000 rows), cifar10 (32x32 in
    colour, 60,000 rows), or image_folder: a folder of one's own that has a folder of images for each class."""

    folder: str | None = Field(default=None, min_length=1)
    """Where image_folder lies: a path, or a name in the folder of the data sets; only for image_folder."""

    image_size: int | None = Field(default=None, ge=8, le=512, json_schema_extra={"unit": "pixels"})
    """Height and width, 8 to 512 pixels: the shorter side is scaled to it, the middle cut out; left out: as it is."""

    random_crop: int = Field(default=0, ge=0, le=128, json_schema_extra={"unit": "pixels"})
    """Augmentation: black pixels, 0 to 128, added on each side before a window of the image's size is cut at random."""

    horizontal_flip: float = Field(default=0.0, ge=0, le=1)
    """Augmentation: probability that an image is mirrored left to right, in [0, 1]."""

    rotation: float = Field(default=0.0, ge=0, le=180, json_schema_extra={"unit": "degrees"})
    """Augmentation: largest angle, 0 to 180 degrees, by which an image is turned at random in either direction."""

    randaugment_ops: int = Field(default=0, ge=0, le=14)
    """Augmentation: random changes that RandAugment makes to each image, 0 (none) to 14."""

    randaugment_magnitude: int = Field(default=9, ge=0, le=30)
    """Strength of RandAugment's changes, 0 to 30."""

    model: Annotated[ShippedModel | str, AfterValidator(_known_model)] = "mlp"
    """Network: mlp (a perceptron over the flattened image), cnn, resnet18, or "module:function": a function of one's
    own that is called with (input_shape, outputs, **model_options) and returns a torch.nn.Module."""

    model_options: dict[str, JsonValue] = Field(default_factory=dict)
    """Further arguments for a function of one's own, by name: JSON values; only for "module:function"."""

    conv_layers: int | None = Field(default=None, ge=0, le=64, json_schema_extra={"unit": "blocks"})
    """Blocks of convolution and pooling in a cnn, 0 to 64; left out: 2, or the length of `conv_channels` as a list."""

    conv_channels: Channels | tuple[Channels, ...] = Field(default=32, json_schema_extra={"unit": "channels"})
    """Channels of every block of a cnn, 1 to 4,096; or a list with the channels of each."""

    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Share of the target, in [0, 1), that is spread evenly over all classes in what is minimized."""

    def conflicts(self) -> Iterator[str]:
        """Add what does not go together among these."""
        yield from super().conflicts()
        if (self.dataset == "image_folder") != (self.folder is not None):
            given = f"dataset is {self.dataset!r} and folder is {self.folder!r}"
            yield f"{given}; give both dataset='image_folder' and the folder it lies in, or leave both out"
        if self.model_options and self.model in get_args(ShippedModel):
            yield (
                f"model_options are for a model of one's own, but model is {self.model!r}; "
                "leave model_options out, or name a model as 'module:function'"
            )
        channels, blocks = self.conv_channels, self.conv_layers
        if isinstance(channels, tuple) and blocks is not None and blocks != len(channels):
            yield (
                f"conv_layers is {blocks}, but conv_channels lists {len(channels)} blocks {list(channels)}; "
                "leave conv_layers out, or give conv_channels as one number"
            )
        if self.model == "resnet18" and self.batch_size < 2:
            yield "resnet18 normalizes over the rows of a batch, but batch_size is 1; give at least 2"

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of each block of a cnn, first to last."""
        if isinstance(self.conv_channels, tuple):
            return self.conv_channels
        return (self.conv_channels,) * (2 if self.conv_layers is None else self.conv_layers)


def image_network(config: ImageClassifierConfig, data: TrainingData) -> nn.Module:
    """Return the untrained network of a configuration: (rows, channels, height, width) -> (rows, classes)."""
    shape, classes, momentum = data.input_shape, data.outputs, config.batch_norm_momentum
    if config.model == "resnet18":
        return parts.resnet18(shape, classes, dropout=config.dropout, batch_norm_momentum=momentum)
    if config.model not in get_args(ShippedModel):
        return parts.own_model(config.model, shape, classes, **config.model_options)
    dense: dict[str, Any] = {
        "layers": config.layers,
        "activation": config.activation,
        "dropout": config.dropout,
        "batch_norm": config.batch_norm,
        "batch_norm_momentum": momentum,
    }
    if config.model == "cnn":
        return parts.cnn(shape, classes, channels=config.channels, **dense)
    return parts.mlp(data.features, classes, **dense)


def train(config: ImageClassifierConfig, checkpoints: Checkpoints | None) -> Iterator[Record]:
    """Train one image classifier; one record per epoch."""
    return _trained(config, image_data(config), config.epochs, checkpoints)


def refit(config: ImageClassifierConfig, until: int, checkpoints: Checkpoints | None) -> Iterator[Record]:
    """Train on the training and the validation images together, until an epoch of the same schedule."""
    return _trained(config, image_data(config, joined=True), until, checkpoints)


def test(config: ImageClassifierConfig, saved: SavedEpoch) -> dict[str, float]:
    """Return loss and accuracy of a checkpoint's network on the test images, normalized as its training images were."""
    joined = "refit" in saved.state()
    images = parts.test_images(joined=joined, **_images(config))
    return parts.test_supervised(saved=saved, data=image_data(config, joined=joined), test=images, **_network(config))


def deploy(config: ImageClassifierConfig, saved: SavedEpoch) -> Deployed:
    """Return the network of a checkpoint as a model for raw images, normalized as its training images were."""
    state = saved.state()
    data = image_data(config, joined="refit" in state)
    return parts.deployed_images(
        parts.with_preparation(image_network(config, data), state["model"], data),
        data,
        classes=parts.image_classes(config.dataset, config.folder),
        pixels="0 to 16" if config.dataset == "digits" else "0 to 255",
        image_size=config.image_size,
    )


def image_data(config: ImageClassifierConfig, *, joined: bool = False) -> TrainingData:
    """Return the images of a configuration: training and validation part, or both joined for a refit."""
    return parts.load_images(joined=joined, **_images(config))


def _images(config: ImageClassifierConfig) -> dict[str, Any]:
    return {name: getattr(config, name) for name in ("dataset", "folder", "image_size", "split_seed")}


def _network(config: ImageClassifierConfig) -> dict[str, Any]:
    """Return what is the same when a network is trained and when it is tested."""
    return {
        "model": lambda data: image_network(config, data),
        "loss": parts.cross_entropy,
        "scores": {"accuracy": parts.accuracy},
        "step": config.make_step(),
    }


def _trained(
    config: ImageClassifierConfig, data: TrainingData, epochs: int, checkpoints: Checkpoints | None
) -> Iterator[Record]:
    return parts.train_supervised(
        data=data,
        **_network(config),
        objective=lambda _data: parts.smoothed_cross_entropy(config.label_smoothing),
        optimizer=config.make_optimizer(),
        schedule=config.make_schedule(),
        augment=parts.augmentation(
            random_crop=config.random_crop,
            horizontal_flip=config.horizontal_flip,
            rotation=config.rotation,
            randaugment_ops=config.randaugment_ops,
            randaugment_magnitude=config.randaugment_magnitude,
        ),
        batch_size=config.batch_size,
        epochs=epochs,
        seed=config.seed,
        patience=config.patience,
        checkpoints=checkpoints,
    )


def missing(config: ImageClassifierConfig) -> list[str]:
    """Return what is missing of the data set or of a model of one's own, before anything starts."""
    data = parts.missing_data(config.dataset, folder=config.folder)
    return data if config.model in get_args(ShippedModel) else data + parts.missing_model(config.model)


def checkpoint_bytes(config: ImageClassifierConfig) -> int | None:
    """Return about how many bytes a checkpoint takes; None for a network or a folder of one's own."""
    known = parts.image_shape(config.dataset, config.image_size)
    if known is None or config.model not in get_args(ShippedModel):
        return None
    shape, classes = known
    dense: dict[str, Any] = {"layers": config.layers, "batch_norm": config.batch_norm}
    if config.model == "resnet18":
        numbers = parts.resnet18_numbers(shape, classes)
    elif config.model == "cnn":
        numbers = parts.cnn_numbers(shape, classes, channels=config.channels, **dense)
    else:
        numbers = parts.mlp_numbers(math.prod(shape), classes, **dense)
    return parts.state_bytes(numbers, config)


def content(config: ImageClassifierConfig) -> str:
    """Return a digest of the images, which stays the same for the whole of a trial."""
    return parts.image_content(config.dataset, config.folder)


image_classifier = Trainable(
    name="image_classifier",
    config_type=ImageClassifierConfig,
    train=train,
    test=test,
    refit=refit,
    deploy=deploy,
    check=missing,
    content=content,
    checkpoint_bytes=checkpoint_bytes,
    metrics={
        "train_loss": "mean cross-entropy of the training images while the weights change, in nats",
        "train_accuracy": "fraction of the training images classified correctly while the weights change",
        "val_loss": "mean cross-entropy of the validation images after the epoch, in nats",
        "val_accuracy": "fraction of the validation images classified correctly after the epoch",
        "generalization_gap": "val_loss minus the loss of as many training images after the epoch, in nats",
        "lr": "learning rate of the epoch",
        "seconds": "wall time of training and validation, in seconds",
        "samples_per_second": "training images per second of the training pass",
        "best_val_loss": "lowest val_loss so far, in nats",
        "best_val_loss_epoch": "epoch of best_val_loss, from 1",
        "best_val_accuracy": "highest val_accuracy so far",
        "best_val_accuracy_epoch": "epoch of best_val_accuracy, from 1",
    },
    test_metrics={
        "test_loss": "mean cross-entropy of the test images, in nats",
        "test_accuracy": "fraction of the test images classified correctly",
    },
)
