"""A fitted forest of scikit-learn as plain tensors, which a checkpoint keeps and torch alone can read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Mapping


def forest_state(forest: Any, *, classes: int | None) -> Mapping[str, torch.Tensor]:
    """Return the trees of a fitted `RandomForestRegressor` or `RandomForestClassifier`, all behind each other.

    A row begins at a tree's root and goes left where its number, in float32, is at most the threshold, in float64; a
    missing one goes where `missing_left` says. The forest's answer is the sum of its leaves' values, tree by tree,
    divided by the number of trees: what `predict` of a regressor and `predict_proba` of a classifier give, to the bit.

    * `roots`: int64, (trees,): node of each tree's root.
    * `feature`: int64, (nodes,): the column that is compared; negative in a leaf.
    * `threshold`: float64, (nodes,).
    * `left`, `right`: int64, (nodes,): the node that comes next; a leaf itself in a leaf.
    * `missing_left`: bool, (nodes,).
    * `value`: float64, (nodes, outputs): the mean of the targets, or the fraction of each class.

    Args:
        forest: Fitted, with one target.
        classes: Number of classes, of which the forest may have seen fewer; None for a regressor.
    """
    trees = [estimator.tree_ for estimator in forest.estimators_]
    counts = [tree.node_count for tree in trees]
    roots = np.cumsum([0, *counts[:-1]], dtype=np.int64)
    nodes = np.arange(sum(counts))
    seen = np.concatenate([tree.value[:, 0, :] for tree in trees])
    value = seen
    if classes is not None:
        value = np.zeros((len(nodes), classes))
        value[:, forest.classes_] = seen

    def following(name: str) -> np.ndarray[Any, Any]:
        children = [getattr(tree, name) for tree in trees]
        flat = np.concatenate([np.where(of >= 0, of + root, -1) for of, root in zip(children, roots, strict=True)])
        return np.where(flat >= 0, flat, nodes)

    arrays = {
        "roots": roots,
        "feature": np.concatenate([tree.feature for tree in trees]).astype(np.int64),
        "threshold": np.concatenate([tree.threshold for tree in trees]),
        "left": following("children_left"),
        "right": following("children_right"),
        "missing_left": np.concatenate([tree.missing_go_to_left for tree in trees]).astype(bool),
        "value": value,
    }
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
