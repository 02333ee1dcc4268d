"""A cluster that runs already is joined with its token, and left as it was."""

import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.on_ray.conftest import Driver, opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

Start = Callable[..., Driver]


@pytest.fixture
def cluster(workplace: Path) -> Iterator[tuple[str, str]]:
    """A head node of its own with a token: its address and the token."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(32)
    settings = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token}
    head = subprocess.Popen(
        [
            str(Path(sys.executable).parent / "ray"),
            *("start", "--head", "--block", f"--port={port}", "--num-cpus=2", "--include-dashboard=false"),
            "--disable-usage-stats",
        ],
        cwd=workplace,
        env={**os.environ, **settings, "WITNESS": str(workplace / "witness")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert head.stdout is not None
    for line in head.stdout:
        if "runtime started" in line:
            break
    yield f"127.0.0.1:{port}", token
    os.killpg(head.pid, signal.SIGKILL)
    head.communicate()


def test_s2_a_cluster_is_joined_with_its_token_only(driver: Start, workplace: Path, cluster: tuple[str, str]) -> None:
    """Without the token nothing is started or written; with it the trials run there, and the cluster stays."""
    address, token = cluster
    asked = ("run", "witnessed.py", "--trials", "2", "--epochs", "2", "--address", address)
    code, output = driver(*asked).wait()
    assert code == 2, output
    assert "would be joined without a token" in output
    assert not (workplace / "results").exists()
    nowhere = ("run", "witnessed.py", "--address", "127.0.0.1:1")
    code, output = driver(*nowhere, RAY_AUTH_TOKEN=token).wait(20)
    assert code == 3, output
    assert "nobody answers at 127.0.0.1:1 (Connection refused)" in output
    assert not (workplace / "results").exists()
    for _ in range(2):
        code, output = driver(*asked, RAY_AUTH_TOKEN=token).wait()
        assert code == 0, output
        assert token not in output
    assert [trial.ending for trial in opened(workplace, "witnessed-2").trials] == ["completed"] * 2
    assert token not in (workplace / "results" / "witnessed" / "ledger.jsonl").read_text()
