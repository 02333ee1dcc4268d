"""Trials on a cluster of several nodes: where they are placed, and what becomes of them when nodes come and go."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments._sweep.ledger.files import LEDGER
from experiments._sweep.sweep import Sweep
from tests.on_ray.cluster import Cluster, cluster
from tests.on_ray.conftest import SWEEP, Driver, each_epoch_once, opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Start = Callable[..., Driver]

PLACED = '''"""Trials that leave word of where they are, and wait for each other."""

import json
import re
import os
import time

from pydantic import BaseModel
from ray import tune

from experiments import FIFO, Experiment, Random
from trainables import Trainable


class Config(BaseModel):
    x: float = 0.0
    epochs: int = 1
    seed: int = 0
    words: str
    together: int = 1
    epoch_s: float = 0.01


def train(config, checkpoints):
    saved = checkpoints.newest()
    if saved:
        yield saved.record
    word = {name: os.environ.get(name) for name in ("RAYSWEEPS_LOCAL_NODE", "CUDA_VISIBLE_DEVICES")}
    began = os.path.join(config.words, f"{config.seed}-{os.getpid()}.json")
    with open(began + ".new", "w") as file:
        json.dump(word, file)
    os.rename(began + ".new", began)
    end = time.monotonic() + 60
    while sum(name.endswith(".json") for name in os.listdir(config.words)) < config.together:
        assert time.monotonic() < end, "the others did not come"
        time.sleep(0.05)
    for epoch in range(saved.record["epoch"] + 1 if saved else 1, config.epochs + 1):
        if not os.path.exists(os.path.join(config.words, "hurry")):
            time.sleep(config.epoch_s)
        with open(os.path.join(config.words, "epochs"), "a") as file:
            file.write(f"{config.seed} {epoch}\\n")
        record = {"epoch": epoch, "loss": config.x + 1 / epoch}
        checkpoints.save(epoch, record, None)
        yield record


experiment = Experiment(
    trainable=Trainable(name="placed", config_type=Config, train=train, metrics={"loss": "made up"}, max_gpus=8),
    space={"x": tune.uniform(0, 1), "words": WORDS},
    metric="loss",
    mode="min",
    search=Random(),
    scheduler=FIFO(),
    num_trials=4,
    epochs=2,
    cpus_per_trial=0.5,
)
'''


QUICK_TO_NOTICE = {
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_failure_threshold": "4",
}
"""How soon Ray's head takes a node for dead that does not answer; by itself, in 15 s."""


LASTING = ("--resource", "lasting=1")


class Placed:
    """Starts sweeps of placed.py on one cluster, each in a folder of its own."""

    def __init__(self, folder: Path, nodes: Cluster) -> None:
        self.folder, self.nodes = folder, nodes
        self.drivers: dict[str, Driver] = {}
        self.other_ray = {"PYTHONPATH": str(folder / "odd")}
        """The environment of a node that seems to have another version of Ray."""

    def run(self, name: str, *more: str) -> Driver:
        """Start `sweep run placed.py` in the folder `name`."""
        (self.words(name)).mkdir(parents=True)
        place = self.folder / name
        (place / "placed.py").write_text(PLACED.replace("WORDS", repr(str(self.words(name)))))
        asked = ("run", "placed.py", "--address", self.nodes.address, *more)
        self.drivers[name] = Driver([*SWEEP, *asked], cwd=place, env=self.nodes.env)
        return self.drivers[name]

    def words(self, name: str) -> Path:
        """The folder where its trials leave word."""
        return self.folder / name / "words"

    def told(self, name: str) -> list[dict[str, Any]]:
        """What its trials' processes have said of themselves."""
        return [json.loads(file.read_text()) for file in self.words(name).glob("*.json")]

    def opened(self, name: str) -> Sweep:
        """Its sweep."""
        return opened(self.folder / name, "placed")


@pytest.fixture(scope="module")
def placed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Placed]:
    """A cluster on which all sweeps have begun that do not mind each other; `odd` has another version of Ray.

    `one` and `two` hold two trials each of the sweep that will lose `one`, and the head; `two` has 2 pretended GPUs;
    `odd` has no CPUs, and what only `two` has as well.
    """
    folder = tmp_path_factory.mktemp("nodes")
    packages = folder / "odd" / "ray-9.9.9.dist-info"
    packages.mkdir(parents=True)
    (packages / "METADATA").write_text("Metadata-Version: 2.1\nName: ray\nVersion: 9.9.9\n")
    named = {"one": {"cpus": 2.0, "lasting": 2.0}, "two": {"cpus": 4.0, "gpus": 2.0, "shared": 1.0, "lasting": 2.0}}
    with cluster(tmp_path_factory.mktemp("cluster") / "c", named, QUICK_TO_NOTICE) as nodes:
        made = Placed(folder, nodes)
        made.run("lost", *("--epochs", "150", "--set", "epoch_s=0.8", "--cpus-per-trial", "1"), *LASTING)
        made.run("halves", "--gpus-per-trial", "0.5", "--set", "together=4")
        made.run("waiting", *("--gpus-per-trial", "2", "--resource", "big_memory=1", "--wait-for-nodes", "2m"))
        made.run("eight", "--gpus-per-trial", "8")
        made.run("unknown", "--resource", "huge=1")
        nodes.add("odd", shared=1, env=made.other_ray)
        made.run("unfit", "--cpus-per-trial", "0", "--resource", "shared=1")
        yield made
        for each in made.drivers.values():
            if each.process.poll() is None:
                each.process.kill()
            each.wait()


