"""The plain loop: hyperopt's `fmin` over scikit-learn's `cross_val_score`, one configuration after another.

A process of its own, as a person would run it: `python -m scripts.benchmarks.housing.plain SEED EVALUATIONS OUTPUT`.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from hyperopt import Trials, fmin, hp, tpe
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import KFold, cross_val_score

from trainables import read_table, test_split

FOLDS = 5


def search(*, seed: int, evaluations: int) -> list[dict[str, Any]]:
    """Return for each configuration its values, the loss of each of its folds, and the seconds that it took."""
    table = read_table("california_housing")
    development, _ = test_split(table, 0.2)
    inputs, targets = table.inputs[development], table.targets[development]
    folds = KFold(FOLDS, shuffle=True, random_state=0)
    made: list[dict[str, Any]] = []

    def loss(config: dict[str, Any]) -> float:
        start = time.perf_counter()
        forest = RandomForestRegressor(**config, random_state=seed)
        losses = -cross_val_score(forest, inputs, targets, cv=folds, scoring="neg_mean_squared_error")
        made.append({"config": config, "losses": losses.tolist(), "seconds": time.perf_counter() - start})
        return float(losses.mean())

    space = {
        "n_estimators": hp.uniformint("n_estimators", 10, 200),
        "max_depth": hp.uniformint("max_depth", 5, 50),
    }
    generator = np.random.default_rng(seed)
    fmin(loss, space, algo=tpe.suggest, max_evals=evaluations, trials=Trials(), rstate=generator, verbose=False)
    return made


if __name__ == "__main__":
    found = search(seed=int(sys.argv[1]), evaluations=int(sys.argv[2]))
    took = {"cpu": time.process_time(), "evaluations": found}
    Path(sys.argv[3]).write_text(json.dumps(took), encoding="utf-8")
