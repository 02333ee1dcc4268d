"""Every public trainable keeps the contract: it is tested by being exported."""

from __future__ import annotations

import itertools
import pickle
import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import cloudpickle
import numpy as np
import pytest
import torch

import trainables
from tests.trainables.images import write_images
from trainables import ChangedDataError, CheckpointFolder, ConfigurationError, Trainable

if TYPE_CHECKING:
    from collections.abc import Iterator

    Case = tuple[Trainable[Any], dict[str, Any]]

EPOCHS = 3
TRAINABLES = [value for name in trainables.__all__ if isinstance(value := getattr(trainables, name), Trainable)]

TINY = "a folder of 60 images of 8 x 8 pixels"
"""Stands for the fixture's path in a configuration."""

IMAGES = {"dataset": "image_folder", "folder": TINY, "batch_size": 8, "label_smoothing": 0.1, "random_crop": 1}
FOREST = {"n_estimators": 4, "folds": EPOCHS}
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "image_classifier": [
        {**IMAGES, "model": "mlp", "batch_norm": True, "dropout": 0.2, "randaugment_ops": 1, "gradient_clip": 1.0},
        {
            **IMAGES,
            "model": "cnn",
            "batch_norm": True,
            "dropout": 0.2,
            "rotation": 20.0,
            "horizontal_flip": 0.5,
            "l1": 1e-4,
        },
        # eleven million weights: two epochs of two steps are enough
        {**IMAGES, "model": "resnet18", "epochs": 2, "batch_size": 18, "dropout": 0.2, "warmup_epochs": 1},
        {**IMAGES, "model": "torch_of_ones_own:network", "model_options": {"width": 6}, "schedule": "cosine"},
        {"dataset": "digits", "dropout": 0.2},
    ],
    "tabular_mlp": [
        {"dataset": "diabetes", "dropout": 0.2, "schedule": "cosine", "patience": 9},
        {"dataset": "wine", "dropout": 0.2, "batch_norm": True, "label_smoothing": 0.1},
        {"dataset": "diabetes", "dropout": 0.2, "folds": 3},
        {"dataset": "wine", "dropout": 0.2, "folds": 3},
    ],
    "random_forest": [
        {"dataset": "diabetes", **FOREST},
        {"dataset": "wine", **FOREST},
    ],
}
"""What the configurations of a trainable have beside the budget and the optimizer; a new one is tested as it is."""


def numbers(record: dict[str, Any]) -> dict[str, Any]:
    """Return what a record says apart from the time it took."""
    return {name: value for name, value in record.items() if name not in {"seconds", "samples_per_second"}}


