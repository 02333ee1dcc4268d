"""Sweeps to report on, written as a driver would have: what won, what was stopped where and what failed is known."""

import math
import random
from pathlib import Path
from typing import Any

from experiments._sweep.ledger.files import LEDGER, LedgerWriter
from experiments._sweep.ledger.records import (
    Answered,
    DriverEnded,
    DriverStarted,
    EpochReported,
    Record,
    SegmentStarted,
    SweepOpened,
    TrialEnded,
    TrialProposed,
)
from experiments._sweep.sweep import Sweep

EPOCHS = 9
RUNG = 3
ASKS: dict[str, Any] = {
    "trainable": "image_classifier",
    "metric": "val_loss",
    "mode": "min",
    "counts": "best",
    "space": {
        "dataset": {"constant": "digits"},
        "lr": {"loguniform": [1e-4, 1.0]},
        "hidden_units": {"lograndint": [8, 257]},
        "activation": {"choice": [["relu", "tanh"]]},
        "optimizer": {
            "choice": [
                [
                    {"name": {"constant": "sgd"}, "momentum": {"uniform": [0.0, 0.99]}},
                    {"name": {"constant": "adam"}},
                ]
            ]
        },
        "warmup_epochs": {"randint": [0, 4]},
    },
    "search": {"name": "Random"},
    "scheduler": {"name": "ASHA", "grace_epochs": RUNG, "reduction_factor": 3},
    "epochs": EPOCHS,
    "cpus_per_trial": 1,
    "gpus_per_trial": 0,
    "seed": 7,
    "require": None,
    "start_points": [],
    "target": None,
    "patience_trials": None,
}


