"""The plain loop: torchvision's MNIST in a DataLoader, one configuration after another, as tutorials have it.

A process of its own, as a person would run it: `python -m scripts.benchmarks.mnist_random.plain INPUT OUTPUT`. INPUT is
JSON with `configs` and the rows of both parts, so that the split is the sweep's own.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Subset

from scripts.benchmarks.usual import usual_mnist

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_VALIDATION_BATCH = 1000


def train(
    config: Mapping[str, Any], data: Any, training: Sequence[int], validation: Sequence[int]
) -> Sequence[dict[str, Any]]:
    """Return for each epoch the validation accuracy and the seconds, on the clock and of the CPU, until its end."""
    torch.manual_seed(config["seed"])
    loader = DataLoader(Subset(data, training), batch_size=config["batch_size"], shuffle=True)
    held_out = DataLoader(Subset(data, validation), batch_size=_VALIDATION_BATCH)
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(network.parameters(), lr=config["lr"])
    begun, begun_cpu = time.perf_counter(), time.process_time()
    epochs: list[dict[str, Any]] = []
    for _ in range(config["epochs"]):
        for images, classes in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(images), classes).backward()
            optimizer.step()
        with torch.no_grad():
            correct = sum(int((network(images).argmax(dim=1) == classes).sum()) for images, classes in held_out)
        seconds = {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - begun_cpu}
        epochs.append({"accuracy": correct / len(validation), **seconds})
    return epochs


def main() -> None:
    """Train all configurations of the input, one after another."""
    torch.set_num_threads(1)
    given, output = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2])
    data = usual_mnist()
    made = [train(config, data, given["training"], given["validation"]) for config in given["configs"]]
    output.write_text(json.dumps(made), encoding="utf-8")


if __name__ == "__main__":
    main()
