"""Data is prepared once per node, however many trials a node has and however many nodes there are."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import write_mnist
from tests.on_ray.cluster import cluster
from tests.on_ray.conftest import Driver, opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

READERS = '''"""Trials that train on MNIST and write down, outside the sweep's folder, what they decoded where."""

import os
import time

from pydantic import BaseModel
from ray import tune

from experiments import FIFO, Experiment, Random
from trainables import Trainable, image_classifier


class Config(BaseModel):
    x: float = 0.0
    epochs: int = 1
    seed: int = 0


def train(config, checkpoints):
    from trainables._training.data.cache import decoded as cache

    build = cache._build

    def witnessed(place, work, meta, *others):
        with open(os.environ["WITNESS"] + ".built", "a") as witness:
            witness.write(f"{os.environ['RAYSWEEPS_CACHE']} {meta['name']} {meta['options']}\\n")
        time.sleep(0.5)
        build(place, work, meta, *others)

    cache._build = witnessed
    of_mnist = {"dataset": "mnist", "model": "mlp", "epochs": 1, "seed": config.seed}
    (record,) = image_classifier.epochs(of_mnist)
    cache._build = build
    with open(os.environ["WITNESS"], "a") as witness:
        witness.write(os.environ["RAYSWEEPS_CACHE"] + "\\n")
    record = {"epoch": 1, "loss": record["val_loss"]}
    checkpoints.save(1, record, None)
    yield record


experiment = Experiment(
    trainable=Trainable(name="reader", config_type=Config, train=train, metrics={"loss": "of MNIST"}),
    space={"x": tune.uniform(0, 1)},
    metric="loss",
    mode="min",
    search=Random(),
    scheduler=FIFO(),
    num_trials=5,
    epochs=1,
)
'''


def test_data_is_decoded_once_per_node(driver: Callable[..., Driver], workplace: Path) -> None:
    """Five trials on two nodes that share no cache decode each part of the data twice in all: once on each node."""
    (workplace / "readers.py").write_text(READERS)
    write_mnist(workplace / "data", train_rows=120, test_rows=30)
    one, two = (
        {"RAYSWEEPS_CACHE": str(workplace / f"cache-{name}"), "WITNESS": str(workplace / "witness")}
        for name in ("one", "two")
    )
    with cluster(workplace / "c", {"one": {"cpus": 2}}, one) as nodes:
        nodes.add("two", cpus=1, env=two)
        asked = ("run", "readers.py", "--address", nodes.address, "--data-dir", str(workplace / "data"))
        code, output = driver(*asked, **nodes.env).wait()
    assert code == 0, output
    assert [trial.ending for trial in opened(workplace, "readers").trials] == ["completed"] * 5
    trained = Counter((workplace / "witness").read_text().splitlines())
    assert set(trained) == {str(workplace / "cache-one"), str(workplace / "cache-two")}, "a node had no trial"
    built = Counter((workplace / "witness.built").read_text().splitlines())
    assert set(built.values()) == {1}
    parts = {cache: {line for line in built if line.startswith(f"{cache} ")} for cache in trained}
    assert len(parts[str(workplace / "cache-one")]) == len(parts[str(workplace / "cache-two")]) > 0
