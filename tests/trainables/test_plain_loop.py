"""The loop trains as the usual PyTorch loop does on the same batches."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn, optim

from trainables import Examples, TrainingData, image_classifier, load_images
from trainables._training.randomness import INITIALIZATION, random_state_of

EPOCHS, SEED, BATCH_SIZE, LR = 2, 7, 64, 0.005


def _whole(data: TrainingData) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Give all images and classes of the training and the validation part, normalized as a tutorial does it."""
    training, validation = (
        (examples.inputs[examples.rows].double(), examples.targets[examples.rows])
        for examples in (data.training, data.validation)
        if isinstance(examples, Examples)
    )
    mean, std = training[0].mean(), training[0].std(correction=0)
    return [((images - mean).div(std).float(), classes) for images, classes in (training, validation)]


def _plain_loop(dataset: str, make_optimizer: Any) -> list[tuple[float, float]]:
    """Train 128 hidden units as tutorials do; give validation loss and accuracy of each epoch."""
    data = load_images(dataset)
    (images, classes), validation = _whole(data)
    with random_state_of(SEED, INITIALIZATION, torch.device("cpu")):
        network = nn.Sequential(nn.Flatten(), nn.Linear(data.features, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = make_optimizer(network.parameters())
    criterion = nn.CrossEntropyLoss()
    results = []
    for epoch in range(1, EPOCHS + 1):
        with random_state_of(SEED, epoch, torch.device("cpu")) as generator:
            order = torch.randperm(len(classes), generator=generator)
        for start in range(0, len(order), BATCH_SIZE):
            rows = order[start : start + BATCH_SIZE]
            optimizer.zero_grad()
            criterion(network(images[rows]), classes[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            outputs = network(validation[0])
        accuracy = (outputs.argmax(1) == validation[1]).double().mean().item()
        results.append((criterion(outputs, validation[1]).item(), accuracy))
    return results


@pytest.mark.parametrize(
    ("name", "make_optimizer"),
    [
        ("sgd", lambda weights: optim.SGD(weights, lr=LR, momentum=0.8, weight_decay=1e-3)),
        ("adam", lambda weights: optim.Adam(weights, lr=LR, weight_decay=1e-3)),
        ("adamw", lambda weights: optim.AdamW(weights, lr=LR, weight_decay=1e-3)),
    ],
)
def test_agrees_with_a_plain_loop(name: str, make_optimizer: Any) -> None:
    """With the same initial weights and the same batches, a loop of the usual kind ends at the same numbers."""
    config = {"optimizer": name, "momentum": 0.8, "weight_decay": 1e-3, "lr": LR, "batch_size": BATCH_SIZE}
    records = list(image_classifier.epochs(config | {"epochs": EPOCHS, "seed": SEED}))
    for record, (loss, accuracy) in zip(records, _plain_loop("digits", make_optimizer), strict=True):
        assert record["val_loss"] == pytest.approx(loss, rel=1e-3)
        assert record["val_accuracy"] == pytest.approx(accuracy, abs=0.004)  # one image of 287
