"""scripts/cluster/local: several real Ray nodes on this machine, private to its user, and nothing left of them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.on_ray.cluster import LOCAL, Cluster, cluster
from tests.on_ray.conftest import LOOPBACK, listening_addresses, processes_with

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

NODES_IN_RAY = """
import json, ray
ray.init(address="auto", logging_level="ERROR", log_to_driver=False)
names = ("CPU", "GPU", "big_memory")
alive = [node for node in ray.nodes() if node["Alive"]]
print(json.dumps({node["NodeName"]: [node["Resources"].get(name, 0) for name in names] for node in alive}))
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of a head and one node."""
    with cluster(tmp_path_factory.mktemp("cluster") / "c", {"one": {"cpus": 2, "big_memory": 1}}) as made:
        yield made


def asked(made: Cluster, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script for the cluster."""
    command = [sys.executable, str(LOCAL), *arguments, "--folder", str(made.folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def in_ray(made: Cluster) -> dict[str, list[float]]:
    """The CPUs, GPUs and big_memory of the nodes that Ray sees alive, asked by a driver that joins."""
    environment = {**os.environ, **made.env}
    told = subprocess.run(
        [sys.executable, "-c", NODES_IN_RAY], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert told.returncode == 0, told.stderr
    found: dict[str, list[float]] = json.loads(next(line for line in told.stdout.splitlines() if line.startswith("{")))
    return found


def test_s2_the_local_cluster_is_its_users_alone(own: Cluster) -> None:
    """Loopback only, a token that nobody else can read and that stands in no command line and no output."""
    assert listening_addresses(own.mark) <= set(LOOPBACK)
    assert listening_addresses(own.mark)
    file = Path(own.env["RAY_AUTH_TOKEN_PATH"])
    token = file.read_text()
    assert len(token) == 64
    assert [oct(path.stat().st_mode & 0o777) for path in (file, file.parent)] == ["0o600", "0o700"]
    assert own.temporary.stat().st_mode & 0o077 == 0
    shown = asked(own, "env").stdout + asked(own, "status").stdout
    assert f"export RAY_AUTH_TOKEN_PATH='{file}'" in shown
    assert not any(token in text for text in (shown, *processes_with(own.mark).values()))
    nobody = {name: value for name, value in {**os.environ, **own.env}.items() if not name.startswith("RAY_AUTH")}
    refused = subprocess.run(
        [
            sys.executable,
            "-c",
            "import urllib.request, sys; urllib.request.urlopen(sys.argv[1])",
            f"{own.http}/api/jobs/",
        ],
        env=nobody,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "401" in refused.stderr


def test_nodes_come_and_go(own: Cluster) -> None:
    """What was asked for is what Ray has; a second cluster and a taken name are refused; a killed node is gone."""
    again = asked(own, "start")
    assert (again.returncode, "a cluster runs already" in again.stderr) == (2, True)
    own.add("two", cpus=1, gpus=2)
    assert in_ray(own) == {"head": [0, 0, 0], "one": [2, 0, 1], "two": [1, 2, 0]}
    assert asked(own, "add", "two:cpus=1").returncode == 2
    own.kill("one")
    assert {name: node["up"] for name, node in own.status()["nodes"].items()} == {
        "head": True,
        "one": False,
        "two": True,
    }
    own.kill_head()
    assert asked(own, "add", "three:cpus=1").returncode == 2


def test_nothing_is_left(own: Cluster) -> None:
    """After `stop` no process, no file and no token of the cluster is there, though its head was killed before."""
    own.stop()
    assert processes_with(own.mark) == {}
    assert not own.folder.exists()
    assert not own.temporary.exists()
    assert asked(own, "status").returncode == 2
