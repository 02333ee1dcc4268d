"""An epoch of a 784-128-10 MLP on MNIST: slices of images in shared memory against the usual DataLoader.

Batches of 64, Adam, one thread. An epoch is what a trial reports: one pass over 50,000 training images with a step per
batch, then validation on 10,000 others; apart from that, the training images alone without any step; and the memory
that the data takes in each further trial process of a node.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

from trainables import image_classifier, missing_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

EPOCH_TARGET, DATA_TARGET = 10.0, 60.0
"""How many times faster a whole epoch, and the data alone, must be."""

MEMORY_TARGET_MB = 10.0
"""What the data may take in each further trial process."""


def run(repetitions: int) -> int:
    """Print seconds, megabytes and ratios; return 0 when all targets are reached, 1 when not, 2 without MNIST."""
    faults = missing_data("mnist")
    if faults:
        print(faults[0], file=sys.stderr)
        return 2
    import torch

    from scripts.benchmarks.memory import further_trial_megabytes
    from scripts.benchmarks.usual import BATCH_SIZE, usual_epoch, usual_training_loader
    from trainables import load_images

    torch.set_num_threads(1)
    loader, data = usual_training_loader(), load_images("mnist")
    generator = torch.Generator().manual_seed(0)
    print(f"MNIST, batches of {BATCH_SIZE}, MLP 784-128-10, Adam, one thread; median of {repetitions}")
    data_ratio = _compare(
        "data alone",
        repetitions,
        usual=lambda: _exhaust(loader),
        ours=lambda: _exhaust(data.training.shuffled(BATCH_SIZE, generator)),
    )
    our_epochs = _our_epochs(repetitions)
    epoch_ratio = _compare(
        "whole epoch", repetitions, usual=usual_epoch(loader), ours=lambda: next(our_epochs)["val_loss"]
    )
    megabytes = {kind: further_trial_megabytes(kind) for kind in ("DataLoader", "raysweeps")}
    for kind, size in megabytes.items():
        print(f"  data in each further trial process, {kind}: {size:.1f} MB")
    reached = [
        _verdict(f"whole epoch {epoch_ratio:.1f} times faster", epoch_ratio >= EPOCH_TARGET, f"{EPOCH_TARGET:.0f}"),
        _verdict(f"data alone {data_ratio:.0f} times faster", data_ratio >= DATA_TARGET, f"{DATA_TARGET:.0f}"),
        _verdict(
            f"{megabytes['raysweeps']:.1f} MB in each further trial",
            megabytes["raysweeps"] < MEMORY_TARGET_MB,
            f"below {MEMORY_TARGET_MB:.0f}",
        ),
    ]
    return 0 if all(reached) else 1


def _verdict(what: str, is_reached: bool, target: str) -> bool:
    print(f"{what} (target {target}): {'reached' if is_reached else 'MISSED'}")
    return is_reached


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


def _our_epochs(epochs: int) -> Any:
    """Return the records of the package's own trainable."""
    config = {"dataset": "mnist", "hidden_layers": 1, "hidden_units": 128, "optimizer": "adam", "lr": 1e-3}
    return image_classifier.epochs(config | {"batch_size": 64, "epochs": epochs})


def _exhaust(batches: Iterable[object]) -> None:
    for _ in batches:
        pass
