"""Ray's own autoscaler, with the nodes that it fakes on this machine: it is asked for them, and waited for."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.on_ray.conftest import Driver, opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

Start = Callable[..., Driver]

APART = '''
from functools import partial

from ray._private import parameter
from ray.autoscaler._private.fake_multi_node.node_provider import FakeMultiNodeProvider


class Apart(FakeMultiNodeProvider):
    """Two nodes on one machine would unpack the code that travels into one folder, one over the other."""

    def _create_node_with_resources_and_labels(self, *args):
        made, name = parameter.RayParams, f"runtime_resources_{self._next_node_id + 1}"
        parameter.RayParams = partial(made, runtime_env_dir_name=name)
        try:
            super()._create_node_with_resources_and_labels(*args)
        finally:
            parameter.RayParams = made
'''

LISTS = ("cluster_synced_files", "rsync_exclude", "rsync_filter", "initialization_commands", "setup_commands")
COMMANDS = ("head_setup_commands", "worker_setup_commands", "head_start_ray_commands", "worker_start_ray_commands")


@pytest.fixture
def autoscaled(workplace: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A head without CPUs whose autoscaler may bring one node of 2 CPUs: its address, and what a driver needs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    temporary = tempfile.mkdtemp(prefix="rs-")  # Ray's sockets need a short path
    settings = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_TMPDIR": temporary,
    }
    (workplace / "apart.py").write_text(APART)
    provider = {"type": "external", "module": "apart.Apart", "use_node_id_as_ip": True, "gcs_address": address}
    config = {
        "cluster_name": "fake",
        "max_workers": 1,
        "upscaling_speed": 1.0,
        "idle_timeout_minutes": 5,
        "provider": {**provider, "disable_node_updaters": True, "disable_launch_config_check": True},
        "head_node_type": "head",
        "available_node_types": {
            "head": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
            "small": {"resources": {"CPU": 2}, "node_config": {}, "min_workers": 0, "max_workers": 1},
        },
        "auth": {},
        "file_mounts": {},
        "file_mounts_sync_continuously": False,
        **{name: [] for name in (*LISTS, *COMMANDS)},
    }
    (workplace / "autoscaling.json").write_text(json.dumps(config))
    head = subprocess.Popen(
        [
            *(str(Path(sys.executable).parent / "ray"), "start", "--head", "--block", "--disable-usage-stats"),
            *(f"--port={address.partition(':')[2]}", "--num-cpus=0", "--include-dashboard=false"),
            *(f"--temp-dir={temporary}", f"--autoscaling-config={workplace / 'autoscaling.json'}"),
        ],
        cwd=workplace,
        env={
            **os.environ,
            **settings,
            "RAY_FAKE_CLUSTER": "1",
            "PYTHONPATH": str(workplace),
            "AUTOSCALER_UPDATE_INTERVAL_S": "1",
            "WITNESS": str(workplace / "witness"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert head.stdout is not None
    assert any("runtime started" in line for line in head.stdout)
    yield address, settings
    os.killpg(head.pid, signal.SIGKILL)
    head.communicate()
    shutil.rmtree(temporary, ignore_errors=True)


def test_an_autoscaler_is_asked_for_nodes(
    driver: Start, workplace: Path, autoscaled: tuple[str, dict[str, str]]
) -> None:
    """What its largest kind cannot give ends with the numbers; what it can is asked for, waited for, and used."""
    address, settings = autoscaled
    asked = ("run", "witnessed.py", "--address", address)
    fitting = driver(*asked, "--trials", "3", "--epochs", "1", "--concurrent", "3", **settings)
    large = driver(*asked, "--cpus-per-trial", "4", "--name", "large", **settings)
    code, output = large.wait()
    assert code == 3, output
    assert "the largest that the autoscaler can bring 2. Ask for less" in output and "a trial needs 4 CPUs" in output
    code, output = fitting.wait()
    assert code == 0, output
    assert "waiting for a node, at most 15 min (--wait-for-nodes): a trial needs 1 CPU; the largest node has" in output
    assert "there is a node that holds a trial; the sweep goes on" in output
    assert [trial.ending for trial in opened(workplace, "witnessed").trials] == ["completed"] * 3
