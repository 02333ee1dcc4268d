"""Every public trainable keeps the contract: it is tested by being exported."""

from __future__ import annotations

import itertools
import pickle
import random
from typing import TYPE_CHECKING, Any, get_args

import cloudpickle
import numpy as np
import pytest
import torch

import trainables
from trainables import CheckpointFolder, ConfigurationError, Trainable

if TYPE_CHECKING:
    from pathlib import Path

EPOCHS = 4
TRAINABLES = [value for name in trainables.__all__ if isinstance(value := getattr(trainables, name), Trainable)]


def numbers(record: dict[str, Any]) -> dict[str, Any]:
    """Return what a record says apart from the time it took."""
    return {name: value for name, value in record.items() if name not in {"seconds", "samples_per_second"}}


def _cases() -> list[Any]:
    cases = []
    for trainable in TRAINABLES:
        field = trainable.config_type.model_fields.get("optimizer")
        for optimizer in get_args(field.annotation) if field else [None]:
            config = {"epochs": EPOCHS, "seed": 3} | ({"optimizer": optimizer} if optimizer else {})
            if "dropout" in trainable.config_type.model_fields:
                config |= {"dropout": 0.2}
            cases.append(pytest.param(trainable, config, id=f"{trainable.name}-{optimizer}"))
    return cases


every_trainable = pytest.mark.parametrize(("trainable", "config"), _cases())


@every_trainable
def test_epochs_are_numbered(trainable: Trainable[Any], config: dict[str, Any]) -> None:
    """A trainable yields as many records as its budget says, numbered from 1, with the metrics it declares."""
    records = list(trainable.epochs(config))
    assert [record["epoch"] for record in records] == list(range(1, EPOCHS + 1))
    assert all(set(record) == {"epoch", *trainable.metrics} for record in records)
    assert all(type(value) in {int, float} for record in records for value in record.values())


@every_trainable
def test_same_seed_gives_same_numbers(trainable: Trainable[Any], config: dict[str, Any]) -> None:
    """The seed of a configuration decides all its numbers, and another seed gives others."""
    first, second = ([numbers(record) for record in trainable.epochs(config)] for _ in range(2))
    assert first == second
    assert first != [numbers(record) for record in trainable.epochs(config | {"seed": 4})]


@every_trainable
@pytest.mark.parametrize("interruptions", [(1,), (2,), (3,), (4,), (1, 2, 3)], ids=str)
def test_interrupted_equals_uninterrupted(
    trainable: Trainable[Any], config: dict[str, Any], interruptions: tuple[int, ...], tmp_path: Path
) -> None:
    """Interrupted after any epoch and continued from its checkpoint, a trial gives the same numbers, bit by bit."""
    records: dict[int, dict[str, Any]] = {}
    for segment, stop in enumerate([*interruptions, EPOCHS], start=1):
        epochs = trainable.epochs(config, CheckpointFolder(tmp_path, segment=segment))
        for record in itertools.takewhile(lambda record, stop=stop: record["epoch"] <= stop, epochs):
            if record["epoch"] in records:  # the checkpoint's own record comes first, once
                assert record == records[record["epoch"]]
                assert record["epoch"] == max(records)
            records[record["epoch"]] = record
            if record["epoch"] == stop:
                break
    assert [numbers(record) for record in records.values()] == [numbers(record) for record in trainable.epochs(config)]


@every_trainable
def test_global_random_state_is_untouched(trainable: Trainable[Any], config: dict[str, Any]) -> None:
    """Training neither draws from nor changes the global random state of torch, numpy and Python."""

    def state() -> tuple[object, ...]:
        return (torch.get_rng_state().tolist(), str(np.random.get_state()), random.getstate())  # noqa: NPY002 - it is the point

    before = state()
    first = []
    for record in trainable.epochs(config):
        assert state() == before
        first.append(numbers(record))
    torch.rand(3), random.random(), np.random.default_rng()  # noqa: S311 - not for secrets
    assert first == [numbers(record) for record in trainable.epochs(config)]


@every_trainable
def test_unknown_key_is_refused(trainable: Trainable[Any], config: dict[str, Any]) -> None:
    """A key that a trainable does not take is refused at once, with what it takes."""
    with pytest.raises(ConfigurationError, match=f"^{trainable.name} has no 'no_such_key' \\(it takes .*epochs.*\\)"):
        trainable.epochs(config | {"no_such_key": 1})


@every_trainable
def test_pickles_small(trainable: Trainable[Any], config: dict[str, Any]) -> None:
    """A trainable travels to trial processes by reference, not by value."""
    pickled = cloudpickle.dumps(trainable)
    assert len(pickled) < 2000
    assert list(map(numbers, pickle.loads(pickled).epochs(config))) == list(map(numbers, trainable.epochs(config)))  # noqa: S301 - our own


@every_trainable
def test_every_field_is_documented(trainable: Trainable[Any], config: dict[str, Any]) -> None:
    """Each field of a configuration says what it is, and the configuration cannot be changed."""
    assert all(field.description for field in trainable.config_type.model_fields.values())
    configured = trainable.config_type.model_validate(config)
    with pytest.raises(ValueError, match="frozen"):
        configured.epochs = 2
