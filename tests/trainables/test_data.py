"""The data sets: seeded stratified splits, a test part that no trial reaches, clear words when data is missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import trainables
from trainables import Examples, TrainingData, image_classifier, load_data
from trainables._training.datasets.examples import pixel_statistics
from trainables._training.datasets.splits import stratified_split


def _rows(examples: Examples) -> set[bytes]:
    return {row.numpy().tobytes() for row in examples.inputs}


def _parts(dataset: str, split_seed: int = 0) -> tuple[Examples, Examples, Examples]:
    data = load_data(dataset, split_seed=split_seed)
    return data.training, data.validation, trainables.test_split(dataset, split_seed=split_seed)


@pytest.mark.parametrize("held_out", [0.1, 0.25, 0.5])
def test_split_is_stratified(held_out: float) -> None:
    """Each class gives the same share to both parts, and every row lies in exactly one of them."""
    labels = np.repeat([0, 1, 2, 3], [400, 200, 40, 2]).astype(np.int64)
    kept, held = stratified_split(labels, held_out=held_out, seed=1)
    assert sorted([*kept, *held]) == list(range(len(labels)))
    for label, count in zip(*np.unique(labels, return_counts=True), strict=True):
        assert (labels[held] == label).sum() == max(1, round(held_out * count))


def test_split_is_seeded() -> None:
    """The same seed gives the same split, another seed another one."""
    labels = np.arange(200) % 10
    first, second, other = (stratified_split(labels, held_out=0.2, seed=seed)[1].tolist() for seed in (0, 0, 1))
    assert first == second
    assert first != other


@pytest.mark.parametrize("dataset", ["digits", "mnist"])
def test_no_test_row_in_training_or_validation(dataset: str, small_mnist: Path) -> None:
    """Training, validation and test part share no image, whatever the split's seed, and the test part never changes."""
    assert small_mnist.is_dir()
    of_test = set()
    for split_seed in range(3):
        training, validation, test = (_rows(examples) for examples in _parts(dataset, split_seed))
        assert not (training & validation)
        assert not (training & test)
        assert not (validation & test)
        of_test.add(frozenset(test))
    assert len(of_test) == 1


def test_sizes_of_digits() -> None:
    """Digits: a fifth is the test part, a fifth of the rest validates; every class is everywhere."""
    parts = _parts("digits")
    assert [len(part) for part in parts] == [1151, 287, 359]
    assert all(part.targets.unique().tolist() == list(range(10)) for part in parts)
    assert parts[0].inputs.shape[1:] == (1, 8, 8)


def test_mnist_from_its_files(small_mnist: Path) -> None:
    """MNIST is read from the files of its usual loader, kept as bytes, and the official test part is apart."""
    training, validation, test = _parts("mnist")
    assert [len(part) for part in (training, validation, test)] == [100, 20, 30]
    assert training.inputs.shape[1:] == (1, 28, 28)
    assert training.inputs.dtype == torch.uint8
    assert small_mnist.is_dir()
    assert len(list(image_classifier.epochs({"dataset": "mnist", "epochs": 2, "batch_size": 7}))) == 2


def test_training_part_is_normalized() -> None:
    """The statistics are those of the training part, and used on all parts."""
    training, validation, test = _parts("digits")
    normalized = training.normalized(slice(None))
    assert normalized.dtype == torch.float32
    assert abs(float(normalized.mean())) < 1e-4
    assert float(normalized.std()) == pytest.approx(1, abs=1e-3)
    assert {(part.mean, part.std) for part in (validation, test)} == {(training.mean, training.std)}
    mean, std = pixel_statistics(training.inputs)
    assert mean == pytest.approx(float(training.inputs.double().mean()))
    assert std == pytest.approx(float(training.inputs.double().std(correction=0)))


@pytest.mark.parametrize("batch_size", [1, 3, 10, 11])
def test_shuffled_yields_every_row_once(batch_size: int) -> None:
    """An epoch shows every row once, with its own target, in an order that its generator decides."""
    inputs = torch.arange(10.0).reshape(10, 1)
    examples = Examples(inputs=inputs, targets=torch.arange(10), mean=1.0, std=2.0)

    def order(seed: int) -> list[int]:
        batches = list(examples.shuffled(batch_size, torch.Generator().manual_seed(seed)))
        assert all(torch.equal(2 * x[:, 0] + 1, y.float()) for x, y in batches)
        assert max(len(y) for _, y in batches) <= batch_size
        return [int(row) for _, y in batches for row in y]

    assert sorted(order(0)) == list(range(10))
    assert order(0) == order(0) != order(1)
    assert torch.equal(inputs, torch.arange(10.0).reshape(10, 1))  # shared by all trials: never written


