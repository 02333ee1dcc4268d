"""An epoch of a 784-128-10 MLP on MNIST: slices of tensors in memory against the usual DataLoader.

Batches of 64, Adam, one thread. An epoch is what a trial reports: one pass over 50,000 training images with a step per
batch, then validation on 10,000 others; and, apart from that, the training images alone without any step.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

from trainables import missing_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch.utils.data import DataLoader

    from trainables import TrainingData

TARGET = 10.0
"""Ratio that a whole epoch must reach."""

_BATCH_SIZE, _MEAN, _STD = 64, 0.1307, 0.3081
_TRAINING, _VALIDATION = range(50_000), range(50_000, 60_000)


def run(repetitions: int) -> int:
    """Print seconds and ratios; return 0 when the target is reached, 1 when not, 2 without MNIST."""
    faults = missing_data("mnist")
    if faults:
        print(faults[0], file=sys.stderr)
        return 2
    import torch

    torch.set_num_threads(1)
    (loader, held_out), data = _usual_data(), _our_data()
    generator = torch.Generator().manual_seed(0)
    print(f"MNIST, batches of {_BATCH_SIZE}, MLP 784-128-10, Adam, one thread; median of {repetitions}")
    data_ratio = _compare(
        "data alone",
        repetitions,
        usual=lambda: _exhaust(loader),
        ours=lambda: _exhaust(data.training.shuffled(_BATCH_SIZE, generator)),
    )
    our_epochs = _our_epochs(data, repetitions)
    step_ratio = _compare(
        "whole epoch", repetitions, usual=_usual_epoch(loader, held_out), ours=lambda: next(our_epochs)["val_loss"]
    )
    verdict = "reached" if step_ratio >= TARGET else "MISSED"
    print(f"the whole epoch {step_ratio:.1f} times faster, the data alone {data_ratio:.0f} times")
    print(f"target {TARGET:.0f} times for the whole epoch: {verdict}")
    return 0 if step_ratio >= TARGET else 1


def _compare(what: str, repetitions: int, *, usual: Callable[[], object], ours: Callable[[], object]) -> float:
    medians = {}
    for name, epoch in (("DataLoader", usual), ("raysweeps", ours)):
        seconds = []
        for repetition in range(repetitions):
            start = time.perf_counter()
            epoch()
            seconds.append(time.perf_counter() - start)
            print(f"  {what}, {name}, epoch {repetition + 1} of {repetitions}: {seconds[-1]:.3f} s", flush=True)
        medians[name] = statistics.median(seconds)
    return medians["DataLoader"] / medians["raysweeps"]


def _usual_data() -> tuple[DataLoader[Any], DataLoader[Any]]:
    from torch.utils.data import DataLoader, Subset
    from torchvision import datasets, transforms

    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((_MEAN,), (_STD,))])
    dataset = datasets.MNIST(_root(), train=True, download=False, transform=transform)
    training, validation = Subset(dataset, _TRAINING), Subset(dataset, _VALIDATION)
    return DataLoader(training, batch_size=_BATCH_SIZE, shuffle=True), DataLoader(validation, batch_size=1000)


def _our_data() -> TrainingData:
    from torchvision import datasets

    from trainables import Examples, TrainingData

    dataset = datasets.MNIST(_root(), train=True, download=False)
    parts = [
        Examples(
            inputs=dataset.data[rows.start : rows.stop].unsqueeze(1),
            targets=dataset.targets[rows.start : rows.stop],
            mean=255 * _MEAN,
            std=255 * _STD,
        )
        for rows in (_TRAINING, _VALIDATION)
    ]
    return TrainingData(training=parts[0], validation=parts[1], classes=10)


def _usual_epoch(loader: DataLoader[Any], held_out: DataLoader[Any]) -> Callable[[], object]:
    """Return an epoch of the usual kind, which also keeps mean loss and accuracy, as the package's loop does."""
    import torch
    from torch import nn

    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

    def epoch() -> None:
        loss_sum, correct = 0.0, 0
        for images, classes in loader:
            optimizer.zero_grad()
            outputs = network(images)
            loss = nn.functional.cross_entropy(outputs, classes)
            loss.backward()
            optimizer.step()
            loss_sum += loss.item() * len(classes)
            correct += int((outputs.argmax(dim=1) == classes).sum())
        with torch.no_grad():
            for images, classes in held_out:
                outputs = network(images)
                loss_sum += nn.functional.cross_entropy(outputs, classes).item() * len(classes)
                correct += int((outputs.argmax(dim=1) == classes).sum())

    return epoch


def _our_epochs(data: TrainingData, epochs: int) -> Any:
    """Return the records of the package's own loop."""
    import trainables as parts

    return parts.train_supervised(
        data=data,
        model=lambda: parts.mlp(784, 10, layers=[128]),
        loss=parts.cross_entropy,
        scores={"accuracy": parts.accuracy},
        optimizer=parts.optimizer("adam"),
        schedule=parts.constant(1e-3),
        batch_size=_BATCH_SIZE,
        epochs=epochs,
        seed=0,
    )


def _exhaust(batches: Iterable[object]) -> None:
    for _ in batches:
        pass


def _root() -> str:
    return os.path.expanduser(os.environ.get("RAYSWEEPS_DATA") or "~/.cache/raysweeps")  # noqa: PTH111 - torchvision wants a string
