"""Random forests on tables, for scikit-learn's classifier and regressor alike.

Each function returns a fresh dict to be spread into a space: `{"dataset": "california_housing", **forest.narrow()}`.
Probst, Wright and Boulesteix, "Hyperparameters and Tuning Strategies for Random Forest" (2019), find that the features
tried at a split matter most, then the size of the leaves, and that more trees are never worse, only slower.
"""

from __future__ import annotations

from typing import Any

from ray import tune


def narrow() -> dict[str, Any]:
    """The two that matter most, with 100 trees: for 10 to 30 trials.

    `max_features` is the fraction of the features tried at each split, `min_samples_leaf` the fewest rows of a leaf, on
    a log scale.
    """
    return {
        "n_estimators": 100,
        "max_features": tune.uniform(0.1, 1.0),
        "min_samples_leaf": tune.lograndint(1, 21),
    }


def wide() -> dict[str, Any]:
    """Trees, depth, leaves and features, for 50 trials and more.

    `n_estimators` from 50 to 500 trees on a log scale, because the noise falls with the root of their number;
    `max_depth` in levels, or None for trees that grow until their leaves are pure; `min_samples_leaf` from 1 to 50
    rows; `max_features` a fraction of the features.
    """
    return {
        "n_estimators": tune.lograndint(50, 501),
        "max_depth": tune.choice([None, 4, 8, 16, 32]),
        "max_features": tune.uniform(0.1, 1.0),
        "min_samples_leaf": tune.lograndint(1, 51),
    }