def test_loaded_once_per_process(small_mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that trains again finds the data in memory; another place or split is another data set."""
    assert load_data("mnist") is load_data("mnist", split_seed=0)
    assert load_data("mnist", split_seed=1) is not load_data("mnist")
    first = load_data("mnist")
    shutil.copytree(small_mnist, tmp_path / "elsewhere")
    monkeypatch.setenv("RAYSWEEPS_DATA", str(tmp_path / "elsewhere"))
    assert load_data("mnist") is not first


def test_home_is_expanded(monkeypatch: pytest.MonkeyPatch, small_mnist: Path) -> None:
    """A place may begin with ~, and is ~/.cache/raysweeps when none is given."""
    monkeypatch.setenv("HOME", str(small_mnist.parent))
    monkeypatch.setenv("RAYSWEEPS_DATA", "~/data")
    assert trainables.missing_data("mnist") == []
    monkeypatch.delenv("RAYSWEEPS_DATA")
    assert f"mnist is not in {small_mnist.parent}/.cache/raysweeps/MNIST/raw" in trainables.missing_data("mnist")[0]


def test_missing_data_says_how_to_fetch_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data that is not there is a fault before anything starts: place, files, and the command that fetches them."""
    monkeypatch.setenv("RAYSWEEPS_DATA", str(tmp_path))
    [fault] = image_classifier.faults({"dataset": "mnist"})
    assert fault == (
        f"mnist is not in {tmp_path}/MNIST/raw (no train-images-idx3-ubyte; no train-labels-idx1-ubyte; "
        "no t10k-images-idx3-ubyte; no t10k-labels-idx1-ubyte). "
        f"Fetch it: python -m trainables fetch mnist --data-dir {tmp_path}, or say where it is in RAYSWEEPS_DATA"
    )
    with pytest.raises(FileNotFoundError, match="python -m trainables fetch mnist --data-dir"):
        next(image_classifier.epochs({"dataset": "mnist"}))


@pytest.mark.parametrize("keep", [0, 3, 15, 1000])
def test_cut_file_is_a_fault(keep: int, small_mnist: Path) -> None:
    """A file that is not whole is named with its size before anything starts."""
    file = small_mnist / "MNIST" / "raw" / "train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:keep])
    [fault] = trainables.missing_data("mnist")
    assert f"train-images-idx3-ubyte has {keep:,} bytes, which is not a whole IDX file" in fault


def test_data_is_frozen() -> None:
    """Nothing that trials share can be replaced in place, and the test part is not among what a trial gets."""
    data = load_data("digits")
    assert set(TrainingData.__dataclass_fields__) == {"training", "validation", "classes"}
    with pytest.raises(AttributeError):
        data.classes = 3  # type: ignore[misc] # the point of the test


def test_fetch_calls_torchvision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`python -m trainables fetch mnist` downloads both parts through torchvision, and says how to use them."""
    from trainables import __main__ as command

    calls = []
    monkeypatch.setattr(
        "torchvision.datasets.MNIST", lambda root, train, download: calls.append((root, train, download))
    )
    assert command.main(["fetch", "mnist", "--data-dir", str(tmp_path)]) == 0
    assert calls == [(str(tmp_path), True, True), (str(tmp_path), False, True)]
    assert f"RAYSWEEPS_DATA={tmp_path}" in capsys.readouterr().out


def test_fetch_replaces_a_cut_file(small_mnist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not whole is fetched again: torchvision would take any file of the right name for the data."""
    from trainables._training.datasets import mnist

    raw = small_mnist / "MNIST" / "raw"
    (raw / "train-labels-idx1-ubyte").write_bytes(b"cut")
    monkeypatch.setattr("torchvision.datasets.MNIST", lambda *_, **__: None)
    mnist.fetch(small_mnist)
    assert len(list(raw.iterdir())) == 3


def test_fetch_that_fails_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a network the command ends with 1 and one line."""
    from trainables import __main__ as command

    def mnist(*_: object, **__: object) -> None:
        raise RuntimeError("Error downloading train-images-idx3-ubyte.gz")

    monkeypatch.setattr("torchvision.datasets.MNIST", mnist)
    assert command.main(["fetch", "mnist", "--data-dir", str(tmp_path)]) == 1
    assert "mnist could not be fetched into" in capsys.readouterr().err


def test_command_refuses_other_data_sets() -> None:
    """What cannot be fetched is refused with what can."""
    command = [sys.executable, "-m", "trainables", "fetch", "cifar"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=Path(trainables.__file__).parent.parent
    )
    assert done.returncode == 2
    assert "invalid choice: 'cifar'" in done.stderr
