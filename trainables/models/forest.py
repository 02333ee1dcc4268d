"""A fitted forest of decision trees as a torch module: it predicts what scikit-learn does, without scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Mapping


class Forest(nn.Module):
    """Decision trees whose answers are averaged: rows (rows, columns) -> (rows, outputs), float64.

    From a node, a row goes left where its number in the node's column is at most the threshold, else right; a missing
    number (NaN) goes where the node says. A leaf leads to itself and holds the answer.
    """

    standalone = True  # this class needs nothing but torch, and its arguments are its attributes

    roots: torch.Tensor
    feature: torch.Tensor
    threshold: torch.Tensor
    left: torch.Tensor
    right: torch.Tensor
    missing_left: torch.Tensor
    value: torch.Tensor

    def __init__(self, *, trees: int, nodes: int, outputs: int, depth: int) -> None:
        super().__init__()
        self.trees, self.nodes, self.outputs, self.depth = trees, nodes, outputs, depth
        self.register_buffer("roots", torch.zeros(trees, dtype=torch.int64))
        self.register_buffer("feature", torch.zeros(nodes, dtype=torch.int64))
        self.register_buffer("threshold", torch.zeros(nodes, dtype=torch.float64))
        self.register_buffer("left", torch.zeros(nodes, dtype=torch.int64))
        self.register_buffer("right", torch.zeros(nodes, dtype=torch.int64))
        self.register_buffer("missing_left", torch.zeros(nodes, dtype=torch.bool))
        self.register_buffer("value", torch.zeros(nodes, outputs, dtype=torch.float64))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the mean of the trees' answers; trees are added in their order, so that the sum is always the same."""
        rows = rows.to(torch.float32)  # scikit-learn compares in single precision
        node = self.roots.repeat(len(rows), 1)
        for _ in range(self.depth):
            number = rows.gather(1, self.feature[node])
            goes_left = torch.where(number.isnan(), self.missing_left[node], number <= self.threshold[node])
            node = torch.where(goes_left, self.left[node], self.right[node])
        total = torch.zeros(len(rows), self.outputs, dtype=torch.float64, device=rows.device)
        for tree in range(self.trees):
            total += self.value[node[:, tree]]
        return total / self.trees


def forest_of(state: Mapping[str, torch.Tensor]) -> Forest:
    """Return the forest of a refit's state.

    Args:
        state: `roots` (trees,) and, for each node of all trees, `feature` (its column, negative in a leaf),
            `threshold`, `left` and `right` (indices of its children, of itself in a leaf), `missing_left` and `value`
            (nodes, outputs).
    """
    nodes, outputs = state["value"].shape
    depth, level = 0, state["roots"]
    while len(level := level[state["left"][level] != level]):
        level, depth = torch.cat([state["left"][level], state["right"][level]]), depth + 1
    forest = Forest(trees=len(state["roots"]), nodes=nodes, outputs=outputs, depth=depth)
    forest.load_state_dict({**state, "feature": state["feature"].clamp(min=0)})
    return forest.eval()
