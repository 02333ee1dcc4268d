"""The image data sets: seeded stratified splits, a test part no trial reaches, clear words when data is missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import trainables
from trainables import Examples, TrainingData, load_images
from trainables import __main__ as command
from trainables._training.data.images.decoding import fitted
from trainables._training.data.images.normalization import Normalization
from trainables._training.data.splits import random_split, stratified_split

REPOSITORY = Path(__file__).resolve().parents[2]
FETCHED = ["mnist", "fashion_mnist", "cifar10", "california_housing"]


def _images(part: Any) -> set[bytes]:
    return {part.inputs[row].numpy().tobytes() for row in part.rows}


def _parts(dataset: str, **options: Any) -> tuple[Any, Any, Any]:
    data = load_images(dataset, **options)
    return data.training, data.validation, trainables.test_images(dataset, **options)


def _options(dataset: str) -> dict[str, Any]:
    return {"folder": "flowers"} if dataset == "image_folder" else {}


@pytest.fixture(params=["digits", "mnist", "fashion_mnist", "cifar10", "image_folder"])
def dataset(request: pytest.FixtureRequest) -> str:
    """Give the name of each data set, with small files of its format in place."""
    if request.param != "digits":
        request.getfixturevalue(f"small_{request.param}")
    return str(request.param)


@pytest.mark.parametrize("held_out", [0.1, 0.25, 0.5])
def test_split_is_stratified(held_out: float) -> None:
    """Each class gives the same share to both parts, and every row lies in exactly one of them."""
    labels = np.repeat([0, 1, 2, 3], [400, 200, 40, 2]).astype(np.int64)
    kept, held = stratified_split(labels, held_out=held_out, seed=1)
    assert sorted([*kept, *held]) == list(range(len(labels)))
    for label, count in zip(*np.unique(labels, return_counts=True), strict=True):
        assert (labels[held] == label).sum() == max(1, round(held_out * count))


def test_splits_are_seeded() -> None:
    """The same seed gives the same split, another seed another one."""
    labels = np.arange(200) % 10
    for split in (
        lambda seed: stratified_split(labels, held_out=0.2, seed=seed),
        lambda seed: random_split(200, held_out=0.2, seed=seed),
    ):
        first, second, other = (split(seed)[1].tolist() for seed in (0, 0, 1))
        assert first == second != other
        assert len(first) == 40
        assert sorted([*first, *split(0)[0]]) == list(range(200))


def test_no_row_is_in_two_parts(dataset: str) -> None:
    """Training, validation and test part share no image, whatever the split's seed, and the test part never changes."""
    of_test = set()
    for split_seed in range(3):
        training, validation, test = map(_images, _parts(dataset, split_seed=split_seed, **_options(dataset)))
        assert training
        assert validation
        assert not (training & validation)
        assert not (training & test)
        assert not (validation & test)
        of_test.add(frozenset(test))
    assert len(of_test) == 1
    assert next(iter(of_test))


def test_normalized_by_the_training_part_alone(dataset: str) -> None:
    """Mean and standard deviation per channel are exactly those of the training rows, and used on all parts."""
    training, validation, test = _parts(dataset, **_options(dataset))
    pixels = training.inputs[training.rows].double()
    mean, std = pixels.mean((0, 2, 3)), pixels.std((0, 2, 3), correction=0)
    for part in (training, validation, test):
        assert torch.allclose(part.prepare.mean.flatten().double(), mean, rtol=1e-6)
        assert torch.allclose(part.prepare.std.flatten().double(), std, rtol=1e-6)
    [(inputs, targets)] = training.in_order(10_000)
    assert inputs.dtype is torch.float32
    assert torch.allclose(inputs.mean((0, 2, 3)), torch.zeros(len(mean)), atol=1e-4)
    assert torch.allclose(inputs.std((0, 2, 3), correction=0), torch.ones(len(mean)), atol=1e-4)
    assert targets.dtype is torch.int64
    assert training.inputs.dtype is torch.uint8


def test_normalization_of_one_value() -> None:
    """Images of one colour have no scale: they become 0, not NaN."""
    pixels = torch.full((4, 2, 3, 3), 7, dtype=torch.uint8)
    sums = np.array([[[63, 441]] * 2] * 4, dtype=np.int64)
    assert torch.equal(Normalization.of(sums, 9)(pixels), torch.zeros(4, 2, 3, 3))
    assert int(pixels.min()) == 7  # shared by all trials: never written


