"""A trained model as others use it: it takes inputs as they are stored and prepares them itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from trainables._training.data.images.normalization import Normalization
from trainables._training.data.tables.load import Standardization
from trainables._training.testing import give_weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trainables._training.data.part import TrainingData
    from trainables._training.data.tables.rows import Rows, Table

EXAMPLES = 16
"""Rows that a deployed model is tried on."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Deployed:
    """A trained model with what a stranger must know to use it."""

    network: nn.Module
    """In the mode of evaluation, on the CPU: takes raw inputs, rows first, as they are stored, and prepares them."""

    example: torch.Tensor
    """Some raw inputs, rows first."""

    inputs: str
    """What the network takes, in words: type, shape, order and meaning."""

    outputs: str
    """What it gives, in words."""

    details: Mapping[str, Any] = field(default_factory=dict)
    """Facts for programs, in JSON: names of `classes` in the order of the outputs, `columns` in that of the inputs."""

    rows: Mapping[str, int] = field(default_factory=dict)
    """How many rows it was trained on and chosen with: `training`, `validation`."""


class NormalizedImages(nn.Module):
    """A network behind the normalization of its images: uint8 (rows, channels, height, width) -> its outputs."""

    mean: torch.Tensor
    factor: torch.Tensor

    def __init__(self, network: nn.Module, normalization: Normalization) -> None:
        super().__init__()
        self.register_buffer("mean", normalization.mean)
        self.register_buffer("factor", normalization.factor)
        self.network = network

    def forward(self, images: torch.Tensor) -> Any:
        """Return what the network gives for the normalized images."""
        return self.network((images.to(torch.float32) - self.mean) * self.factor)


class StandardizedRows(nn.Module):
    """A network behind the standardization of its columns: float64 (rows, columns), NaN for missing -> its outputs."""

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, network: nn.Module, standardization: Standardization) -> None:
        super().__init__()
        self.register_buffer("mean", standardization.mean)
        self.register_buffer("scale", standardization.scale)
        self.network = network

    def forward(self, rows: torch.Tensor) -> Any:
        """Return what the network gives for the standardized rows, in which 0 stands for what is missing."""
        return self.network(((rows - self.mean) * self.scale).to(torch.float32).nan_to_num(nan=0.0))


def with_preparation(network: nn.Module, weights: Mapping[str, torch.Tensor], data: TrainingData) -> nn.Module:
    """Return a network with the weights of a checkpoint, behind the preparation of its inputs, ready for use.

    Args:
        network: As it was made before it was trained.
        weights: Its state.
        data: What it was trained with.

    Raises:
        ValueError: The weights are of another network.
    """
    give_weights(network, weights)
    prepared, prepare = network, data.training.prepare
    if isinstance(prepare, Normalization):
        prepared = NormalizedImages(network, prepare)
    elif isinstance(prepare, Standardization):
        prepared = StandardizedRows(network, prepare)
    return prepared.cpu().eval()


def deployed_images(
    network: nn.Module, data: TrainingData, *, classes: Sequence[str], pixels: str, image_size: int | None = None
) -> Deployed:
    """Return a classifier of images with its words.

    Args:
        network: Gives logits for raw images.
        data: What it was trained with.
        classes: Their names.
        pixels: What the numbers mean, such as "0 to 255".
        image_size: Height and width in pixels that images of another size were fitted to; None: they had one size.
    """
    channels, height, width = data.input_shape
    colours = {1: "one channel, grey", 3: "three channels: red, green, blue"}.get(channels, f"{channels} channels")
    fitting = ""
    if image_size is not None:
        fitting = (
            f" An image of another size has its shorter side scaled to {image_size} pixels (bilinear, antialiased) and "
            "its middle cut out."
        )
    return Deployed(
        network=network,
        example=_raw(data),
        inputs=f"uint8, (rows, {channels}, {height}, {width}): images, {colours}, pixels from {pixels}.{fitting}",
        outputs=_LOGITS.format(len(classes)),
        details={"classes": list(classes)},
        rows=_rows(data),
    )


def deployed_rows(network: nn.Module, table: Table, data: TrainingData, target: str | None = None) -> Deployed:
    """Return a network on a table with its words.

    Args:
        network: Gives logits, or numbers in the target's unit, for raw rows.
        table: Has the names of columns and classes.
        data: What it was trained with.
        target: Name of what is predicted.
    """
    numbers = f"float32, (rows, 1): {target or 'the target'}, in its unit."
    outputs = numbers if table.classes is None else _LOGITS.format(len(table.classes))
    return _deployed_table(network, table, _raw(data), outputs, _rows(data))


def deployed_forest(state: Mapping[str, torch.Tensor], table: Table, rows: Rows, target: str | None = None) -> Deployed:
    """Return a forest that a refit has saved, with its words.

    Args:
        state: What `forest_state` gave.
        table: Has the names of columns and classes.
        rows: Of the table, that it was fitted on.
        target: Name of what is predicted.
    """
    from trainables.models.forest import forest_of

    outputs = f"float64, (rows, 1): {target or 'the target'}, in its unit."
    if table.classes is not None:
        outputs = (
            f"float64, (rows, {len(table.classes)}): the probability of each class; the place of the largest is that "
            "of its name in network.classes."
        )
    example = torch.from_numpy(table.inputs[rows[:EXAMPLES]])
    return _deployed_table(forest_of(state), table, example, outputs, {"training": len(rows)})


_LOGITS = (
    "float32, (rows, {}): a logit for each class; the place of the largest is that of its name in network.classes, "
    "and softmax makes probabilities of them."
)


def _deployed_table(
    network: nn.Module, table: Table, example: torch.Tensor, outputs: str, rows: Mapping[str, int]
) -> Deployed:
    texts = (
        " A column name=text is 1 where the text is this one, else 0." if any("=" in c for c in table.columns) else ""
    )
    classes = {} if table.classes is None else {"classes": list(table.classes)}
    return Deployed(
        network=network,
        example=example,
        inputs=(
            f"float64, (rows, {len(table.columns)}): the numbers of network.columns, in this order and in their "
            f"units, NaN where one is missing.{texts}"
        ),
        outputs=outputs,
        details={"columns": list(table.columns), **classes},
        rows=rows,
    )


def _raw(data: TrainingData) -> torch.Tensor:
    return (data.training if data.validation is None else data.validation).raw(EXAMPLES)


def _rows(data: TrainingData) -> dict[str, int]:
    validation = {} if data.validation is None else {"validation": len(data.validation)}
    return {"training": len(data.training), **validation}
