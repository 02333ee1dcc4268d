"""A multilayer perceptron on a table, for regression and classification; optionally one per fold.

    for record in tabular_mlp.epochs({"dataset": "diabetes", "folds": 5, "epochs": 20}):
        print(record["epoch"], record["val_loss"], record["val_loss_se"])

To make a trainable of your own, copy this file and change its parts. Each part is imported when it is first used, so
that the configuration can be read and checked without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

import trainables as parts
from trainables import Optimization, Perceptron, TableSource, Trainable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from torch import nn

    from trainables import Checkpoints, Deployed, Record, SavedEpoch, TrainingData


class TabularMLPConfig(TableSource, Perceptron, Optimization):
    """What one perceptron on a table is: table, folds, network, optimizer, budget and seeds."""

    validation_fraction: float = Field(default=0.2, gt=0, lt=1)
    """Fraction of the rows beside the test rows (of each class) that validate, in (0, 1); without effect with folds."""

    folds: int = Field(default=0, ge=0, le=100, json_schema_extra={"unit": "folds"})
    """Folds of a cross-validation, 2 to 100, each with a network of its own: an epoch is one pass of all of them, and a
    metric the mean over them; 0: one network, validated on `validation_fraction`."""

    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Share of a row's label that is spread over all classes while training, in [0, 1); only for classification."""

    def conflicts(self) -> Iterator[str]:
        """Add what does not go together among these."""
        yield from super().conflicts()
        if self.folds == 1:
            yield "folds is 1; give 2 to 100, or 0 for one split into training and validation rows"


def train(config: TabularMLPConfig, checkpoints: Checkpoints | None) -> Iterator[Record]:
    """Train one perceptron, or one per fold; one record per epoch."""
    return _trained(config, tabular_data(config), config.epochs, checkpoints)


def refit(config: TabularMLPConfig, until: int, checkpoints: Checkpoints | None) -> Iterator[Record]:
    """Train one perceptron, also where there are folds, on all rows but the test's until an epoch of the schedule."""
    return _trained(config, tabular_data(config, joined=True), until, checkpoints)


def test(config: TabularMLPConfig, saved: SavedEpoch) -> dict[str, float]:
    """Return the measures of a checkpoint's network on the test rows; with folds their mean over the networks."""
    joined = "refit" in saved.state()
    folds = 0 if joined else config.folds
    split = {
        "split_seed": config.split_seed,
        "validation_fraction": 0.0 if joined else config.validation_fraction,
        "folds": folds,
    }
    rows = [parts.test_rows(fold=fold, **config.table() | split) for fold in range(folds or 1)]
    data = tabular_data(config, joined=joined)
    return parts.test_supervised(saved=saved, data=data, test=rows, **_network(config, data))


def deploy(config: TabularMLPConfig, saved: SavedEpoch) -> Deployed:
    """Return the network of a checkpoint as a model for raw rows, standardized as its training rows were.

    Raises:
        ValueError: With folds it holds several networks, each of which has seen a part of the rows.
    """
    state = saved.state()
    if "folds" in state:
        message = (
            f"tabular_mlp: with folds a checkpoint holds {len(state['folds'])} networks, none of which has seen all "
            "rows; train one on all of them first: sweep confirm --refit"
        )
        raise ValueError(message)
    (data,) = tabular_data(config, joined="refit" in state)
    network = parts.with_preparation(tabular_network(config, data), state["model"], data)
    return parts.deployed_rows(network, parts.read_table(**config.source()), data, config.target)


def tabular_data(config: TabularMLPConfig, *, joined: bool = False) -> list[TrainingData]:
    """Return the data of each fold; without folds of the one split; or, joined for a refit, all rows as one part."""
    if config.folds and not joined:
        return parts.load_folds(folds=config.folds, split_seed=config.split_seed, **config.table())
    fraction = 0.0 if joined else config.validation_fraction
    return [parts.load_table(validation_fraction=fraction, split_seed=config.split_seed, **config.table())]


def _network(config: TabularMLPConfig, data: list[TrainingData]) -> dict[str, Any]:
    """Return what is the same when networks are trained and when they are tested."""
    is_regression = data[0].classes is None
    return {
        "model": lambda data: tabular_network(config, data),
        "loss": parts.mean_squared_error if is_regression else parts.cross_entropy,
        "scores": {"r2": parts.r2} if is_regression else {"accuracy": parts.accuracy},
        "errors": {"mae": parts.mean_absolute_error, "rmse": parts.root_mean_squared_error} if is_regression else {},
        "step": config.make_step(),
    }