def flat(state: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value of a checkpoint's state with its place."""
    for name, value in state.items():
        yield from flat(value, f"{at}/{name}") if isinstance(value, dict) else [(f"{at}/{name}".lstrip("/"), value)]


def _cases() -> list[Any]:
    cases = []
    for trainable in TRAINABLES:
        field = trainable.config_type.model_fields.get("optimizer")
        for variant in VARIANTS.get(trainable.name, [{}]):
            what = "-".join(str(variant[key]) for key in ("model", "dataset", "folds") if key in variant)
            for optimizer in get_args(field.annotation) if field else [None]:
                config = {"epochs": EPOCHS, "seed": 3, **variant} | ({"optimizer": optimizer} if optimizer else {})
                cases.append(pytest.param((trainable, config), id=f"{trainable.name}-{what}-{optimizer}"))
    return cases


@pytest.fixture(scope="module")
def tiny_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of two classes, with images of its own for training, validation and test."""
    return write_images(tmp_path_factory.mktemp("images") / "tiny", train=18, val=6, test=6)


@pytest.fixture
def case(request: pytest.FixtureRequest, tiny_images: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    """Give a trainable and a configuration of it."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "own"))
    trainable, config = request.param
    return trainable, {key: str(tiny_images) if value == TINY else value for key, value in config.items()}


every_case = pytest.mark.parametrize("case", _cases(), indirect=True)
# One optimizer suffices where it is not the point; a resnet18, which takes seconds to write, is a cnn to these tests.
every_variant = pytest.mark.parametrize(
    "case",
    [
        case
        for case in _cases()
        for [(_, config)] in [case.values]
        if config.get("optimizer", "sgd") == "sgd" and config.get("model") != "resnet18"
    ],
    indirect=True,
)


def global_state() -> tuple[object, ...]:
    """Return what a trainable must leave alone: random state and threads."""
    return (torch.get_rng_state().tolist(), str(np.random.get_state()), random.getstate(), torch.get_num_threads())  # noqa: NPY002 - it is the point


@every_case
def test_epochs_are_numbered(case: Case) -> None:
    """A trainable yields as many records as its budget says, numbered from 1, with the metrics it declares."""
    trainable, config = case
    records = list(trainable.epochs(config))
    assert [record["epoch"] for record in records] == list(range(1, config["epochs"] + 1))
    assert all(set(record) == {"epoch", *trainable.metrics_of(config)} for record in records)
    assert trainable.metrics_of(config) <= set(trainable.metrics)
    assert all(type(value) in {int, float} for record in records for value in record.values())


@every_case
def test_same_seed_gives_same_numbers(case: Case) -> None:
    """The seed of a configuration decides all its numbers, and another seed gives others."""
    trainable, config = case
    first, second = ([numbers(record) for record in trainable.epochs(config)] for _ in range(2))
    assert first == second
    assert first != [numbers(record) for record in trainable.epochs(config | {"seed": 4})]


@every_case
def test_interrupted_equals_uninterrupted(case: Case, tmp_path: Path) -> None:
    """Interrupted after every epoch and continued from its checkpoint, a trial gives the same numbers, bit by bit."""
    trainable, config = case
    records: dict[int, dict[str, Any]] = {}
    for segment, stop in enumerate([*range(1, config["epochs"] + 1), config["epochs"]], start=1):
        epochs = trainable.epochs(config, CheckpointFolder(tmp_path, segment=segment))
        for record in itertools.takewhile(lambda record, stop=stop: record["epoch"] <= stop, epochs):
            if record["epoch"] in records:  # the checkpoint's own record comes first, once
                assert record == records[record["epoch"]]
                assert record["epoch"] == max(records)
            records[record["epoch"]] = record
            if record["epoch"] == stop:
                break
    assert [numbers(record) for record in records.values()] == [numbers(record) for record in trainable.epochs(config)]


@every_case
def test_global_random_state_is_untouched(case: Case) -> None:
    """Training neither draws from nor changes the global random state of torch, numpy and Python."""
    trainable, config = case
    before = global_state()
    first = []
    for record in trainable.epochs(config):
        assert global_state() == before
        first.append(numbers(record))
    torch.rand(3), random.random(), np.random.default_rng()  # noqa: S311 - not for secrets
    assert first == [numbers(record) for record in trainable.epochs(config)]


@every_case
def test_unknown_key_is_refused(case: Case) -> None:
    """A key that a trainable does not take is refused at once, with what it takes."""
    trainable, config = case
    with pytest.raises(ConfigurationError, match=f"^{trainable.name} has no 'no_such_key' \\(it takes .*epochs.*\\)"):
        trainable.epochs(config | {"no_such_key": 1})


@every_case
def test_pickles_small(case: Case) -> None:
    """A trainable travels to trial processes by reference, not by value."""
    trainable, config = case
    pickled = cloudpickle.dumps(trainable)
    assert len(cloudpickle.dumps(replace(trainable, metrics={}, test_metrics={}))) < 1000  # beside its words
    there, here = (next(each.epochs(config)) for each in (pickle.loads(pickled), trainable))  # noqa: S301 - our own
    assert numbers(there) == numbers(here)


@every_case
def test_every_field_is_documented(case: Case) -> None:
    """Each field of a configuration says what it is, and the configuration cannot be changed."""
    trainable, config = case
    assert all(field.description for field in trainable.config_type.model_fields.values())
    configured = trainable.config_type.model_validate(config)
    with pytest.raises(ValueError, match="frozen"):
        configured.epochs = 2


@every_variant
def test_a_checkpoint_is_tested(case: Case, tmp_path: Path) -> None:
    """A checkpoint, of training or of a refit, gives the declared test metrics, and the same ones again, to the bit."""
    trainable, config = case
    for name, of in (("trained", trainable), ("refitted", trainable.refitting(1))):
        next(of.epochs(config, CheckpointFolder(tmp_path / name)))
        before = global_state()
        first, second = (of.tested(config, tmp_path / name / "segment-001" / "epoch-00001") for _ in range(2))
        assert first == second
        assert global_state() == before
        assert set(first) == {trainable.test_metric_of(metric) for metric in trainable.metrics_of(config)} - {None}
        assert set(first) <= set(trainable.test_metrics)
        assert all(type(value) is float and np.isfinite(value) for value in first.values())
    assert trainable.no_test(config) == []


@every_variant
def test_a_refit_goes_on_after_an_interruption(case: Case, tmp_path: Path) -> None:
    """Interrupted, a refit ends with the same numbers and the same weights; it follows the schedule of the budget."""
    trainable, config = case
    refit = pickle.loads(cloudpickle.dumps(trainable.refitting(2)))  # noqa: S301 - our own
    whole = list(refit.epochs(config, CheckpointFolder(tmp_path / "whole")))
    assert [record["epoch"] for record in whole] == ([1] if trainable.name == "random_forest" else [1, 2])
    assert all(set(record) == {"epoch", *refit.metrics_of(config)} for record in whole)
    assert "train_loss" in whole[0] and not any("val_" in name for name in whole[0])
    first = next(refit.epochs(config, CheckpointFolder(tmp_path / "cut")))
    again, *rest = refit.epochs(config, CheckpointFolder(tmp_path / "cut", segment=2))
    assert again == first
    assert list(map(numbers, [first, *rest])) == list(map(numbers, whole))
    ends = [CheckpointFolder(tmp_path / name, segment=9).newest() for name in ("whole", "cut")]
    states = [dict(flat(end.state())) for end in ends if end]
    assert states[0]["refit"] is True
    assert list(states[0]) == list(states[1])
    assert all(torch.equal(torch.as_tensor(value), torch.as_tensor(states[1][at])) for at, value in states[0].items())
    configured = trainable.config_type.model_validate(config)
    assert [record["lr"] for record in whole if "lr" in record] == [
        configured.make_schedule()(record["epoch"]) for record in whole if "lr" in record
    ]


@every_variant
def test_a_refit_trains_on_every_row_but_the_tests(case: Case) -> None:
    """Which rows have validated does not matter to a refit: it trains on them all, wherever they were."""
    trainable, config = case
    others = [config | {"split_seed": 1} | ({"folds": 4} if "folds" in config else {})]
    first, second = (numbers(next(trainable.refitting(1).epochs(of))) for of in (config, *others))
    assert first == second
    assert first["train_loss"] != next(trainable.epochs(config))["train_loss"]


def test_held_out_images_change_nothing_in_training(tmp_path: Path) -> None:
    """Other validation and test images leave every training loss as it was, to the bit: none of them enters.

    Validation images enter a refit, test images do not.
    """
    config = {**IMAGES, "model": "cnn", "batch_norm": True, "epochs": EPOCHS}
    losses = {}
    refits = {}
    for seed, part in enumerate((None, "val", "test"), start=1):
        folder = write_images(tmp_path / str(part), train=18, val=6, test=6, other=part, seed=seed)
        losses[part] = list(trainables.image_classifier.epochs({**config, "folder": str(folder)}))
        refit = trainables.image_classifier.refitting(1)
        refits[part] = numbers(next(refit.epochs({**config, "folder": str(folder)})))
    assert refits["test"] == refits[None] != refits["val"]
    for part, records in losses.items():
        assert [record["train_loss"] for record in records] == [record["train_loss"] for record in losses[None]]
        is_same = [record["val_loss"] for record in records] == [record["val_loss"] for record in losses[None]]
        assert is_same == (part != "val")


@pytest.mark.parametrize("name", ["image_classifier", "tabular_mlp", "random_forest"])
def test_a_trial_does_not_go_on_with_other_data(name: str, tmp_path: Path) -> None:
    """A checkpoint of data that have changed is refused with what to do; put back, the trial goes on."""
    trainable: Trainable[Any] = getattr(trainables, name)
    if name == "image_classifier":
        folder = write_images(tmp_path / "images", train=6, val=2, test=2)
        changed, config = folder / "train" / "dark" / "00.png", {**IMAGES, "folder": str(folder), "epochs": 2}
        other = (folder / "train" / "bright" / "00.png").read_bytes()
    else:
        changed = tmp_path / "table.csv"
        changed.write_text("x,y\n" + "".join(f"{n},{n % 7}\n" for n in range(40)))
        config = {"dataset": "table_file", "path": str(changed), "target": "y", "epochs": 2}
        other = changed.read_bytes() + b"5,5\n"
    before = changed.read_bytes()
    (first,) = itertools.islice(trainable.epochs(config, CheckpointFolder(tmp_path / "trial")), 1)
    changed.write_bytes(other)
    with pytest.raises(ChangedDataError, match=r"epoch-00001 was trained on other data: .* or start a new sweep"):
        next(trainable.epochs(config, CheckpointFolder(tmp_path / "trial", segment=2)))
    with pytest.raises(ChangedDataError, match=r"epoch-00001 was trained on other data: .* nor is tested with other"):
        trainable.tested(config, tmp_path / "trial" / "segment-001" / "epoch-00001")
    changed.write_bytes(before)
    again, second = trainable.epochs(config, CheckpointFolder(tmp_path / "trial", segment=2))
    assert again == first
    assert second["epoch"] == 2