@pytest.mark.parametrize(
    ("dataset", "sizes", "shape"),
    [
        ("digits", (1151, 287, 359), (1, 8, 8)),
        ("mnist", (100, 20, 30), (1, 28, 28)),
        ("fashion_mnist", (100, 20, 30), (1, 28, 28)),
        ("cifar10", (90, 10, 20), (3, 32, 32)),
        ("image_folder", (39, 9, 12), (3, 8, 9)),
    ],
    indirect=["dataset"],
)
def test_sizes(dataset: str, sizes: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """Each data set has the parts, the shape and the classes that its file says; every class is in every part."""
    data, parts = load_images(dataset, **_options(dataset)), _parts(dataset, **_options(dataset))
    assert tuple(len(part) for part in parts) == sizes
    assert data.input_shape == shape
    assert data.classes == (3 if dataset == "image_folder" else 10)
    assert all(part.targets[part.rows].unique().tolist() == list(range(data.classes)) for part in parts)


def test_images_are_those_of_torchvision(dataset: str) -> None:
    """Pixels and classes are those that the usual loader gives."""
    from sklearn.datasets import load_digits
    from torchvision import datasets
    from torchvision.transforms.v2.functional import pil_to_tensor

    root = trainables._training.data.place.data_dir()
    if dataset == "digits":
        expected = {
            image.astype("uint8").tobytes(): int(label)
            for image, label in zip(*load_digits(return_X_y=True), strict=True)
        }
    elif dataset == "image_folder":
        loaded = datasets.ImageFolder(str(root / "flowers"))
        expected = {pil_to_tensor(image).numpy().tobytes(): label for image, label in loaded}
    else:
        kind = {"mnist": datasets.MNIST, "fashion_mnist": datasets.FashionMNIST, "cifar10": datasets.CIFAR10}[dataset]
        expected = {
            pil_to_tensor(image).numpy().tobytes(): label
            for train in (True, False)
            for image, label in kind(str(root), train=train)
        }
    found = {
        part.inputs[row].numpy().tobytes(): int(part.targets[row])
        for part in _parts(dataset, **_options(dataset))
        for row in part.rows
    }
    assert found == expected


@pytest.mark.parametrize("size", [(9, 8), (40, 17), (17, 40), (12, 12), (5, 9)])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_fitted_as_torchvision_does(size: tuple[int, int], mode: str) -> None:
    """Resizing and cropping give torchvision's pixels."""
    from torchvision.transforms.v2 import CenterCrop, Compose, Resize

    shape = (*size[::-1], 3) if mode == "RGB" else size[::-1]
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
    expected = Compose([Resize(12), CenterCrop(12)])(image)
    assert np.array_equal(np.asarray(fitted(image, 12)), np.asarray(expected))


@pytest.mark.parametrize("image_size", [5, 32])
def test_any_data_set_is_resized(dataset: str, image_size: int) -> None:
    """With `image_size`, every part of every data set has it."""
    data = load_images(dataset, image_size=image_size, **_options(dataset))
    assert data.input_shape[1:] == (image_size, image_size)
    test = trainables.test_images(dataset, image_size=image_size, **_options(dataset))
    assert test.input_shape == data.input_shape


def test_loaded_once_per_process(small_mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that asks again finds the data in memory; another place, content or split is another data set."""
    first = load_images("mnist")
    assert load_images("mnist", split_seed=0) is first
    assert load_images("mnist", split_seed=1) is not first
    first = load_images("mnist")
    shutil.copytree(small_mnist, tmp_path / "elsewhere")
    monkeypatch.setenv("RAYSWEEPS_DATA", str(tmp_path / "elsewhere"))
    assert load_images("mnist") is not first
    labels = tmp_path / "elsewhere" / "MNIST" / "raw" / "train-labels-idx1-ubyte"
    content = bytearray(labels.read_bytes())
    content[8] = 5  # the class of the first image
    labels.write_bytes(content)
    assert int(load_images("mnist").training.targets[0]) == 5


def test_no_part_or_split_is_a_copy(small_mnist: Path) -> None:
    """Parts and splits are row numbers into the same stored images."""
    assert small_mnist.is_dir()
    first, second = load_images("mnist"), load_images("mnist", split_seed=1)
    places = {part.inputs.data_ptr() for data in (first, second) for part in (data.training, data.validation)}
    assert len(places) == 1


def test_one_copy_per_device(small_mnist: Path) -> None:
    """On another device both parts of all splits share one copy, and what is there already is not moved."""
    assert small_mnist.is_dir()
    device = torch.device("meta")  # a device that every machine has
    first, second = load_images("mnist", device=device), load_images("mnist", split_seed=1).to(device)
    assert first.training.inputs is second.validation.inputs
    assert first.training.device == first.training.rows.device == device
    assert first.to(device).training is first.training


def test_warm_start_imports_no_data_library() -> None:
    """Once decoded, digits cost neither scikit-learn nor torchvision."""
    program = (
        "import sys; from trainables import load_images; load_images('digits'); "
        "assert not {'sklearn', 'torchvision', 'ray', 'pandas'} & set(sys.modules)"
    )
    load_images("digits")
    subprocess.run([sys.executable, "-c", program], check=True, cwd=REPOSITORY)


def test_further_trial_process_needs_no_memory(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second process that has gone over all of MNIST holds under 10 MB more than before, most of it row numbers."""
    monkeypatch.setenv("RAYSWEEPS_DATA", str(shared_data))
    data = load_images("mnist")
    assert sum(len(targets) for _, targets in data.training.in_order(4096)) + len(data.validation) == 60_000
    assert int(data.training.inputs.max()) == 255  # every page is mapped here
    program = (
        "import re, torch; torch.set_num_threads(1)\n"
        "from trainables import load_images\n"
        "import trainables._training.data.images\n"
        "def private():\n"
        "    return sum(map(int, re.findall('Private_.*: +(.*) kB', open('/proc/self/smaps_rollup').read())))\n"
        "load_images('digits')\n"
        "before = private()\n"
        "data = load_images('mnist')\n"
        "for part in (data.training, data.validation):\n"
        "    assert sum(int(x.isfinite().all()) * len(y) for x, y in part.in_order(64)) == len(part)\n"
        "print(private() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 10_000


def test_no_room_in_the_cache(small_mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the cache has no room, a data set that is read whole is kept in this process's memory."""
    monkeypatch.setenv("RAYSWEEPS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("RAYSWEEPS_CACHE_GB", "0")
    assert small_mnist.is_dir()
    assert len(load_images("mnist").training) == 100
    assert not list((tmp_path / "cache").glob("mnist*"))


def test_data_is_frozen() -> None:
    """Nothing that trials share can be replaced in place, and the test part is not among what a trial gets."""
    data = load_images("digits")
    assert {"training", "validation"} <= set(TrainingData.__dataclass_fields__)
    assert not [name for name in TrainingData.__dataclass_fields__ if "test" in name]
    with pytest.raises(AttributeError):
        data.classes = 3  # type: ignore[misc] # the point of the test


def test_unknown_data_set() -> None:
    """A name that is no image data set is refused with those that are."""
    with pytest.raises(
        ValueError, match="no image data set 'imagenet'; there are digits, mnist, fashion_mnist, cifar10"
    ):
        load_images("imagenet")


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
    [fault] = trainables.missing_data("mnist")
    assert fault == (
        f"mnist is not in {tmp_path}/MNIST/raw (no train-images-idx3-ubyte; no train-labels-idx1-ubyte; "
        "no t10k-images-idx3-ubyte; no t10k-labels-idx1-ubyte). "
        f"Fetch it: python -m trainables fetch mnist --data-dir {tmp_path}, or say where it is in RAYSWEEPS_DATA "
        "(12 MB to download)"
    )
    for name in FETCHED:
        [fault] = trainables.missing_data(name)
        assert f"Fetch it: python -m trainables fetch {name} --data-dir {tmp_path}" in fault
    for name in ("mnist", "fashion_mnist", "cifar10"):
        with pytest.raises(FileNotFoundError, match=f"python -m trainables fetch {name} --data-dir"):
            load_images(name)
    assert trainables.missing_data("digits") == []


@pytest.mark.parametrize("keep", [0, 3, 15, 1000])
def test_cut_file_is_a_fault(keep: int, small_mnist: Path) -> None:
    """A file that is not whole is named with its size before anything starts."""
    file = small_mnist / "MNIST" / "raw" / "train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:keep])
    [fault] = trainables.missing_data("mnist")
    assert f"train-images-idx3-ubyte has {keep:,} bytes, which is not a whole IDX file" in fault


@pytest.mark.parametrize("keep", [0, 1, 1000])
def test_cut_cifar_file_is_a_fault(keep: int, small_cifar10: Path) -> None:
    """The same for CIFAR-10's format."""
    file = small_cifar10 / "cifar-10-batches-py" / "data_batch_3"
    assert trainables.missing_data("cifar10") == []
    file.write_bytes(file.read_bytes()[:keep])
    [fault] = trainables.missing_data("cifar10")
    assert f"data_batch_3 has {keep:,} bytes, which is not a whole file" in fault


def test_cifar_of_unknown_origin_is_not_loaded(small_cifar10: Path) -> None:
    """A file with another checksum could run code when it is loaded: it is refused unread."""
    file = small_cifar10 / "cifar-10-batches-py" / "data_batch_3"
    ran = small_cifar10 / "ran"
    file.write_bytes(b"\x80\x02cos\nmkdir\n(X" + len(str(ran)).to_bytes(4, "little") + str(ran).encode() + b"tR.")
    with pytest.raises(ValueError, match=r"is not the official data set .* fetch cifar10 --data-dir"):
        load_images("cifar10")
    assert not ran.exists()


@pytest.mark.parametrize("content", [b"", b"not compressed"])
def test_cut_california_housing_is_a_fault(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """scikit-learn's compressed file is checked for its end."""
    monkeypatch.setenv("RAYSWEEPS_DATA", str(tmp_path))
    (tmp_path / "scikit_learn_data").mkdir()
    (tmp_path / "scikit_learn_data" / "cal_housing_py3.pkz").write_bytes(content)
    assert "cal_housing_py3.pkz is cut" in trainables.missing_data("california_housing")[0]


@pytest.mark.parametrize(
    ("dataset", "loader", "calls"),
    [
        ("mnist", "torchvision.datasets.MNIST", 2),
        ("fashion_mnist", "torchvision.datasets.FashionMNIST", 2),
        ("cifar10", "torchvision.datasets.CIFAR10", 1),
        ("california_housing", "sklearn.datasets.fetch_california_housing", 1),
    ],
)
def test_fetch_calls_the_usual_loader(  # noqa: PLR0917 - pytest passes them by name
    dataset: str, loader: str, calls: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """`python -m trainables fetch NAME` downloads through the usual loader, and says how to use what came."""
    made: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    monkeypatch.setattr(loader, lambda *given, **named: made.append((given, named)))
    assert command.main(["fetch", dataset, "--data-dir", str(tmp_path)]) == 0
    assert len(made) == calls
    for given, named in made:
        assert str(named.get("data_home", *given)).startswith(str(tmp_path))
        assert named.get("download", named.get("download_if_missing")) is True
    assert f"RAYSWEEPS_DATA={tmp_path}" in capsys.readouterr().out


def test_fetch_replaces_a_cut_file(small_mnist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not whole is fetched again: torchvision would take any file of the right name for the data."""
    raw = small_mnist / "MNIST" / "raw"
    (raw / "train-labels-idx1-ubyte").write_bytes(b"cut")
    monkeypatch.setattr("torchvision.datasets.MNIST", lambda *_, **__: None)
    assert command.main(["fetch", "mnist", "--data-dir", str(small_mnist)]) == 0
    assert len(list(raw.iterdir())) == 3


def test_fetch_that_fails_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a network the command ends with 1 and one line."""

    def mnist(*_: object, **__: object) -> None:
        raise RuntimeError("Error downloading train-images-idx3-ubyte.gz")

    monkeypatch.setattr("torchvision.datasets.MNIST", mnist)
    assert command.main(["fetch", "mnist", "--data-dir", str(tmp_path)]) == 1
    assert "mnist could not be fetched into" in capsys.readouterr().err


def test_command_refuses_other_data_sets(capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be fetched is refused with what can."""
    with pytest.raises(SystemExit) as ended:
        command.main(["fetch", "cifar"])
    assert ended.value.code == 2
    assert "invalid choice: 'cifar'" in capsys.readouterr().err


def test_examples_are_stored(dataset: str) -> None:
    """What fits is stored, not streamed."""
    assert all(isinstance(part, Examples) for part in _parts(dataset, **_options(dataset)))
