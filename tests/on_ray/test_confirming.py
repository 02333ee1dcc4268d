"""A real network and a plain Ray function, searched and confirmed on one Ray."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.on_ray.conftest import Driver, opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

NETWORK = '''"""Which learning rate? Where and with how many threads the test split is measured is written down."""

import os
from dataclasses import replace

import torch
from ray import tune

from experiments import FIFO, Experiment, Random
from trainables import image_classifier


def test(config, saved):
    with open(os.environ["WITNESS"], "a") as witness:
        witness.write(f"{os.getpid()} {torch.get_num_threads()} {os.environ.get('RAYSWEEPS_DATA')} {os.getcwd()}\\n")
    return image_classifier.test(config, saved)


experiment = Experiment(
    trainable=replace(image_classifier, test=test),
    space={"dataset": "digits", "model": "mlp", "hidden_units": 16, "lr": tune.loguniform(1e-3, 1e-1)},
    metric="val_loss",
    mode="min",
    search=Random(),
    scheduler=FIFO(),
    num_trials=2,
    epochs=1,
)
'''

PLAIN = '''"""Which x?"""

import random

from ray import tune

from experiments import FIFO, Experiment, Random


def descend(config):
    for epoch in range(1, 3):
        tune.report({"loss": config["x"] + random.Random(config["seed"]).random() / 100 + 1 / epoch})


experiment = Experiment(
    trainable=descend, space={"x": tune.uniform(0, 1)}, metric="loss", mode="min", search=Random(), scheduler=FIFO(),
    num_trials=2, epochs=2,
)
'''

COMMANDS = """
import sys
from experiments._sweep.command_line import main
from experiments._sweep.engine.on_ray.entry.session import ray_session

with ray_session("local"):
    for command in sys.argv[1:]:
        code = main(command.split())
        if code:
            sys.exit(f"{command}: {code}")
"""


def test_a_network_and_a_plain_function(driver: Callable[..., Driver], workplace: Path) -> None:
    """Checkpoints are measured in processes of Ray's, with the data folder and the threads of a trial; then a refit."""
    (workplace / "network.py").write_text(NETWORK)
    (workplace / "plain.py").write_text(PLAIN)
    (workplace / "data").mkdir()
    commands = ["run network.py --here --data-dir data", "confirm network --top 1 --seeds 2 --refit"]
    commands += ["run plain.py", "confirm plain --top 1 --seeds 2"]
    started = driver("-c", COMMANDS, *commands, command=[sys.executable])
    code, output = started.wait()
    assert code == 0, output
    witness = [line.split() for line in (workplace / "witness").read_text().splitlines()]
    assert len(witness) == 4 and str(started.process.pid) not in {words[0] for words in witness}
    assert {tuple(words[1:]) for words in witness} == {("1", str(workplace / "data"), str(workplace))}
    answer = opened(workplace, "network").confirmed
    assert answer is not None and (answer["on"], answer["metric"]) == ("test", "test_loss")
    assert [each["failed"] for each in answer["configurations"]] == [0, 0] and json.dumps(answer)
    assert "measuring 4 checkpoints on the test split (use 1 of it)" in output
    assert "refit: " in output and opened(workplace, "network/confirm-1/refit").best.checkpoint is not None
    answer = opened(workplace, "plain").confirmed
    assert answer is not None and answer["on"] == "validation" and len(answer["configurations"]) == 1
    assert answer["notes"][0] == "Not compared with the trainable's defaults: a plain Ray function has none."
    assert answer["notes"][1].startswith(
        "A plain Ray function has no test split. The configurations are compared by loss"
    )
    assert answer["configurations"][0]["values"][0] != answer["configurations"][0]["values"][1]