def test_half_gpus_are_shared(placed: Placed) -> None:
    """Four halves on two GPUs at the same time, two on each, and nowhere else."""
    code, output = placed.drivers["halves"].wait()
    assert code == 0, output
    assert sorted(word["CUDA_VISIBLE_DEVICES"] for word in placed.told("halves")) == ["0", "0", "1", "1"]
    assert {word["RAYSWEEPS_LOCAL_NODE"] for word in placed.told("halves")} == {"two"}
    assert "trials use none" not in output
    assert placed.opened("halves").history.asks["gpus_per_trial"] == 0.5


def test_what_no_node_has_is_said_with_the_numbers(placed: Placed) -> None:
    """Eight GPUs, and a resource of which nobody has heard."""
    code, output = placed.drivers["eight"].wait()
    assert code == 3, output
    assert "a trial needs 8 GPUs; the largest node has 2. Ask for less: --gpus-per-trial." in output
    code, output = placed.drivers["unknown"].wait()
    assert code == 3, output
    assert "a trial needs 1 huge; no node has any (the nodes declare " in output


def test_a_node_that_comes_is_waited_for(placed: Placed) -> None:
    """No node has both GPUs and the resource of their own: said, waited for, and used when it joins."""
    waiting = placed.drivers["waiting"]
    assert waiting.process.stdout is not None
    said = next(line for line in waiting.process.stdout if "waiting for a node" in line)
    assert "at most 2 min (--wait-for-nodes): a trial needs 1 big_memory; no node has any" in said
    placed.nodes.add("three", cpus=2, gpus=2, big_memory=1)
    code, output = waiting.wait()
    placed.nodes.kill("three")
    assert code == 0, output
    assert {tuple(word.values()) for word in placed.told("waiting")} == {("three", "0,1")}
    assert placed.opened("waiting").history.asks["resources_per_trial"] == {"big_memory": 1}


def test_a_node_that_is_not_fit_is_named(placed: Placed) -> None:
    """Another version of Ray on one of the nodes for its trials: told before any starts, with the node."""
    code, output = placed.drivers["unfit"].wait()
    assert code == 3, output
    named = r"trials cannot run on 1 of 2 nodes\. node odd at 127\.0\.0\.1 \(\w{8}\): it has Ray 9\.9\.9"
    assert re.search(named, output), output
    assert not placed.opened("unfit").trials


def test_f4_f5_g2_g9_a_lost_node_costs_an_epoch_and_a_lost_head_ends_the_driver(placed: Placed, driver: Start) -> None:
    """A node is killed and another joins: looked at, and used; then the head: exit 3 within a minute, resumable."""
    words, nodes = placed.words("lost"), placed.nodes
    epochs = words / "epochs"
    running = placed.drivers["lost"]
    running.until(lambda: epochs.exists() and len({*_numbers(epochs)}) == 4)
    nodes.kill("one")
    nodes.add("four", cpus=2, lasting=2, env=placed.other_ray)
    running.until(lambda: any(_causes(placed)))
    running.until(lambda: "four" in {word["RAYSWEEPS_LOCAL_NODE"] for word in placed.told("lost")})
    assert running.process.stdout is not None
    said = next(line for line in running.process.stdout if "a node has joined that is not fit" in line)
    assert re.search(r"node four at .*: it has Ray 9\.9\.9", said), said
    assert {*_causes(placed)} == {"node"}
    assert {trial.ending for trial in placed.opened("lost").trials} <= {"running", "interrupted", "completed"}
    nodes.kill_head()
    killed = time.monotonic()
    code, output = running.wait(90)
    assert code == 3, output
    assert time.monotonic() - killed < 60
    assert "does not answer any more" in output and "go on with: sweep resume results/placed" in output
    (words / "hurry").touch()
    code, output = driver("resume", str(placed.folder / "lost" / "results" / "placed"), "--here").wait()
    assert code == 0, output
    sweep = placed.opened("lost")
    each_epoch_once(sweep)
    assert [(trial.ending, trial.epochs) for trial in sweep.trials] == [("completed", 150)] * 4
    trained = epochs.read_text().splitlines()
    assert len(trained) - len({*trained}) <= 2 + 4, "one epoch for each trial that was running, at each of two losses"


def _numbers(epochs: Path) -> list[str]:
    """By its seed, the trial of each epoch that was trained."""
    return [line.split()[0] for line in epochs.read_text().splitlines()]


def _causes(placed: Placed) -> list[str]:
    """Why segments were lost so far; asked often, so the records are not all read."""
    ledger = placed.folder / "lost" / "results" / "placed" / LEDGER
    return re.findall(r'"cause": ?"(\w+)"', ledger.read_text())
