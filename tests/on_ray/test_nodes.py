"""Trials on a cluster of several nodes: where they are placed, and what becomes of them when nodes come and go."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.on_ray.cluster import Cluster, cluster
from tests.on_ray.conftest import Driver, each_epoch_once, opened

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


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A head without CPUs, `one` with 2 CPUs, `two` with 2 CPUs and 2 pretended GPUs."""
    with cluster(tmp_path_factory.mktemp("cluster") / "c") as made:
        yield made


@pytest.fixture
def words(workplace: Path) -> Path:
    """The folder where trials leave word, in the workplace with the experiment."""
    folder = workplace / "words"
    folder.mkdir()
    (workplace / "placed.py").write_text(PLACED.replace("WORDS", repr(str(folder))))
    return folder


@pytest.fixture
def run(driver: Start, nodes: Cluster, words: Path) -> Start:
    """Start `sweep run placed.py` on the cluster."""
    assert words.is_dir()
    return lambda *more: driver("run", "placed.py", "--address", nodes.address, *more, **nodes.env)


def told(words: Path) -> list[dict[str, Any]]:
    """What the trials' processes have said of themselves."""
    return [json.loads(file.read_text()) for file in words.glob("*.json")]


def test_half_gpus_are_shared_and_what_no_node_has_is_said(run: Start, words: Path, workplace: Path) -> None:
    """Four halves on two GPUs at the same time, two on each; eight GPUs and an unknown resource end with numbers."""
    halves = run("--gpus-per-trial", "0.5", "--set", "together=4")
    eight = run("--gpus-per-trial", "8", "--name", "eight")
    code, output = eight.wait()
    assert code == 3, output
    assert "a trial needs 8 GPUs; the largest node has 2. Ask for less: --gpus-per-trial." in output
    code, output = run("--resource", "big_memory=1", "--name", "unknown").wait()
    assert code == 3, output
    assert "a trial needs 1 big_memory; no node has any (the nodes declare none of their own)." in output
    code, output = halves.wait()
    assert code == 0, output
    assert sorted(word["CUDA_VISIBLE_DEVICES"] for word in told(words)) == ["0", "0", "1", "1"]
    assert {word["RAYSWEEPS_LOCAL_NODE"] for word in told(words)} == {"two"}
    assert "trials use none" not in output
    assert opened(workplace, "placed").history.asks["gpus_per_trial"] == 0.5


def test_a_node_that_comes_is_waited_for(run: Start, nodes: Cluster, words: Path, workplace: Path) -> None:
    """No node has both GPUs and the resource of their own: said, waited for, and used when it joins."""
    started = run("--gpus-per-trial", "2", "--resource", "big_memory=1", "--wait-for-nodes", "2m", "--trials", "2")
    assert started.process.stdout is not None
    said = next(line for line in started.process.stdout if "waiting for a node" in line)
    assert "at most 2 min (--wait-for-nodes): a trial needs 1 big_memory; no node has any" in said
    nodes.add("three", cpus=2, gpus=2, big_memory=1)
    code, output = started.wait()
    nodes.kill("three")
    assert code == 0, output
    assert {tuple(word.values()) for word in told(words)} == {("three", "0,1")}
    assert opened(workplace, "placed").history.asks["resources_per_trial"] == {"big_memory": 1}


def test_a_node_that_is_not_fit_is_named(run: Start, nodes: Cluster, workplace: Path, tmp_path: Path) -> None:
    """Another version of Ray on one node: told before any trial starts, with the node."""
    odd = tmp_path / "odd" / "ray-9.9.9.dist-info"
    odd.mkdir(parents=True)
    (odd / "METADATA").write_text("Metadata-Version: 2.1\nName: ray\nVersion: 9.9.9\n")
    nodes.add("odd", cpus=1, env={"PYTHONPATH": str(odd.parent)})
    try:
        code, output = run().wait()
    finally:
        nodes.kill("odd")
    assert code == 3, output
    assert re.search(
        r"trials cannot run on 1 of 3 nodes\. node odd at 127\.0\.0\.1 \(\w{8}\): it has Ray 9\.9\.9", output
    )
    assert not opened(workplace, "placed").trials


def test_f4_f5_g2_g9_a_lost_node_costs_an_epoch_and_a_lost_head_ends_the_driver(
    driver: Start, run: Start, nodes: Cluster, words: Path, workplace: Path
) -> None:
    """A node is killed and another joins: the sweep uses it; then the head: exit 3 within a minute, resumable."""
    epochs = words / "epochs"
    running = run("--epochs", "200", "--set", "epoch_s=0.4", "--cpus-per-trial", "1")
    running.until(lambda: epochs.exists() and len({*_numbers(epochs)}) == 4)
    nodes.kill("one")
    running.until(lambda: any(_causes(workplace)))
    nodes.add("four", cpus=2)
    running.until(lambda: "four" in {word["RAYSWEEPS_LOCAL_NODE"] for word in told(words)})
    assert {*_causes(workplace)} == {"node"}
    assert {trial.ending for trial in opened(workplace, "placed").trials} <= {"running", "interrupted", "completed"}
    nodes.kill_head()
    killed = time.monotonic()
    code, output = running.wait(90)
    assert code == 3, output
    assert time.monotonic() - killed < 60
    assert "does not answer any more" in output and "go on with: sweep resume results/placed" in output
    (words / "hurry").touch()
    code, output = driver("resume", "placed", "--here").wait()
    assert code == 0, output
    sweep = opened(workplace, "placed")
    each_epoch_once(sweep)
    assert [(trial.ending, trial.epochs) for trial in sweep.trials] == [("completed", 200)] * 4
    trained = epochs.read_text().splitlines()
    assert len(trained) - len({*trained}) <= 2 + 4, "one epoch for each trial that was running, at each of two losses"


def _numbers(epochs: Path) -> list[str]:
    """By its seed, the trial of each epoch that was trained."""
    return [line.split()[0] for line in epochs.read_text().splitlines()]


def _causes(workplace: Path) -> list[str]:
    """Why segments were lost so far."""
    trials = opened(workplace, "placed").history.trials.values()
    return [segment.cause for trial in trials for segment in trial.segments if segment.cause]
