"""A real cluster of several Ray nodes for the tests: `scripts/cluster/local` in a folder of the test's own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

LOCAL = Path(__file__).resolve().parents[2] / "scripts" / "cluster" / "local"
NODES: Mapping[str, Mapping[str, float]] = {"one": {"cpus": 2}, "two": {"cpus": 2, "gpus": 2}}
SECONDS = 120


class Cluster:
    """A head without CPUs and its nodes."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.folder = folder
        self._env = env

    def start(self, nodes: Mapping[str, Mapping[str, float]]) -> None:
        """Start the head and the nodes."""
        asked = [part for name, amounts in nodes.items() for part in ("--node", node_text(name, amounts))]
        told = json.loads(self._run("start", "--json", *(asked or ["--head-only"])))
        self.address: str = told["address"]
        """HOST:PORT, for a driver that joins."""
        self.http: str = told["http"]
        """http://HOST:PORT, for a sweep that is submitted."""
        self.env: dict[str, str] = told["env"]
        """What a driver needs in its environment; it names the token's file."""
        self.temporary = Path(told["temporary"])
        """A private folder around Ray's own."""
        self.mark = f"RAYSWEEPS_LOCAL_CLUSTER={self.temporary}"
        """What every process of the cluster has in its environment."""

    def add(self, name: str, *, env: Mapping[str, str] | None = None, **resources: float) -> None:
        """Start one more node, `cpus=2, gpus=1, big_memory=1`, with `env` for its processes alone."""
        self._run("add", node_text(name, resources), env=env or {})

    def kill(self, name: str) -> None:
        """Kill a node with SIGKILL, and all that runs on it."""
        self._run("kill", name)

    def kill_head(self) -> None:
        """Kill the head node; the others follow when they notice."""
        self.kill("head")

    def stop(self) -> None:
        """End all of it; nothing happens where it has been stopped already."""
        if (self.folder / "cluster.json").exists():
            self._run("stop")

    def status(self) -> dict[str, Any]:
        """What `status --json` prints."""
        told: dict[str, Any] = json.loads(self._run("status", "--json"))
        return told

    def _run(self, command: str, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        done = subprocess.run(
            [sys.executable, str(LOCAL), command, *arguments, "--folder", str(self.folder)],
            env={**os.environ, **self._env, **(env or {})},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            start_new_session=True,
            check=False,
        )
        assert done.returncode == 0, f"local {command} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout


def node_text(name: str, amounts: Mapping[str, float]) -> str:
    """Write a node as `scripts/cluster/local` reads it."""
    return f"{name}:{','.join(f'{what}={amount:g}' for what, amount in amounts.items())}"


@contextmanager
def cluster(
    folder: Path, nodes: Mapping[str, Mapping[str, float]] = NODES, env: Mapping[str, str] | None = None
) -> Iterator[Cluster]:
    """A cluster noted in `folder` with `env` for all its processes, ended with the context."""
    made = Cluster(folder, env or {})
    try:
        made.start(nodes)
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def three_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A head without CPUs, `one` with 2 CPUs, `two` with 2 CPUs and 2 pretended GPUs, for all tests of a file.

    A test file imports it by name.
    """
    with cluster(tmp_path_factory.mktemp("cluster") / "c") as made:
        yield made
