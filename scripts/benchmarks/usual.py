"""The usual way to train on MNIST, as tutorials have it: the peer of the benchmarks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH_SIZE = 64
_MEAN, _STD = 0.1307, 0.3081
_TRAINING, _VALIDATION = range(50_000), range(50_000, 60_000)


def usual_training_loader() -> DataLoader[Any]:
    """Return a shuffled loader of 50,000 images."""
    return DataLoader(Subset(usual_mnist(), _TRAINING), batch_size=BATCH_SIZE, shuffle=True)


def usual_epoch(loader: DataLoader[Any]) -> Callable[[], object]:
    """Return an epoch of the usual kind, which also keeps mean loss and accuracy, as the package's loop does."""
    held_out = DataLoader(Subset(usual_mnist(), _VALIDATION), batch_size=1000)
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


def usual_mnist() -> datasets.MNIST:
    """Return the development images as torchvision has them, normalized."""
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((_MEAN,), (_STD,))])
    root = Path(os.environ.get("RAYSWEEPS_DATA") or "~/.cache/raysweeps").expanduser()
    return datasets.MNIST(root, train=True, download=False, transform=transform)
