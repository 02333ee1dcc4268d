"""Where is the lowest well? A made-up landscape with good, bad, diverging and failing trials."""

import math
import time
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, Field
from ray import tune

from experiments import ASHA, Experiment, HyperOpt
from trainables import Trainable


class WellConfig(BaseModel):
    """A place in the landscape."""

    x: float = 0.0
    kind: str = "deep"
    epochs: int = Field(default=1, ge=1)
    seed: int = 0
    pause_s: float = 0.0


def train(config: WellConfig, checkpoints: Any) -> Iterator[dict[str, Any]]:
    """Falls towards the place's depth; resumable, the same numbers each time."""
    saved = checkpoints.newest()
    if saved:
        yield saved.record
    for epoch in range(saved.record["epoch"] + 1 if saved else 1, config.epochs + 1):
        if epoch == 2 and config.x > 0.95:
            raise ValueError("out of the landscape")
        time.sleep(config.pause_s)
        depth = math.nan if epoch == 2 and config.x > 0.85 else abs(config.x - 0.3) + 1 / epoch
        record = {"epoch": epoch, "loss": depth + (0.5 if config.kind == "shallow" else 0.0)}
        checkpoints.save(epoch, record, {"place": [config.x] * 3})
        yield record


experiment = Experiment(
    trainable=Trainable(name="wells", config_type=WellConfig, train=train, metrics={"loss": "depth"}),
    space={"x": tune.uniform(0.0, 1.0), "kind": tune.choice(["deep", "shallow"])},
    metric="loss",
    mode="min",
    search=HyperOpt(n_initial_points=4),
    scheduler=ASHA(grace_epochs=1, reduction_factor=2),
    num_trials=8,
    epochs=4,
    require=lambda config: config["x"] > 0.01,
    start_points=[{"x": 0.97}, {"x": 0.9, "kind": "deep"}],
)
