"""Networks. Each draws its initial weights from torch's global random state, which the loop seeds and restores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


def mlp(
    features: int, outputs: int, *, layers: Sequence[int], activation: str = "relu", dropout: float = 0.0
) -> nn.Module:
    """Return a multilayer perceptron: (rows, ...) with `features` numbers in a row -> (rows, outputs).

    Args:
        features: Numbers in one input, after flattening.
        outputs: Numbers in one output (logits of the classes).
        layers: Units of each hidden layer; empty gives a linear model.
        activation: Name of the nonlinearity after each hidden layer.
        dropout: Probability that a hidden unit is zeroed while training, in [0, 1).
    """
    modules: list[nn.Module] = [nn.Flatten()]
    width = features
    for units in layers:
        modules += [nn.Linear(width, units), _ACTIVATIONS[activation]()]
        if dropout > 0:
            modules.append(nn.Dropout(dropout))
        width = units
    return nn.Sequential(*modules, nn.Linear(width, outputs))