def reportable(folder: Path, *, trials: int = 24, seed: int = 0, offset: float = 0.0, **asks: Any) -> Path:
    """Writes a sweep whose loss is least at a learning rate of 0.01; every eighth trial fails, some are stopped.

    Args:
        folder: Where; made.
        trials: How many.
        seed: Of the configurations.
        offset: Added to every loss.
        **asks: What it asks otherwise.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True)
    writer = LedgerWriter(folder / LEDGER)
    asked = {**ASKS, "num_trials": trials, **asks}
    opened = SweepOpened(
        schema=2,
        name=folder.name,
        question="How large must a network be?",
        source={"kind": "shipped", "name": "digits_mlp"},
        overrides={},
        asks=asked,
        versions={"python": "3.11.7", "torch": "2.14.1"},
        code={"trainables/model.py": "0123456789abcdef"},
        at=1_700_000_000.0,
    )
    begun = DriverStarted(driver=1, host="node1", pid=1, at=1_700_000_000.0)
    drawn = random.Random(seed)  # noqa: S311 - configurations, no secrets
    found = [record for n in range(trials) for record in _trial(n, drawn, offset)]
    end = DriverEnded(driver=1, reason="finished", t=trials * 4.0 + 40, at=1_700_000_100.0)
    writer.append([opened, begun, *found, end])
    writer.close()
    return folder


def _trial(n: int, drawn: random.Random, offset: float) -> list[Record]:
    lr = 10 ** drawn.uniform(-4, 0)
    optimizer = {"name": "sgd", "momentum": drawn.random() * 0.99} if n % 2 else {"name": "adam"}
    config = {"dataset": "digits", "lr": lr, "hidden_units": drawn.randint(8, 256), "optimizer": optimizer}
    config |= {"activation": drawn.choice(["relu", "tanh"]), "warmup_epochs": drawn.randint(0, 3), "seed": n}
    begun = n * 4.0
    records: list[Record] = [
        TrialProposed(trial=n, config=config, origin="random", made_at=1, t=begun),
        SegmentStarted(trial=n, segment=1, t=begun),
    ]
    if n % 8 == 5:
        traceback = "Traceback (most recent call last):\nRuntimeError: no room"
        ended = TrialEnded(trial=n, ending="error", why="RuntimeError: no room", traceback=traceback, t=begun + 1)
        return [*records, ended]
    level = 0.02 + offset + 0.3 * (math.log10(lr) + 2) ** 2
    for epoch in range(1, EPOCHS + 1):
        metrics = {"epoch": epoch, "val_loss": level + 1.0 / epoch**2, "val_accuracy": 1 / (1 + level)}
        stopped = epoch == RUNG and level > 0.3
        more: dict[str, Any] = {}
        if epoch == RUNG:
            more["rung"] = {"epoch": RUNG, "rank": 3 if stopped else 1, "of": 3, "cutoff": 0.4, "ahead": [0]}
        if stopped:
            more |= {"action": "stop", "ending": "stopped", "why": "rank 3 of 3 at rung 3, cut-off 0.4"}
        elif epoch == EPOCHS:
            more |= {"action": "stop", "ending": "completed", "why": f"trained its budget of {EPOCHS} epochs"}
        given = {"action": "continue", **more}
        records.append(EpochReported(trial=n, segment=1, epoch=epoch, metrics=metrics, t=begun + epoch * 3, **given))
        if stopped:
            break
    return records


def confirmed(folder: Path, *, mean: float = 0.05, **changes: Any) -> Path:
    """Writes a confirmation of a sweep, with an answer: trial 2 first, the defaults behind it.

    Args:
        folder: The sweep's.
        mean: What trial 2 scores.
        **changes: What its answer has otherwise.

    Returns:
        The sweep's folder.
    """
    below = folder / "confirm-1"
    below.mkdir()
    config = Sweep(folder).history.trials[2].config
    configurations = [
        candidate("trial 2", 2, mean, config),
        candidate("defaults", None, mean + 0.1, {"lr": 0.001, "activation": "relu"}),
    ]
    answer = {
        "sweep": folder.name,
        "number": 1,
        "on": "test",
        "metric": "test_loss",
        "searched_metric": "val_loss",
        "mode": "min",
        "seeds": 3,
        "splits": True,
        "configurations": configurations,
        "searched_winner": "trial 2",
        "winner": "trial 2",
        "verdict": "first",
        "notes": ["3 seeds are few"],
        "gain_over_defaults": {"mean": 0.1, "low": 0.08, "high": 0.12, "tied": False, "method": "paired t"},
        "answer": f"trial 2 promised 0.0400, confirmed {mean} +- 0.010; ahead of the defaults by 0.1 +- 0.02.",
        **changes,
    }
    derived = {"kind": "confirmation", "number": 1, "candidates": [], "seeds": [], "notes": [], "test_metric": None}
    opened = SweepOpened(
        schema=2,
        name="confirm-1",
        question="",
        source={"kind": "shipped", "name": "digits_mlp"},
        overrides={},
        asks={**ASKS, "num_trials": 6},
        versions={},
        derived=derived,
        at=1_700_000_200.0,
    )
    writer = LedgerWriter(below / LEDGER)
    end = DriverEnded(driver=1, reason="finished", t=9.0, at=1_700_000_300.0)
    writer.append([opened, Answered(answer=answer, t=8.0), end])
    writer.close()
    return folder


def candidate(label: str, trial: int | None, mean: float, config: dict[str, Any]) -> dict[str, Any]:
    """Gives what an answer says of one configuration."""
    difference = {"mean": 0.1, "low": 0.08, "high": 0.12, "tied": False, "method": "paired t"}
    return {
        "label": label,
        "trial": trial,
        "config": config,
        "mean": mean,
        "sd": 0.004,
        "low": mean - 0.01,
        "high": mean + 0.01,
        "values": [mean - 0.004, mean, mean + 0.004],
        "failed": 0,
        "promised": None if trial is None else 0.04,
        "selection_gap": None if trial is None else 0.04 - mean,
        "validation": mean,
        "luck": None,
        "difference": None if trial == 2 else difference,
        "tied": trial == 2,
        "epochs": [9, 9, 9],
        "others": {"test_accuracy": 0.9},
        "method": "t",
    }
