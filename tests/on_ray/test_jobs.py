"""A sweep is submitted over HTTP from a checkout that is not installed; laptop, head and job go, and it goes on."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from experiments._sweep.ledger.lease import LEASE
from tests.on_ray.cluster import Cluster, cluster
from tests.on_ray.conftest import CHECKOUT, WITNESSED, Driver, each_epoch_once, epochs_recorded, opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

Start = Callable[..., Driver]
PYTHON = Path(sys.executable)
SENT = """
import beside
import trainables
from experiments import replace


def told(config, checkpoints, train=experiment.trainable.train):
    with open(os.environ["WITNESS"] + ".code", "a") as witness:
        witness.write(f"{trainables.__file__} {beside.__file__} {os.getcwd()}\\n")
    yield from train(config, checkpoints)


made = Trainable(name="witnessed", config_type=Config, train=told, metrics={"loss": "made up"})
experiment = replace(experiment, trainable=made)
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the three packages that nobody has installed, and beside it an experiment with a module of its own."""
    for package in ("experiments", "trainables", "search_spaces"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(CHECKOUT / package, tmp_path / "checkout" / package, ignore=ignored)
    asked = tmp_path / "asked"
    asked.mkdir()
    slower = WITNESSED.replace('"x": tune.uniform(0, 1)', '"x": tune.uniform(0, 1), "epoch_s": 0.4')
    (asked / "witnessed.py").write_text(slower + SENT)
    (asked / "beside.py").write_text("")
    (asked / ".env").write_text("PASSWORD=canary\n")
    return tmp_path / "checkout"


def test_f5_a_sweep_that_was_sent_over_http_outlives_laptop_head_and_job(
    driver: Start, workplace: Path, checkout: Path, tmp_path: Path
) -> None:
    """Let go with Ctrl+C it goes on; without its head it resumes in another cluster; stopped it is drained."""
    storage, folder = workplace / "results", workplace / "results" / "witnessed"
    witness = {"WITNESS": str(workplace / "witness")}

    def sweep(on: Cluster, *asked: str) -> Driver:
        arguments = (*asked, "--address", on.http, "--storage", str(storage))
        return driver(*arguments, command=(str(PYTHON), "-m", "experiments"), PYTHONPATH=str(checkout), **on.env)

    asked = str(tmp_path / "asked" / "witnessed.py")
    with cluster(tmp_path / "first", {"one": {"cpus": 1}, "two": {"cpus": 1}}, witness) as first:
        running = sweep(first, "run", asked, "--trials", "4", "--epochs", "14")
        running.until(lambda: epochs_recorded(folder) > 2)
        running.signal(signal.SIGINT)
        code, output = running.wait(20)
        assert code == 130 and "let go: the sweep goes on at" in output, output
        assert f"\nsweep {folder}\n" in output and "without what looks like a secret: .env" in output
        before = epochs_recorded(folder)
        waiting = driver("100", command=("sleep",))
        waiting.until(lambda: epochs_recorded(folder) > before + 2)
        first.kill_head()
    with cluster(tmp_path / "second", {"three": {"cpus": 2}}, witness) as second:
        before = epochs_recorded(folder)
        again = sweep(second, "resume", "witnessed", "--take-over")
        again.until(lambda: epochs_recorded(folder) > before + 2)
        (job,) = [each["submission_id"] for each in jobs_of(second) if each["status"] == "RUNNING"]
        ray_job(second, "stop", job)
        code, output = again.wait()
        assert code == 130 and "interrupted by SIGTERM" in output, output
        assert f"go on with: sweep resume --address {second.http} {folder}" in output
        assert not (folder / LEASE).exists(), "it was drained, not killed"
        code, output = sweep(second, "resume", str(folder)).wait()
    assert code == 0 and "4 completed" in output, output
    each_epoch_once(opened(workplace, "witnessed"))
    for line in (workplace / "witness.code").read_text().splitlines():
        assert all("_ray_pkg_" in place for place in line.split()), line
    assert "canary" not in "".join(path.read_text() for path in storage.rglob("*.json*"))


def jobs_of(on: Cluster) -> list[dict[str, Any]]:
    """What a cluster says of its jobs."""
    answer = requests.get(f"{on.http}/api/jobs/", headers=bearer(on), timeout=10)
    return [job for job in answer.json() if job["submission_id"]]


def ray_job(on: Cluster, *asked: str) -> None:
    """Use Ray's own command, as it is advised."""
    command = [str(PYTHON.parent / "ray"), "job", asked[0], "--address", on.http, *asked[1:]]
    told = subprocess.run(command, env={**os.environ, **on.env}, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


def bearer(on: Cluster) -> dict[str, str]:
    """The header that lets in."""
    return {"Authorization": f"Bearer {Path(on.env['RAY_AUTH_TOKEN_PATH']).read_text()}"}