def _trained(
    config: TabularMLPConfig, data: list[TrainingData], epochs: int, checkpoints: Checkpoints | None
) -> Iterator[Record]:
    is_regression = data[0].classes is None
    return parts.train_supervised(
        data=data,
        **_network(config, data),
        objective=scaled_error if is_regression else lambda _: parts.smoothed_cross_entropy(config.label_smoothing),
        optimizer=config.make_optimizer(),
        schedule=config.make_schedule(),
        batch_size=config.batch_size,
        epochs=epochs,
        patience=config.patience,
        seed=config.seed,
        checkpoints=checkpoints,
    )


def tabular_network(config: TabularMLPConfig, data: TrainingData) -> nn.Module:
    """Return the network of a configuration: (rows, columns) -> (rows, classes), or (rows, 1) in the target's unit."""
    from trainables.models.rescaled import Rescaled

    network = parts.mlp(
        data.features,
        data.outputs,
        layers=config.layers,
        activation=config.activation,
        dropout=config.dropout,
        batch_norm=config.batch_norm,
        batch_norm_momentum=config.batch_norm_momentum,
    )
    if data.classes is not None:
        return network
    return Rescaled(network, target_mean=data.target_mean, target_std=data.target_std)


def scaled_error(data: TrainingData) -> Any:
    """Return the mean squared error in units of the target's variance, so that lr means the same for every target."""
    variance = data.target_std**2
    return lambda outputs, targets: parts.mean_squared_error(outputs, targets) / variance


def reported(config: TabularMLPConfig) -> Collection[str]:
    """Return the metrics of the task, with standard errors where there are folds."""
    task = config.resolved_task()
    other = {"regression": ["accuracy"], "classification": ["r2", "mae", "rmse"]}.get(task or "", [])
    names = [f"{part}_{name}" for name in other for part in ("train", "val", "best_val")]
    unreported = {*names, *(f"{name}_epoch" for name in names), *(f"{name}_se" for name in names)}
    return [
        name for name in tabular_mlp.metrics if name not in unreported and (config.folds or not name.endswith("_se"))
    ]


def check(config: TabularMLPConfig) -> list[str]:
    """Return what is missing or wrong of the table, and what its task does not take, before anything starts."""
    faults = config.missing(folds=config.folds, validation_fraction=config.validation_fraction)
    if not faults and config.label_smoothing and config.resolved_task() == "regression":
        faults.append(
            f"tabular_mlp: 'label_smoothing' is {config.label_smoothing:g}, but the target is a number, which has no "
            "label; leave it out, or choose a target that is a class (task='classification')"
        )
    return faults


def checkpoint_bytes(config: TabularMLPConfig) -> int | None:
    """Return about how many bytes a checkpoint takes, all folds together; None for a file of one's own."""
    known = parts.table_shape(config.dataset)
    if known is None:
        return None
    numbers = parts.mlp_numbers(*known, layers=config.layers, batch_norm=config.batch_norm)
    return parts.state_bytes(numbers, config) * max(1, config.folds)


def content(config: TabularMLPConfig) -> str:
    """Return a digest of the table, which stays the same for the whole of a trial."""
    return parts.table_content(config.dataset, path=config.path)


_MEASURES = {
    "loss": "mean squared error (target's unit squared) or cross-entropy (nats)",
    "r2": "R2, at most 1 (regression)",
    "mae": "mean absolute error in the target's unit (regression)",
    "rmse": "root mean squared error in the target's unit (regression)",
    "accuracy": "fraction classified correctly (classification)",
}

tabular_mlp = Trainable(
    name="tabular_mlp",
    config_type=TabularMLPConfig,
    train=train,
    test=test,
    untestable=TableSource.untestable,
    refit=refit,
    deploy=deploy,
    check=check,
    content=content,
    checkpoint_bytes=checkpoint_bytes,
    reported=reported,
    metrics={
        **{f"train_{name}": f"training rows as they are learnt: {what}" for name, what in _MEASURES.items()},
        **{
            metric: said
            for name, what in _MEASURES.items()
            for metric, said in (
                (f"val_{name}", f"validation rows: {what}"),
                (f"val_{name}_se", "its standard error over the folds"),
            )
        },
        "generalization_gap": "val_loss minus the loss of as many training rows, both after the epoch",
        "lr": "learning rate of the epoch",
        "seconds": "wall time of training and validation, in seconds",
        "samples_per_second": "training rows per second of the training pass, all folds together",
        **{
            metric: said
            for name in _MEASURES
            for metric, said in (
                (f"best_val_{name}", f"best val_{name} so far"),
                (f"best_val_{name}_epoch", "its epoch, from 1"),
            )
        },
    },
    test_metrics={f"test_{name}": f"test rows: {what}" for name, what in _MEASURES.items()},
)
