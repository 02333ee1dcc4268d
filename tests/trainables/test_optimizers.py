"""Each optimizer's rule, and everything a step does beside it, against the same step written by hand."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

import trainables as parts
from trainables import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LR, DECAY, MOMENTUM = 0.1, 0.01, 0.9


def sgd(weight: torch.Tensor, *, nesterov: bool = False) -> Iterator[torch.Tensor]:
    """Sutskever et al. (2013) as PyTorch has it: v = m v + g; the step is v, with Nesterov g + m v."""
    velocity: torch.Tensor | float = 0.0
    while True:
        gradient = (yield weight) + DECAY * weight
        velocity = MOMENTUM * velocity + gradient
        weight = weight - LR * (gradient + MOMENTUM * velocity if nesterov else velocity)


def rmsprop(weight: torch.Tensor) -> Iterator[torch.Tensor]:
    """With s = 0.99 s + 0.01 g^2; v = m v + g / (sqrt(s) + 1e-8): the step is v."""
    square: torch.Tensor | float = 0.0
    velocity: torch.Tensor | float = 0.0
    while True:
        gradient = (yield weight) + DECAY * weight
        square = 0.99 * square + 0.01 * gradient**2
        velocity = MOMENTUM * velocity + gradient / (square.sqrt() + 1e-8)
        weight = weight - LR * velocity


def adam(weight: torch.Tensor, *, decoupled: bool = False) -> Iterator[torch.Tensor]:
    """Algorithm 1 of Kingma and Ba (2015); decoupled as in Loshchilov and Hutter (2019)."""
    first: torch.Tensor | float = 0.0
    second: torch.Tensor | float = 0.0
    step = 0
    while True:
        gradient = yield weight
        step += 1
        if decoupled:
            weight = weight - LR * DECAY * weight
        else:
            gradient = gradient + DECAY * weight
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        weight = weight - LR * (first / (1 - 0.9**step)) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)


@pytest.mark.parametrize(
    ("name", "options", "rule"),
    [
        ("sgd", {}, sgd),
        ("sgd", {"nesterov": True}, lambda weight: sgd(weight, nesterov=True)),
        ("rmsprop", {}, rmsprop),
        ("adam", {}, adam),
        ("adamw", {}, lambda weight: adam(weight, decoupled=True)),
    ],
    ids=["sgd", "nesterov", "rmsprop", "adam", "adamw"],
)
def test_optimizer_follows_its_rule(name: str, options: dict[str, Any], rule: Any) -> None:
    """Four steps with random gradients move a weight as the rule of the paper does, weight decay included."""
    generator = torch.Generator().manual_seed(0)
    weight = nn.Parameter(torch.randn(5, 3, generator=generator))
    by_hand = rule(weight.detach().clone().double())
    next(by_hand)
    optimizer = parts.optimizer(name, momentum=MOMENTUM, weight_decay=DECAY, **options)([weight])
    optimizer.param_groups[0]["lr"] = LR
    for _ in range(4):
        weight.grad = torch.randn(5, 3, generator=generator)
        expected = by_hand.send(weight.grad.double())
        optimizer.step()
        torch.testing.assert_close(weight.detach().double(), expected, rtol=1e-5, atol=1e-6)


def images(rows: int = 12, *, size: int = 6, classes: int = 3) -> parts.TrainingData:
    """Return random grey images, the same for training and validation."""
    generator = torch.Generator().manual_seed(1)
    examples = parts.Examples(
        inputs=torch.randn(rows, 1, size, size, generator=generator),
        targets=torch.arange(rows) % classes,
        rows=torch.arange(rows),
        prepare=Unchanged(),
    )
    return parts.TrainingData(training=examples, validation=examples, classes=classes)


class Unchanged:
    """A change that changes nothing."""

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the inputs."""
        return inputs

    def to(self, _device: torch.device) -> Unchanged:
        """Return itself."""
        return self


def one_step(data: parts.TrainingData, make: Callable[[], nn.Module], **options: Any) -> tuple[nn.Module, nn.Module]:
    """Return a network before and after one step of the loop with all rows: one epoch of one batch."""
    made: list[nn.Module] = []

    def model(_data: parts.TrainingData) -> nn.Module:
        network = make()
        made.extend([copy.deepcopy(network), network])
        return network

    records = parts.train_supervised(
        data=data,
        model=model,
        loss=parts.cross_entropy,
        scores={},
        schedule=parts.constant(LR),
        batch_size=len(data.training),
        epochs=1,
        seed=0,
        **{"optimizer": parts.optimizer("sgd", momentum=0), **options},
    )
    next(iter(records))
    return made[0], made[1].cpu()


