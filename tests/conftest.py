"""Keeps the tests apart from the machine they run on: no cluster, token or data of its user is touched."""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    """Set the environment before anything imports Ray, so that subprocesses inherit it too."""
    # Short, because Ray puts sockets below it and a socket's path may have 107 bytes.
    home = tempfile.mkdtemp(prefix="rs-", dir="/tmp")
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    # Ray looks for a running cluster in RAY_ADDRESS and in its temporary folder, and for a token below HOME.
    for name in [name for name in os.environ if name.startswith(("RAY_", "TUNE_"))]:
        del os.environ[name]
    os.environ.update(HOME=home, RAY_TMPDIR=home, RAY_USAGE_STATS_ENABLED="0")


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


def write_mnist(folder: Path, *, train_rows: int, test_rows: int) -> None:
    """Write random images with classes 0 to 9 in turn as the four files of MNIST, uncompressed IDX."""
    generator = np.random.default_rng(0)
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, rows in (("train", train_rows), ("t10k", test_rows)):
        images = generator.integers(0, 256, (rows, 28, 28), dtype=np.uint8)
        classes = np.arange(rows, dtype=np.uint8) % 10
        for name, values in (("images-idx3", images), ("labels-idx1", classes)):
            sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
            (raw / f"{part}-{name}-ubyte").write_bytes(bytes((0, 0, 8, values.ndim)) + sizes + values.tobytes())
