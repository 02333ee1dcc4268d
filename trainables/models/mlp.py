"""A multilayer perceptron, with batch normalization and dropout where asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from trainables.models.activations import activation_layer

if TYPE_CHECKING:
    from collections.abc import Sequence


def mlp(
    features: int,
    outputs: int,
    *,
    layers: Sequence[int],
    activation: str = "relu",
    dropout: float = 0.0,
    batch_norm: bool = False,
    batch_norm_momentum: float = 0.1,
) -> nn.Module:
    """Return a multilayer perceptron: (rows, ...) with `features` numbers in a row -> (rows, outputs).

    The initial weights come from torch's global random state, which the loop seeds and restores.

    Args:
        features: Numbers in one input, after flattening.
        outputs: Numbers in one output (logits of the classes).
        layers: Units of each hidden layer; empty gives a linear model.
        activation: Name of the nonlinearity after each hidden layer.
        dropout: Probability that a hidden unit is zeroed while training, in [0, 1).
        batch_norm: Whether each hidden layer is normalized over the batch, before its nonlinearity (Ioffe and Szegedy,
            "Batch Normalization", 2015).
        batch_norm_momentum: Weight of the newest batch in the running means and variances, in (0, 1].
    """
    modules: list[nn.Module] = [nn.Flatten()]
    width = features
    for units in layers:
        # batch normalization takes the mean away, and a bias with it
        modules.append(nn.Linear(width, units, bias=not batch_norm))
        if batch_norm:
            modules.append(nn.BatchNorm1d(units, momentum=batch_norm_momentum))
        modules.append(activation_layer(activation))
        if dropout > 0:
            modules.append(nn.Dropout(dropout))
        width = units
    return nn.Sequential(*modules, nn.Linear(width, outputs))
