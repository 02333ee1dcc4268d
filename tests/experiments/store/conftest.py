"""What the tests of sweeps in an object store share: a server, and a place in it for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.experiments.store.s3 import BUCKET, Server, serving


@pytest.fixture(scope="session")
def _server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def s3(_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Give a server with one empty bucket and no faults, to which this process and its children are told the way."""
    for name, value in _server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RAYSWEEPS_STORES", str(tmp_path / "stores"))
    _server.faults(wipe=True)
    yield _server
    _server.faults()


@pytest.fixture
def url(s3: Server) -> str:  # noqa: ARG001 - for what it does before
    """Give a storage address."""
    return f"s3://{BUCKET}/some/where"
