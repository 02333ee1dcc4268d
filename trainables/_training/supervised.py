"""The loop of supervised training: a generator over epochs that knows neither Ray nor what it trains."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from trainables._training.learner import Learner, Step
from trainables._training.randomness import INITIALIZATION, random_state_of
from trainables._training.records import best_so_far, over_folds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from torch import nn

    from trainables._training.data.part import Change, TrainingData
    from trainables._training.measuring import Score
    from trainables._training.trainable import Checkpoints, Record

_GAP_ROWS = 2048
"""Training rows, at most, that the generalization gap is measured on: as many as suffice, and no more time."""


def train_supervised(
    *,
    data: TrainingData | Sequence[TrainingData],
    model: Callable[[TrainingData], nn.Module],
    loss: Score,
    scores: Mapping[str, Score],
    errors: Mapping[str, Score] | None = None,
    objective: Callable[[TrainingData], Score] | None = None,
    optimizer: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer],
    schedule: Callable[[int], float],
    batch_size: int,
    epochs: int,
    seed: int,
    checkpoints: Checkpoints | None = None,
    augment: Change | None = None,
    step: Step | None = None,
    patience: int | None = None,
) -> Iterator[Record]:
    """Train a network, or one per fold, on CUDA where there is one, else on the CPU; yield the record of each epoch.

    Interrupted after any epoch and continued from its checkpoint, it gives the same numbers as uninterrupted. Random
    state is derived from (seed, epoch, fold); the global random state is as it was whenever a record is yielded.

    A record has `train_`, `val_` and `best_val_` of the loss and of each score and error, `generalization_gap`
    (validation loss minus the loss of as many training rows, both after the epoch, without dropout and augmentation),
    `lr`, `seconds` and `samples_per_second`. With folds, an epoch is one pass of every fold's network; `train_` and
    `val_` are means over the folds, and `val_..._se` is the standard error: the standard deviation over the folds
    (k - 1 in the denominator) divided by the root of k. Folds share training rows, so it is rather too small (Bengio
    and Grandvalet, "No Unbiased Estimator of the Variance of K-Fold Cross-Validation", 2004).

    Data without a validation part are those of a refit: the record says nothing of validation, there is no patience,
    and the checkpoint's state has `refit`.

    Args:
        data: The training and the validation part; or those of each fold, each with a network of its own.
        model: Makes the network; its initial weights may come from torch's global random state, which is seeded.
        loss: Mean loss of (outputs, targets) that is reported.
        scores: Other metrics of (outputs, targets), the higher the better, by name.
        errors: The same, the lower the better.
        objective: Makes the loss that is minimized, where it is not `loss` itself: smoothed labels, scaled targets.
        optimizer: Makes the optimizer of the network's parameters.
        schedule: Learning rate of an epoch, counted from 1.
        batch_size: Rows per step.
        epochs: Budget: the last epoch.
        seed: Seed of the initial weights, the order of the rows, dropout and augmentation.
        checkpoints: Where each epoch is saved before its record is yielded, and what to continue from.
        augment: Changes the stored inputs of a training batch at random.
        step: Penalties, clipping and precision of a step.
        patience: Epochs without a lower validation loss after which training ends before its budget.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    step = step or Step()
    if step.compile:
        torch.compiler.reset()  # graphs of earlier trials count towards torch's limit
    augment = augment.to(device) if augment else None
    measures = {"loss": loss, **scores, **(errors or {})}
    lower_is_better = {"loss", *(errors or {})}
    folds = []
    for fold, of_fold in enumerate(data if isinstance(data, Sequence) else [data]):
        with random_state_of(seed, INITIALIZATION, device, fold=fold):
            network = model(of_fold).to(device)
        learner = Learner(
            network=network,
            optimizer=optimizer(network.parameters()),
            objective=objective(of_fold) if objective else loss,
            measures=measures,
            step=step,
            device=device,
        )
        fold_data = of_fold.to(device)
        folds.append(
            _Fold(number=fold, seed=seed, learner=learner, data=fold_data, batch_size=batch_size, augment=augment)
        )
    record: Record | None = None
    saved = checkpoints.newest() if checkpoints else None
    if saved is not None:
        _restore(folds, saved.state(device))
        record = saved.record
        yield dict(record)
    for epoch in range(record["epoch"] + 1 if record else 1, epochs + 1):
        if patience is not None and record and _epochs_without_better(record) >= patience:
            return
        start = time.perf_counter()
        passes = [fold.pass_over(epoch, lr=schedule(epoch)) for fold in folds]
        metrics = over_folds([each.metrics for each in passes])
        record = {
            "epoch": epoch,
            **metrics,
            "lr": schedule(epoch),
            "seconds": time.perf_counter() - start,
            "samples_per_second": sum(each.rows for each in passes) / sum(each.seconds for each in passes),
            **best_so_far(_validation(metrics, measures), epoch, record, lower_is_better),
        }
        if checkpoints:
            # The random state of the next epoch is derived from these two.
            checkpoints.save(epoch, record, _state(folds) | {"random_state": {"seed": seed, "epoch": epoch}})
        yield dict(record)


@dataclass(frozen=True, kw_only=True)
class _Pass:
    """What one epoch of one fold gave."""

    metrics: dict[str, float]
    rows: int
    seconds: float
    """Of the training pass alone."""


@dataclass(kw_only=True)
class _Fold:
    """One network and the data that it is trained and validated on."""

    number: int
    seed: int
    learner: Learner
    data: TrainingData
    batch_size: int
    augment: Change | None

    def __post_init__(self) -> None:
        validation = self.data.validation
        rows = 0 if validation is None else min(len(validation), _GAP_ROWS)
        self._training_sample = self.data.training.sample(rows, seed=self.seed)

    def pass_over(self, epoch: int, *, lr: float) -> _Pass:
        start = time.perf_counter()
        with random_state_of(self.seed, epoch, self.learner.device, fold=self.number) as generator:
            batches = self.data.training.shuffled(self.batch_size, generator, self.augment)
            training = self.learner.train(batches, lr=lr)
            seconds = time.perf_counter() - start
            metrics = {f"train_{name}": value for name, value in training.items()} | self._validated()
        return _Pass(metrics=metrics, rows=len(self.data.training), seconds=seconds)

    def _validated(self) -> dict[str, float]:
        if self.data.validation is None:
            return {}
        validation = self.learner.measured(self.data.validation)
        gap = validation["loss"] - self.learner.measured(self._training_sample)["loss"]
        return {**{f"val_{name}": value for name, value in validation.items()}, "generalization_gap": gap}


def _validation(metrics: Mapping[str, float], names: Iterable[str]) -> dict[str, float]:
    """Return the validation metrics by their names without `val_`; none where nothing was validated."""
    return {name: metrics[f"val_{name}"] for name in names if f"val_{name}" in metrics}


def _epochs_without_better(record: Record) -> int:
    return int(record["epoch"] - record.get("best_val_loss_epoch", record["epoch"]))


def _state(folds: Sequence[_Fold]) -> dict[str, Any]:
    """Return the state of the only network as it is, that of several in a list."""
    states = [fold.learner.state() for fold in folds]
    state = states[0] if len(states) == 1 else {"folds": states}
    return state if folds[0].data.validation is not None else state | {"refit": True}


def _restore(folds: Sequence[_Fold], state: Mapping[str, Any]) -> None:
    for fold, of_fold in zip(folds, state.get("folds", [state]), strict=True):
        fold.learner.restore(of_fold)
