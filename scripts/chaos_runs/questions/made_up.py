"""Made up: each epoch's loss follows from the one before, so that one left out or done twice changes all later ones."""

import time
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from ray import tune

from experiments import ASHA, Experiment, HyperOpt
from scripts.chaos_runs.witness import witnessed
from trainables import Checkpoints, Record, Trainable


class Config(BaseModel):
    """What is made up of what."""

    x: float = 0.0
    y: float = 1.0
    state_numbers: int = 0
    """Numbers in the state of a checkpoint; 0 saves no state, and all is in the record."""
    epoch_s: float = 0.06
    epochs: int = 1
    seed: int = 0


def train(config: Config, checkpoints: Checkpoints | None) -> Iterator[Record]:
    """Wanders deterministically, from where the newest checkpoint has left it."""
    saved = checkpoints.newest() if checkpoints else None
    wander, last = 0.1 + config.seed % 1000 / 2000, 0
    if saved is not None:
        wander, last = _restored(config, saved), saved.record["epoch"]
        yield saved.record
    for epoch in range(last + 1, config.epochs + 1):
        time.sleep(config.epoch_s)
        wander = 3.7 * wander * (1 - wander)
        loss = (config.x - 0.3) ** 2 + abs(config.y - 2) + (1 + wander) / epoch
        record = {"epoch": epoch, "loss": loss, "wander": wander}
        if checkpoints:
            checkpoints.save(epoch, record, {"wander": _tensor(wander, config)} if config.state_numbers else None)
        yield record


def _restored(config: Config, saved: Any) -> float:
    return float(saved.state()["wander"][0]) if config.state_numbers else float(saved.record["wander"])


def _tensor(wander: float, config: Config) -> Any:
    import torch

    return torch.full((config.state_numbers,), wander, dtype=torch.float64)


experiment = Experiment(
    trainable=witnessed(
        Trainable(
            name="made_up",
            config_type=Config,
            train=train,
            metrics={"loss": "made up", "wander": "where it is"},
        )
    ),
    space={"x": tune.uniform(0, 1), "y": tune.loguniform(0.1, 10)},
    metric="loss",
    mode="min",
    search=HyperOpt(n_initial_points=4),
    scheduler=ASHA(grace_epochs=1, reduction_factor=3),
    num_trials=16,
    epochs=9,
)
