"""Keeps the tests apart from the machine they run on: no cluster, token or data of its user is touched."""

import hashlib
import os
import pickle
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pytest
from PIL import Image

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    """Set the environment before anything imports Ray, so that subprocesses inherit it too."""
    # Short, because Ray puts sockets below it and a socket's path may have 107 bytes.
    home = tempfile.mkdtemp(prefix="rs-", dir="/tmp")
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    # Ray looks for a running cluster in RAY_ADDRESS and in its temporary folder, and for a token below HOME.
    for name in [name for name in os.environ if name.startswith(("RAY_", "TUNE_"))]:
        del os.environ[name]
    for name in ("XDG_CACHE_HOME", "RAYSWEEPS_CACHE", "RAYSWEEPS_CACHE_GB"):  # decoded data goes below HOME
        os.environ.pop(name, None)
    os.environ.update(HOME=home, RAY_TMPDIR=home, RAY_USAGE_STATS_ENABLED="0")
    # A script that starts the tests in the background has them ignore Ctrl+C, and with them all that they start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Give the folder with real data sets: RAYSWEEPS_DATA, or `shared/data` beside the checkout."""
    named = os.environ.get("RAYSWEEPS_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs real data: {folder} does not exist; set RAYSWEEPS_DATA to a folder that has MNIST")
    return folder


@pytest.fixture
def small_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with an MNIST of 120 training and 30 test images in the real file format, and use it."""
    folder = tmp_path / "data"
    write_mnist(folder, train_rows=120, test_rows=30)
    monkeypatch.setenv("RAYSWEEPS_DATA", str(folder))
    return folder


@pytest.fixture
def small_fashion_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with a Fashion-MNIST of 120 training and 30 test images in the real file format, and use it."""
    folder = tmp_path / "data"
    write_mnist(folder, train_rows=120, test_rows=30, name="FashionMNIST")
    monkeypatch.setenv("RAYSWEEPS_DATA", str(folder))
    return folder


@pytest.fixture
def small_cifar10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with a CIFAR-10 of 100 training and 20 test images in the real file format, and use it."""
    return use_cifar10(tmp_path / "data", monkeypatch, rows=20)


@pytest.fixture
def tiny_cifar10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the same with 40 training and 8 test images: a ResNet-18 takes its time."""
    return use_cifar10(tmp_path / "data", monkeypatch, rows=8)


@pytest.fixture
def small_california_housing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with a California housing of 120 made-up districts in scikit-learn's file format, and use it."""
    folder = tmp_path / "data"
    write_california_housing(folder, rows=120)
    monkeypatch.setenv("RAYSWEEPS_DATA", str(folder))
    return folder


@pytest.fixture
def image_files() -> Callable[..., None]:
    """Give the function that writes a class folder of random images: see `write_images`."""
    return write_images


@pytest.fixture
def small_image_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give `flowers`, a folder of 3 class folders with 20 RGB images of 9x8 each, in the folder of data sets."""
    folder = tmp_path / "data" / "flowers"
    for seed, name in enumerate(("daisy", "rose", "tulip")):
        write_images(folder / name, rows=20, seed=seed)
    monkeypatch.setenv("RAYSWEEPS_DATA", str(folder.parent))
    return folder


def write_mnist(folder: Path, *, train_rows: int, test_rows: int, name: str = "MNIST") -> None:
    """Write random images with classes 0 to 9 in turn as the four files of MNIST, uncompressed IDX."""
    generator = np.random.default_rng(0)
    raw = folder / name / "raw"
    raw.mkdir(parents=True)
    for part, rows in (("train", train_rows), ("t10k", test_rows)):
        images = generator.integers(0, 256, (rows, 28, 28), dtype=np.uint8)
        classes = np.arange(rows, dtype=np.uint8) % 10
        for kind, values in (("images-idx3", images), ("labels-idx1", classes)):
            sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
            (raw / f"{part}-{kind}-ubyte").write_bytes(bytes((0, 0, 8, values.ndim)) + sizes + values.tobytes())


def write_california_housing(folder: Path, *, rows: int) -> None:
    """Write random districts as the file that scikit-learn keeps: price first, counts not yet divided by households."""
    # price in dollars, income, age, rooms, bedrooms, population, households, latitude, longitude
    low = (15_000, 0.5, 1, 500, 100, 300, 100, 32.5, -124.3)
    high = (500_000, 15.0, 52, 6_000, 1_200, 3_500, 1_000, 42.0, -114.3)
    (folder / "scikit_learn_data").mkdir(parents=True)
    table = np.random.default_rng(0).uniform(low, high, (rows, len(low)))
    joblib.dump(table, folder / "scikit_learn_data" / "cal_housing_py3.pkz", compress=6)


def use_cifar10(folder: Path, monkeypatch: pytest.MonkeyPatch, *, rows: int) -> Path:
    """Write a CIFAR-10 into a folder of data sets and use it; torchvision is told its checksums, not the official."""
    from torchvision.datasets import CIFAR10

    checksums = write_cifar10(folder / CIFAR10.base_folder, rows=rows)
    for parts in ("train_list", "test_list"):
        names = [name for name, _ in getattr(CIFAR10, parts)]
        monkeypatch.setattr(CIFAR10, parts, [[name, checksums[name]] for name in names])
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": checksums["batches.meta"]})
    monkeypatch.setenv("RAYSWEEPS_DATA", str(folder))
    return folder


def write_cifar10(folder: Path, *, rows: int) -> dict[str, str]:
    """Write random images, classes 0 to 9 in turn, as the files of CIFAR-10, `rows` in each; give their MD5 sums."""
    generator = np.random.default_rng(0)
    folder.mkdir(parents=True)
    contents = {"batches.meta": {"label_names": [f"class {label}" for label in range(10)]}}
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        pixels = generator.integers(0, 256, (rows, 3072), dtype=np.uint8)
        contents[name] = {"data": pixels, "labels": [row % 10 for row in range(rows)]}
    for name, content in contents.items():
        (folder / name).write_bytes(pickle.dumps(content, protocol=2))
    return {name: hashlib.md5((folder / name).read_bytes(), usedforsecurity=False).hexdigest() for name in contents}


def write_images(folder: Path, *, rows: int, seed: int = 0, size: tuple[int, int] = (9, 8), mode: str = "RGB") -> None:
    """Write random images (width, height) without loss as `00.png`, `01.png` ... into a folder."""
    generator = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    shape = (*size[::-1], 3) if mode == "RGB" else size[::-1]
    for row in range(rows):
        pixels = generator.integers(0, 256, shape, dtype=np.uint8)
        Image.fromarray(pixels).convert(mode).save(folder / f"{row:02}.png")
