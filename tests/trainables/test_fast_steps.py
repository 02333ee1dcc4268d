"""What makes a small step fast changes no number: batches prepared together, a direct step, no denormal numbers."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

import trainables as parts
from trainables import load_images
from trainables._training.data import examples
from trainables._training.denormals import is_flushing, without_denormals
from trainables._training.optimizers import direct_step

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("batch_size", [1, 7, 32, 101])
@pytest.mark.parametrize("numbers", [1, 64 * 100, 200_000])
def test_batches_prepared_together_are_those_prepared_alone(
    batch_size: int, numbers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the bit, in the same order; a last batch of one row joins the one before however many go together."""
    training = load_images("digits").training

    def batches() -> list[tuple[torch.Tensor, torch.Tensor]]:
        return list(training.shuffled(batch_size, torch.Generator().manual_seed(5)))

    monkeypatch.setattr(examples, "_NUMBERS_AT_ONCE", 0)
    alone = batches()
    monkeypatch.setattr(examples, "_NUMBERS_AT_ONCE", numbers)
    together = batches()
    assert [len(targets) for _, targets in together] == [len(targets) for _, targets in alone]
    for (inputs, targets), (other_inputs, other_targets) in zip(together, alone, strict=True):
        assert torch.equal(inputs, other_inputs) and torch.equal(targets, other_targets)
    assert sum(len(targets) for _, targets in together) == len(training)


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop"])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_a_direct_step_is_the_optimizers_own(name: str, weight_decay: float) -> None:
    """Weights and state to the bit, also where a parameter has no gradient for a while."""
    torch.manual_seed(1)
    networks = [nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))]
    networks.append(copy.deepcopy(networks[0]))
    make = parts.optimizer(name, weight_decay=weight_decay)
    theirs, ours = (make(network.parameters()) for network in networks)
    step = direct_step(ours)
    for number in range(6):
        inputs = torch.randn(8, 5)
        for network in networks:
            network.zero_grad()
            network(inputs).square().sum().backward()
            if name.startswith("adam") and number in {0, 3}:  # torch's fused SGD cannot do without one
                network[2].bias.grad = None
        theirs.step()
        step()
        _equal(networks[0].state_dict(), networks[1].state_dict())
        _equal(theirs.state_dict()["state"], ours.state_dict()["state"])


def test_a_direct_step_takes_the_hyperparameters_of_its_making() -> None:
    """The loop makes one for each epoch, after it has set the learning rate."""
    weights = [nn.Parameter(torch.ones(3)) for _ in range(2)]
    optimizers = [parts.optimizer("adam")([weight]) for weight in weights]
    for lr in (0.1, 0.01):
        for optimizer in optimizers:
            optimizer.param_groups[0]["lr"] = lr
        step = direct_step(optimizers[1])
        for weight in weights:
            weight.grad = torch.tensor([1.0, -2.0, 0.5])
        optimizers[0].step()
        step()
        assert torch.equal(*(weight.detach() for weight in weights))


def test_an_optimizer_of_somebody_elses_steps_as_it_does() -> None:
    """Its own `step` may do more than torch's."""

    class Other(torch.optim.Adam):
        pass

    optimizer = Other([nn.Parameter(torch.ones(3))], fused=True)
    assert direct_step(optimizer) == optimizer.step


def test_denormals_are_as_before_afterwards() -> None:
    """Counted as 0 while training, and by whoever runs the loop as ever; also where training fails."""
    before = is_flushing()
    with without_denormals():
        assert is_flushing()
        assert float(torch.full((16,), 1e-40).mul(2.0).sum()) == 0.0
    assert is_flushing() == before
    with pytest.raises(IndexError), without_denormals():
        [].pop()
    assert is_flushing() == before


def test_a_process_trains_and_saves_without_torchs_compiler(tmp_path: Path) -> None:
    """Whose import takes a second of each process that a trial has."""
    program = (
        "import sys\n"
        "from trainables import CheckpointFolder, image_classifier\n"
        "config = {'dataset': 'digits', 'epochs': 2, 'optimizer': 'adam'}\n"
        f"print(len(list(image_classifier.epochs(config, CheckpointFolder({str(tmp_path)!r})))))\n"
        "print('torch._dynamo' in sys.modules)\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["2", "False"]


def _equal(one: Any, other: Any) -> None:
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            _equal(one[key], other[key])
    else:
        assert torch.equal(one, other)
