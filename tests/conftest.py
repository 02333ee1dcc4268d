"""Keeps the tests apart from the machine they run on: no cluster, token or data of its user is touched."""

import os
import shutil
import tempfile
from pathlib import Path

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
