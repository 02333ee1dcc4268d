"""The loop of supervised training: a generator over epochs that knows neither Ray nor what it trains."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import torch

from trainables._training.learner import Learner
from trainables._training.randomness import INITIALIZATION, random_state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from torch import nn

    from trainables._training.datasets.examples import TrainingData
    from trainables._training.learner import Score
    from trainables._training.trainable import Checkpoints, Record


def train_supervised(
    *,
    data: TrainingData,
    model: Callable[[], nn.Module],
    loss: Score,
    scores: Mapping[str, Score],
    optimizer: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer],
    schedule: Callable[[int], float],
    batch_size: int,
    epochs: int,
    seed: int,
    checkpoints: Checkpoints | None = None,
) -> Iterator[Record]:
    """Train a network on CUDA where there is one, else on the CPU; yield the record of each epoch.

    Interrupted after any epoch and continued from its checkpoint, it gives the same numbers as uninterrupted. Random
    state is derived from (seed, epoch); the global random state is as it was whenever a record is yielded.

    Args:
        data: The training and the validation part.
        model: Makes the network; its initial weights may come from torch's global random state, which is seeded.
        loss: Mean loss of (outputs, targets) that is minimized.
        scores: Other metrics of (outputs, targets), the higher the better, by name.
        optimizer: Makes the optimizer of the network's parameters.
        schedule: Learning rate of an epoch, counted from 1.
        batch_size: Rows per step.
        epochs: Budget: the last epoch.
        seed: Seed of the initial weights, the order of the rows, and dropout.
        checkpoints: Where each epoch is saved before its record is yielded, and what to continue from.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    data = data.to(device)
    with random_state_of(seed, INITIALIZATION, device):
        network = model().to(device)
    learner = Learner(network=network, optimizer=optimizer(network.parameters()), loss=loss, scores=scores)
    record: Record | None = None
    saved = checkpoints.newest() if checkpoints else None
    if saved is not None:
        learner.restore(saved.state(device))
        record = saved.record
        yield dict(record)
    for epoch in range(record["epoch"] + 1 if record else 1, epochs + 1):
        start = time.perf_counter()
        with random_state_of(seed, epoch, device) as generator:
            training = learner.train(data.training.shuffled(batch_size, generator), lr=schedule(epoch))
            trained = time.perf_counter()
            validation = learner.validate(data.validation)
        record = {
            "epoch": epoch,
            **{f"train_{name}": value for name, value in training.items()},
            **{f"val_{name}": value for name, value in validation.items()},
            "lr": schedule(epoch),
            "seconds": time.perf_counter() - start,
            "samples_per_second": len(data.training) / (trained - start),
            **best_so_far(validation, epoch, record),
        }
        if checkpoints:
            # The random state of the next epoch is derived from these two.
            checkpoints.save(epoch, record, learner.state() | {"random_state": {"seed": seed, "epoch": epoch}})
        yield dict(record)


def best_so_far(validation: Mapping[str, float], epoch: int, previous: Record | None) -> dict[str, float]:
    """Return the best value of each validation metric and its epoch: the loss lowest, all others highest.

    The first of equals counts. NaN is best only as long as there is nothing else.
    """
    best: dict[str, float] = {}
    for name, value in validation.items():
        key = f"best_val_{name}"
        best[key], best[f"{key}_epoch"] = value, epoch
        if previous is not None:
            old = previous[key]
            is_better = math.isnan(old) or (value < old if name == "loss" else value > old)
            if math.isnan(value) or not is_better:
                best[key], best[f"{key}_epoch"] = old, previous[f"{key}_epoch"]
    return best
