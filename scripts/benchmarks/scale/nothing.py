"""What does a trial cost that does nothing? It waits for some seconds and reports a number."""

import time
from typing import Any

from ray import tune

from experiments import FIFO, Experiment, Random


def wait(config: dict[str, Any]) -> None:
    """Wait, and report what was drawn: a plain Ray function, the same for both who are compared."""
    time.sleep(config["seconds"])
    tune.report({"loss": config["x"]})


experiment = Experiment(
    trainable=wait,
    space={"seconds": 0.0, "x": tune.uniform(0.0, 1.0)},
    metric="loss",
    mode="min",
    search=Random(),
    scheduler=FIFO(),
    num_trials=100,
    epochs=1,
    cpus_per_trial=0.125,
    gpus_per_trial=0,
)
