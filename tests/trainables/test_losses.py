"""Losses and scores give what their formulas say."""

from __future__ import annotations

import math

import pytest
import torch
from sklearn import metrics

from trainables import (
    accuracy,
    cross_entropy,
    mean_absolute_error,
    mean_squared_error,
    r2,
    root_mean_squared_error,
    smoothed_cross_entropy,
)

OUTPUTS = torch.tensor([[1.0], [2.0], [4.0], [8.0]])
TARGETS = torch.tensor([1.0, 3.0, 2.0, 8.0])


def test_errors_of_a_regression() -> None:
    """Errors 0, -1, 2, 0: their squares, absolute values and root, by hand; rows never meet other rows."""
    assert mean_squared_error(OUTPUTS, TARGETS).item() == 5 / 4
    assert mean_absolute_error(OUTPUTS, TARGETS).item() == 3 / 4
    assert root_mean_squared_error(OUTPUTS, TARGETS).item() == pytest.approx(math.sqrt(5 / 4))


def test_r2_is_scikit_learns() -> None:
    """R2 equals scikit-learn's, for targets that are all the same too."""
    cases = [(OUTPUTS, TARGETS), (OUTPUTS, torch.full((4,), 2.0)), (torch.full((4, 1), 2.0), torch.full((4,), 2.0))]
    for outputs, targets in cases:
        expected = metrics.r2_score(targets.numpy(), outputs.squeeze(1).numpy())
        assert r2(outputs, targets).item() == pytest.approx(expected)


@pytest.mark.parametrize("loss", [mean_squared_error, mean_absolute_error, root_mean_squared_error])
def test_targets_in_float64(loss: object) -> None:
    """A table's targets stay in float64, and the gradient reaches float32 outputs."""
    outputs = OUTPUTS.clone().requires_grad_()
    value = loss(outputs, TARGETS.double())  # type: ignore[operator]
    value.backward()
    assert value.dtype == torch.float64
    assert outputs.grad is not None
    assert outputs.grad.dtype == torch.float32


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
def test_smoothed_labels_by_hand(smoothing: float) -> None:
    """The class weighs 1 - e + e / classes, each other class e / classes."""
    logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 1.0, 3.0]], dtype=torch.float64)
    classes = torch.tensor([0, 1])
    weights = torch.full((2, 3), smoothing / 3, dtype=torch.float64)
    weights[[0, 1], classes] += 1 - smoothing
    by_hand = -(weights * logits.log_softmax(dim=1)).sum(dim=1).mean()
    assert smoothed_cross_entropy(smoothing)(logits, classes).item() == pytest.approx(by_hand.item(), abs=1e-12)


def test_without_smoothing_it_is_the_cross_entropy() -> None:
    """No smoothing changes no bit."""
    logits, classes = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 1, 0])
    assert torch.equal(smoothed_cross_entropy(0)(logits, classes), cross_entropy(logits, classes))


def test_accuracy() -> None:
    """The fraction of rows whose largest output is that of their class."""
    assert accuracy(torch.eye(4), torch.tensor([0, 1, 2, 0])).item() == 0.75
