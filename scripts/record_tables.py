"""Records real learning runs for `scripts/bench search`: `python scripts/record_tables.py [digits_mlp] [mnist_cnn]`.

Every configuration of a grid is trained once, on the CPU, by the package's own loop, and its validation loss and
accuracy after every epoch are kept. A call that was interrupted goes on where it stopped. The tables lie in
scripts/benchmarks/tables/; both take about half an hour on one core, and mnist_cnn needs MNIST.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import platform
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import trainables as parts
from trainables import ImageClassifierConfig, image_classifier, image_network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trainables import Record

FOLDER = Path(__file__).resolve().parent / "benchmarks" / "tables"
SUBSET_IMAGES = 2000
"""Training images and validation images of MNIST that are used: a whole epoch would take too long for a grid."""

_DIGITS = 5  # significant digits of what is kept
_SAVED_EVERY_S = 15.0


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A grid of configurations and how each is trained."""

    about: str
    grid: dict[str, list[Any]]
    """Hyperparameters and their values; the last one changes fastest in the table."""
    constants: dict[str, Any]
    """The rest of each configuration, `epochs` and seeds included."""
    train: Callable[[dict[str, Any]], Iterator[Record]]


def _log_spaced(lower: float, upper: float, count: int) -> list[float]:
    """Numbers in equal ratios, both ends included, with three significant digits."""
    ratio = (upper / lower) ** (1 / (count - 1))
    return [float(f"{lower * ratio**place:.3g}") for place in range(count)]


def _on_a_subset(config: dict[str, Any]) -> Iterator[Record]:
    """Train an image classifier on fewer images, drawn by seed 0; normalized as the whole training part is."""
    read = ImageClassifierConfig(**config)
    data = parts.load_images(read.dataset, split_seed=read.split_seed)
    return parts.train_supervised(
        data=replace(
            data,
            training=data.training.sample(SUBSET_IMAGES, seed=0),
            validation=data.validation.sample(SUBSET_IMAGES, seed=0),
        ),
        model=lambda of: image_network(read, of),
        loss=parts.cross_entropy,
        scores={"accuracy": parts.accuracy},
        optimizer=read.make_optimizer(),
        schedule=read.make_schedule(),
        step=read.make_step(),
        batch_size=read.batch_size,
        epochs=read.epochs,
        seed=read.seed,
    )


RECORDINGS = {
    "digits_mlp": Recording(
        about="MLP on handwritten digits (8x8) under Adam, 27 epochs, by trainables.image_classifier.epochs",
        grid={
            "lr": _log_spaced(1e-4, 1e-1, 8),
            "hidden_units": [16, 40, 100, 250],
            "hidden_layers": [1, 2, 3],
            "batch_size": [16, 64, 256],
            "dropout": [0.0, 0.25],
        },
        constants={"dataset": "digits", "model": "mlp", "optimizer": "adam", "epochs": 27, "seed": 0, "split_seed": 0},
        train=lambda config: iter(image_classifier.epochs(config)),
    ),
    "mnist_cnn": Recording(
        about=f"CNN of two blocks on {SUBSET_IMAGES:,} training images of MNIST, 9 epochs, validated on "
        f"{SUBSET_IMAGES:,} others, by trainables.train_supervised; pixels are normalized as the whole training "
        "part's are",
        grid={
            "optimizer": ["sgd", "adam"],
            "lr": _log_spaced(1e-4, 1e-1, 7),
            "conv_channels": [4, 8, 16],
            "batch_size": [16, 64, 256],
            "dropout": [0.0, 0.25],
        },
        constants={
            "dataset": "mnist",
            "model": "cnn",
            "conv_layers": 2,
            "hidden_layers": 1,
            "hidden_units": 32,
            "epochs": 9,
            "seed": 0,
            "split_seed": 0,
        },
        train=_on_a_subset,
    ),
}


def _rounded(value: float) -> float | None:
    """Few digits; None for a loss that is no number any more."""
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None


def _write(file: Path, recording: Recording, rows: list[dict[str, Any]]) -> None:
    """Write the table whole or not at all, one row a line."""
    import torch

    head = {
        "about": recording.about,
        "made_by": f"python scripts/record_tables.py {file.stem}",
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "grid": recording.grid,
        "constants": recording.constants,
    }
    lines = [f"{json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    body = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    temporary = file.with_suffix(".part")
    temporary.write_text("{\n" + "\n".join(lines) + f'\n"rows": [\n{body}\n]\n}}\n', encoding="utf-8")
    temporary.replace(file)


def record(name: str) -> None:
    """Train what the table still lacks, in the order of its grid."""
    recording, file = RECORDINGS[name], FOLDER / f"{name}.json"
    configs = list(itertools.product(*recording.grid.values()))
    rows: list[dict[str, Any]] = []
    if file.exists():
        kept = json.loads(file.read_text(encoding="utf-8"))
        if kept["grid"] != recording.grid or kept["constants"] != recording.constants:
            sys.exit(f"{file} was made with another grid; move it away, then call this again")
        rows = kept["rows"]
    started = saved = time.monotonic()
    there = len(rows)
    for done, values in enumerate(configs[there:], start=1):
        config = recording.constants | dict(zip(recording.grid, values, strict=True))
        epochs = list(recording.train(config))
        curves = {metric: [_rounded(each[metric]) for each in epochs] for metric in ("val_loss", "val_accuracy")}
        rows.append({"values": list(values), **curves})
        now = time.monotonic()
        left = (now - started) / done * (len(configs) - there - done)
        print(f"{name}: {there + done} of {len(configs)}, about {left:.0f} s left", file=sys.stderr, flush=True)
        if now - saved > _SAVED_EVERY_S or there + done == len(configs):
            _write(file, recording, rows)
            saved = now


def main() -> int:
    """Record the named tables, or all of them."""
    parser = argparse.ArgumentParser(prog="scripts/record_tables.py", description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"any of {', '.join(RECORDINGS)}; default: all")
    parser.add_argument("--data-dir", help="folder of the data sets (default: RAYSWEEPS_DATA or ~/.cache/raysweeps)")
    given = parser.parse_args()
    if given.data_dir:
        os.environ["RAYSWEEPS_DATA"] = given.data_dir
    if unknown := [name for name in given.tables if name not in RECORDINGS]:
        parser.error(f"no table is called {unknown[0]!r}; there are {', '.join(RECORDINGS)}")
    parts.limit_threads(1)
    for name in given.tables or RECORDINGS:
        record(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
