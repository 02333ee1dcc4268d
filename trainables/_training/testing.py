"""What the network of a checkpoint is worth on the test part: measured as the validation part is while it trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from trainables._training.measuring import measured, precision_of
from trainables._training.randomness import INITIALIZATION, random_state_of
from trainables._training.records import over_folds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn

    from trainables._training.data.part import Part, TrainingData
    from trainables._training.learner import Step
    from trainables._training.measuring import Score
    from trainables._training.trainable import SavedEpoch


def test_supervised(
    *,
    saved: SavedEpoch,
    data: TrainingData | Sequence[TrainingData],
    test: Part | Sequence[Part],
    model: Callable[[TrainingData], nn.Module],
    loss: Score,
    scores: Mapping[str, Score],
    errors: Mapping[str, Score] | None = None,  # noqa: PT028 - pytest never sees this function
    step: Step | None = None,  # noqa: PT028
) -> dict[str, float]:
    """Measure what `train_supervised` has saved on the test part, on CUDA where there is one, else on the CPU.

    The result has `test_` of the loss and of each score and error. With folds it is the mean over them, each fold's
    network being measured on the test rows as that fold's training part prepares them. Asked again, it is the same to
    the bit; the global random state stays as it was.

    Raises:
        ValueError: The weights are of another network than `model` makes now.

    Args:
        saved: The checkpoint.
        data: What it was trained with: for the shape of the network.
        test: The test part, prepared like the training part; or once for each fold.
        model: As for `train_supervised`, like everything below.
        loss: Mean loss of (outputs, targets).
        scores: Other metrics of (outputs, targets), by name.
        errors: More of them.
        step: Of which the precision counts.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    precision = precision_of(device) if step and step.mixed_precision else None
    measures = {"loss": loss, **scores, **(errors or {})}
    state = saved.state(device)
    folds = data if isinstance(data, Sequence) else [data]
    parts = test if isinstance(test, Sequence) else [test]
    results = []
    for of_fold, part, learnt in zip(folds, parts, state.get("folds", [state]), strict=True):
        with random_state_of(0, INITIALIZATION, device):  # a network may draw when it is made, and when it answers
            network = model(of_fold).to(device)
            give_weights(network, learnt["model"])
            network.eval()
            results.append(measured(network, part.to(device), measures, device, precision))
    return {f"test_{name}": value for name, value in over_folds(results).items()}


def give_weights(network: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Load what a checkpoint has learnt into the network of its configuration.

    Raises:
        ValueError: They are of another network; says what to do.
    """
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        differing = " ".join(str(error).split()).rstrip(".")  # a fault is one line
        message = (
            f"the checkpoint holds the weights of another network than the configuration makes now: {differing}. Put "
            "the code of the network back as it was when it was trained"
        )
        raise ValueError(message) from error
