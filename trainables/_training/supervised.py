"""The loop of supervised training: a generator over epochs that knows neither Ray nor what it trains."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import torch

from trainables._training.randomness import INITIALIZATION, random_state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from torch import nn

    from trainables._training.data.examples import Examples, TrainingData
    from trainables._training.trainable import Checkpoints, Record

    Score = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

_VALIDATION_ROWS = 4096
"""Rows per forward pass of validation: large enough for full speed, small enough for memory."""


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
        schedule: Learning rate of an epoch.
        batch_size: Rows per step.
        epochs: Budget: the last epoch.
        seed: Seed of the initial weights, the order of the rows, and dropout.
        checkpoints: Where each epoch is saved before its record is yielded, and what to continue from.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    data = data.to(device)
    with random_state_of(seed, INITIALIZATION, device):
        network = model().to(device)
    steps = optimizer(network.parameters())
    record: Record | None = None
    saved = checkpoints.newest() if checkpoints else None
    if saved is not None:
        record = saved.record
        _restore(network, steps, saved.state(device))
        yield dict(record)
    for epoch in range(record["epoch"] + 1 if record else 1, epochs + 1):
        start = time.perf_counter()
        lr = schedule(epoch)
        for group in steps.param_groups:
            group["lr"] = lr
        with random_state_of(seed, epoch, device) as generator:
            training = _train_epoch(network, steps, loss, scores, data.training.shuffled(batch_size, generator))
            trained = time.perf_counter()
            validation = _validate(network, loss, scores, data.validation)
        record = {
            "epoch": epoch,
            **{f"train_{name}": value for name, value in training.items()},
            **{f"val_{name}": value for name, value in validation.items()},
            "lr": lr,
            "seconds": time.perf_counter() - start,
            "samples_per_second": len(data.training) / (trained - start),
            **_best_so_far(validation, epoch, record),
        }
        if checkpoints:
            checkpoints.save(epoch, record, _state(network, steps, seed, epoch))
        yield dict(record)


def _train_epoch(
    network: nn.Module,
    steps: torch.optim.Optimizer,
    loss: Score,
    scores: Mapping[str, Score],
    batches: Iterable[tuple[torch.Tensor, torch.Tensor]],
) -> dict[str, float]:
    network.train()
    all_outputs, all_targets = [], []
    for inputs, targets in batches:
        outputs = network(inputs)
        steps.zero_grad()
        loss(outputs, targets).backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        steps.step()
        # Kept, not measured: one pass at the end costs less than a sum and a wait for the device at each step.
        all_outputs.append(outputs.detach())
        all_targets.append(targets)
    return _measure(loss, scores, torch.cat(all_outputs), torch.cat(all_targets))


def _validate(network: nn.Module, loss: Score, scores: Mapping[str, Score], examples: Examples) -> dict[str, float]:
    network.eval()
    with torch.inference_mode():
        starts = range(0, len(examples), _VALIDATION_ROWS)
        outputs = [network(examples.normalized(slice(start, start + _VALIDATION_ROWS))) for start in starts]
    return _measure(loss, scores, torch.cat(outputs), examples.targets)


def _measure(
    loss: Score, scores: Mapping[str, Score], outputs: torch.Tensor, targets: torch.Tensor
) -> dict[str, float]:
    with torch.inference_mode():
        return {
            "loss": float(loss(outputs, targets)),
            **{name: float(f(outputs, targets)) for name, f in scores.items()},
        }


def _best_so_far(validation: Mapping[str, float], epoch: int, previous: Record | None) -> dict[str, float]:
    """Return the best value of each validation metric and its epoch; the first of equals, NaN only before any other."""
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


def _state(network: nn.Module, steps: torch.optim.Optimizer, seed: int, epoch: int) -> dict[str, Any]:
    return {
        "model": network.state_dict(),
        "optimizer": steps.state_dict()["state"],
        "random_state": {"seed": seed, "epoch": epoch},  # all that the next epoch's random state is derived from
    }


def _restore(network: nn.Module, steps: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Load weights and moments, not hyperparameters: population-based training continues with others."""
    network.load_state_dict(state["model"])
    steps.load_state_dict({"state": state["optimizer"], "param_groups": steps.state_dict()["param_groups"]})