def stepped_by_hand(
    network: nn.Module, data: parts.TrainingData, *, smoothing: float = 0.0, l1: float = 0.0, clip: float | None = None
) -> list[torch.Tensor]:
    """Return the parameters after one step of gradient descent, in plain torch and double precision."""
    network = network.double()
    ((inputs, targets),) = data.training.in_order(len(data.training))
    log_probabilities = network(inputs.double()).log_softmax(1)
    classes = log_probabilities.shape[1]
    share = nn.functional.one_hot(targets, classes) * (1 - smoothing) + smoothing / classes
    loss = -(share * log_probabilities).sum(1).mean()
    weights = [parameter for name, parameter in network.named_parameters() if name.endswith("weight")]
    loss = loss + l1 * sum(weight.abs().sum() for weight in weights)
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    length = torch.cat([gradient.flatten() for gradient in gradients]).norm()
    scale = 1.0 if clip is None or length <= clip else clip / length
    return [
        (parameter - LR * scale * gradient).detach()
        for parameter, gradient in zip(network.parameters(), gradients, strict=True)
    ]


@pytest.mark.parametrize(
    ("options", "by_hand"),
    [
        ({}, {}),
        ({"step": Step(l1=0.01)}, {"l1": 0.01}),
        ({"objective": lambda _data: parts.smoothed_cross_entropy(0.2)}, {"smoothing": 0.2}),
        ({"step": Step(gradient_clip=0.05)}, {"clip": 0.05}),
        ({"step": Step(gradient_clip=1e3)}, {}),
        (
            {"step": Step(l1=0.01, gradient_clip=0.05), "objective": lambda _data: parts.smoothed_cross_entropy(0.2)},
            {"l1": 0.01, "smoothing": 0.2, "clip": 0.05},
        ),
    ],
    ids=["plain", "l1", "label_smoothing", "gradient_clip", "gradient_clip-unreached", "all"],
)
@pytest.mark.parametrize("network", ["mlp", "cnn"])
def test_a_step_equals_one_written_by_hand(network: str, options: dict[str, Any], by_hand: dict[str, Any]) -> None:
    """L1 (weights, not biases), label smoothing and clipping, alone and together, move every parameter right."""
    data = images()
    make = {
        "mlp": lambda: parts.mlp(36, 3, layers=[7], activation="tanh"),
        "cnn": lambda: parts.cnn((1, 6, 6), 3, channels=[4, 5], layers=[6], activation="gelu"),
    }[network]
    before, after = one_step(data, make, **options)
    expected = stepped_by_hand(before, data, **by_hand)
    for parameter, value in zip(after.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.detach().double(), value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("momentum", [0.1, 0.7, 1.0])
@pytest.mark.parametrize("network", ["mlp", "cnn"])
def test_momentum_of_batch_normalization(network: str, momentum: float) -> None:
    """After one step a running mean is m times the batch's, a running variance 1 - m plus m times the unbiased one."""
    data = images()
    norm = {"batch_norm": True, "batch_norm_momentum": momentum}
    make = {
        "mlp": lambda: parts.mlp(36, 3, layers=[7], **norm),
        "cnn": lambda: parts.cnn((1, 6, 6), 3, channels=[4], layers=[], **norm),
    }[network]
    before, after = one_step(data, make)
    ((inputs, _),) = data.training.in_order(len(data.training))
    place = next(at for at, layer in enumerate(after) if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d))
    hidden = before[:place](inputs).detach().transpose(0, 1).flatten(1)  # a Sequential: (units, the rest)
    torch.testing.assert_close(after[place].running_mean, momentum * hidden.mean(1))
    torch.testing.assert_close(after[place].running_var, 1 - momentum + momentum * hidden.var(1, correction=1))


def test_validation_leaves_batch_normalization_alone() -> None:
    """One step of training counts one batch, whatever was validated after it."""
    _, after = one_step(images(), lambda: parts.mlp(36, 3, layers=[7], batch_norm=True))
    (norm,) = (layer for layer in after.modules() if isinstance(layer, nn.BatchNorm1d))
    assert norm.num_batches_tracked == 1
