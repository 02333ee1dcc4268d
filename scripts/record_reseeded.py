"""Records what reseeding does to six configurations, for `scripts/bench confirm`: `python scripts/record_reseeded.py`.

Each configuration of an MLP on scikit-learn's digits is trained with 200 seeds, the same for all: seed s draws initial
weights and batches anew (`seed`) and splits training from validation rows anew (`split_seed`), as `sweep confirm` does.
Kept are the loss and the accuracy of the epoch with the lowest validation loss, on the validation and on the test part;
the test part is the same for all seeds. A call that was interrupted goes on where it stopped. About ten minutes on
one core.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import trainables as parts
from trainables import ImageClassifierConfig, image_classifier, image_network

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FILE = Path(__file__).resolve().parent / "benchmarks" / "tables" / "digits_reseeded.json"
SEEDS = 200
FIRST_SEED = 1000
"""No other recording or test uses the seeds from here on."""

CONSTANTS: dict[str, Any] = {"dataset": "digits", "model": "mlp", "epochs": 27}
CONFIGS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "adamw_deep": {
        "optimizer": "adamw",
        "lr": 0.003,
        "weight_decay": 0.01,
        "hidden_layers": 2,
        "hidden_units": 256,
        "activation": "gelu",
        "dropout": 0.4,
    },
    "adam_wide": {"lr": 0.00518, "hidden_units": 250, "dropout": 0.25},
    "adam_wide_too": {"lr": 0.005, "hidden_units": 200, "dropout": 0.3},
    "adam_small": {"lr": 0.0373, "hidden_units": 40},
    "adam_unstable": {"lr": 0.04, "hidden_layers": 3, "hidden_units": 40},
}
"""The defaults, a very good one, two good ones that are nearly equal, a middling one, a bad one."""
METRICS = ("val_loss", "val_accuracy", "test_loss", "test_accuracy")

_DIGITS = 5  # significant digits of what is kept
_SAVED_EVERY_S = 15.0


class BestWeights:
    """The weights of the epoch with the lowest validation loss, kept in memory where checkpoints would be."""

    data: str | None = None

    def __init__(self) -> None:
        """Begin without any."""
        self.record: dict[str, Any] = {}
        self.model: dict[str, Any] = {}

    def newest(self) -> None:
        """Return nothing to continue from: each run begins anew."""

    def save(self, epoch: int, record: Mapping[str, Any], state: Mapping[str, Any]) -> None:
        """Keep the epoch if it is the best so far."""
        if record["best_val_loss_epoch"] == epoch:
            self.record = dict(record)
            self.model = {name: tensor.clone() for name, tensor in state["model"].items()}


def reseeded(config: Mapping[str, Any], seed: int) -> list[float | None]:
    """Train once; return the metrics of the best epoch, in the order of METRICS."""
    read = ImageClassifierConfig(**CONSTANTS, **config, seed=seed, split_seed=seed)
    best = BestWeights()
    for _ in image_classifier.epochs(read, best):
        pass
    data = parts.load_images(read.dataset, split_seed=read.split_seed)
    network = image_network(read, data)
    network.load_state_dict(best.model)
    tested = _tested(network, read)
    return [_rounded(value) for value in (best.record["val_loss"], best.record["val_accuracy"], *tested)]


def _tested(network: Any, config: ImageClassifierConfig) -> tuple[float, float]:
    """Return loss and accuracy on the test part."""
    import torch

    network.eval()
    with torch.inference_mode():
        part = parts.test_images(config.dataset, split_seed=config.split_seed)
        [(inputs, targets)] = part.in_order(len(part))
        outputs = network(inputs)
        return float(parts.cross_entropy(outputs, targets)), float(parts.accuracy(outputs, targets))


def _rounded(value: float) -> float | None:
    """Few digits; None for a loss that is no number any more."""
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None


def _write(rows: Sequence[Sequence[Any]]) -> None:
    """Write the table whole or not at all, one seed a line."""
    import torch

    head = {
        "about": f"MLP on handwritten digits, {CONSTANTS['epochs']} epochs, each configuration trained anew with each "
        "seed as `seed` and `split_seed`; the metrics of the epoch with the lowest val_loss",
        "made_by": "python scripts/record_reseeded.py",
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "constants": CONSTANTS,
        "configs": CONFIGS,
        "metrics": METRICS,
        "first_seed": FIRST_SEED,
    }
    lines = [f"{json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    body = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    temporary = FILE.with_suffix(".part")
    temporary.write_text("{\n" + "\n".join(lines) + f'\n"rows": [\n{body}\n]\n}}\n', encoding="utf-8")
    temporary.replace(FILE)


def record() -> None:
    """Train what the table still lacks: for each seed, all configurations."""
    rows: list[Any] = []
    if FILE.exists():
        kept = json.loads(FILE.read_text(encoding="utf-8"))
        if kept["configs"] != CONFIGS or kept["constants"] != CONSTANTS:
            sys.exit(f"{FILE} was made with other configurations; move it away, then call this again")
        rows = kept["rows"]
    started = saved = time.monotonic()
    there = len(rows)
    for done, seed in enumerate(range(FIRST_SEED + there, FIRST_SEED + SEEDS), start=1):
        rows.append([reseeded(config, seed) for config in CONFIGS.values()])
        now = time.monotonic()
        left = (now - started) / done * (SEEDS - there - done)
        print(f"{there + done} of {SEEDS} seeds, about {left:.0f} s left", file=sys.stderr, flush=True)
        if now - saved > _SAVED_EVERY_S or there + done == SEEDS:
            _write(rows)
            saved = now


def main() -> int:
    """Record the table, or what it still lacks."""
    argparse.ArgumentParser(prog="scripts/record_reseeded.py", description=__doc__.splitlines()[0]).parse_args()
    parts.limit_threads(1)
    record()
    return 0


if __name__ == "__main__":
    sys.exit(main())
