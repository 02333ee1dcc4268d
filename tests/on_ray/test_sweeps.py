"""The main job on a real Ray: from the command to the winner, and from somebody else's repository."""

import json
import re
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.on_ray.conftest import CHECKOUT, Driver, each_epoch_once, opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

Start = Callable[..., Driver]

LAB = '''"""Does dropout help?"""

from experiments import ASHA, Experiment, Random
from lab_spaces import mine
from trainables import image_classifier

experiment = Experiment(
    trainable=image_classifier,
    space={"dataset": "digits", **mine()},
    metric="val_accuracy",
    mode="max",
    search=Random(),
    scheduler=ASHA(),
    num_trials=3,
    epochs=2,
)

if __name__ == "__main__":
    sweep = experiment.run(name="from_python", quiet=True)
    print(sweep.best.value, len(sweep.frame()))
'''

LAB_SPACES = '''"""Ranges of one laboratory."""

from ray import tune

from search_spaces import mlp


def mine():
    return {**mlp.narrow(), "dropout": tune.uniform(0.0, 0.2)}
'''

PLAIN = '''"""A plain Ray function, whose process is killed once."""

import json
import os
import tempfile

from ray import tune

from experiments import FIFO, Experiment, Random


def train(config):
    epoch = 0
    checkpoint = tune.get_checkpoint()
    if checkpoint:
        with checkpoint.as_directory() as folder, open(folder + "/state.json") as file:
            epoch = json.load(file)["epoch"]
    while epoch < config["epochs"]:
        epoch += 1
        if config["x"] > 0.5 and epoch == 2:
            raise RuntimeError("x is above a half")
        with open(os.environ["WITNESS"], "a") as witness:
            witness.write(f"{config['seed']} {epoch}\\n")
        if epoch == 3 and not os.path.exists(os.environ["WITNESS"] + ".killed"):
            open(os.environ["WITNESS"] + ".killed", "w").close()
            os.kill(os.getpid(), 9)
        with tempfile.TemporaryDirectory() as folder:
            with open(folder + "/state.json", "w") as file:
                json.dump({"epoch": epoch}, file)
            tune.report({"loss": config["x"] / epoch}, checkpoint=tune.Checkpoint.from_directory(folder))


experiment = Experiment(
    trainable=train,
    space={"x": tune.choice([0.1, 0.2, 0.9])},
    metric="loss",
    mode="min",
    search=Random(),
    scheduler=FIFO(),
    num_trials=3,
    epochs=4,
)
'''


def test_digits_mlp_finds_a_good_network_with_a_fraction_of_the_epochs(driver: Start, workplace: Path) -> None:
    """The quickstart's sweep: TPE after the random phase, ASHA stops trials, the best is good, files are private."""
    code, output = driver("run", "digits_mlp").wait(150)
    assert code == 0, output
    sweep = opened(workplace, "digits_mlp")
    each_epoch_once(sweep)
    trials = sweep.trials
    assert len(trials) == 64
    assert {trial.ending for trial in trials} == {"completed", "stopped"}
    assert sum(trial.epochs for trial in trials) <= 0.6 * 64 * 27
    origins = [trial.origin for trial in sweep.history.trials.values()]
    assert set(origins[:10]) == {"random"}
    assert origins.count("tpe") >= 40
    best = sweep.best
    record = trials[best.trial].records[best.epoch - 1]
    assert record["val_accuracy"] >= 0.95
    assert best.value == record["val_loss"] == min(r["val_loss"] for t in trials for r in t.records)
    assert best.checkpoint is not None
    assert json.loads((best.checkpoint / "checkpoint.json").read_text())["record"] == record
    first_epoch = re.search(r"first epoch reported after ([0-9.]+) s", output)
    assert first_epoch is not None
    assert float(first_epoch[1]) < 30, "15 s on a machine that does nothing else"
    assert "Authentication" not in output
    assert "Warning" not in output
    assert stat.S_IMODE(sweep.folder.stat().st_mode) == 0o700
    assert not (Path.home() / ".ray").exists(), "the token of a local cluster is in no file"


def test_an_experiment_of_another_repository_runs_from_there(driver: Start, workplace: Path) -> None:
    """That repository has folders `experiments` and `trainables` of its own, and a module beside the experiment."""
    for folder in ("experiments", "trainables"):
        (workplace / folder).mkdir()
        (workplace / folder / "__init__.py").write_text("raise RuntimeError('the wrong one was imported')\n")
    (workplace / "lab.py").write_text(LAB)
    (workplace / "lab_spaces.py").write_text(LAB_SPACES)
    code, output = driver("run", "lab.py").wait()
    assert code == 0, output
    sweep = opened(workplace, "lab")
    assert len(sweep.trials) == 3
    assert all(0 <= trial.config["dropout"] <= 0.2 for trial in sweep.trials)


def test_a_script_runs_its_experiment_and_looks_at_it(driver: Start, workplace: Path) -> None:
    """`experiment.run()` from a script in another folder gives the sweep, its best value and its table."""
    (workplace / "lab.py").write_text(LAB)
    (workplace / "lab_spaces.py").write_text(LAB_SPACES)
    code, output = driver("lab.py", command=[sys.executable]).wait()
    assert code == 0, output
    value, rows = output.split()
    assert float(value) == opened(workplace, "from_python").best.value
    assert int(rows) == 3


def test_a_plain_ray_function_keeps_what_it_reports(driver: Start, workplace: Path) -> None:
    """A killed process goes on from the checkpoint it reported; a trial that raises does not end the sweep."""
    (workplace / "plain.py").write_text(PLAIN)
    code, output = driver("run", "plain.py", "--seed", "3", "--trials", "4").wait()
    assert code == 0, output
    sweep = opened(workplace, "plain")
    each_epoch_once(sweep)
    for trial in sweep.trials:
        if trial.config["x"] > 0.5:
            assert (trial.ending, trial.epochs, trial.why) == ("error", 1, "RuntimeError: x is above a half")
        else:
            assert (trial.ending, trial.epochs) == ("completed", 4)
    assert output.count("Traceback (most recent call last)") <= 1
    witnessed = (workplace / "witness").read_text().splitlines()
    assert len(witnessed) - len(set(witnessed)) <= 1, "one killed process, one epoch trained twice"
    best = sweep.best
    assert best.checkpoint is not None
    assert json.loads((best.checkpoint / "state.json").read_text()) == {"epoch": best.epoch}


def test_an_uninstalled_checkout_runs_on_ray(driver: Start, workplace: Path) -> None:
    """`python -m experiments` from a copy of the three packages, with nothing of ours on the path otherwise."""
    for package in ("experiments", "trainables", "search_spaces"):
        shutil.copytree(CHECKOUT / package, workplace / package, ignore=shutil.ignore_patterns("__pycache__"))
    uninstalled = [sys.executable, "-m", "experiments"]
    code, output = driver("run", "digits_mlp", "--trials", "2", "--epochs", "1", command=uninstalled).wait()
    assert code == 0, output
    assert len(opened(workplace, "digits_mlp").trials) == 2


def test_f25_a_searcher_that_raises_ends_the_sweep_with_exit_3(driver: Start, workplace: Path) -> None:
    """F25: the engine's own fault is said once, the trials are kept, nothing hangs."""
    (workplace / "odd.py").write_text(
        (workplace / "witnessed.py").read_text()
        + "\n\nfrom dataclasses import dataclass, replace\n\n\n"
        + "@dataclass(frozen=True)\nclass Odd:\n    def faults(self, space):\n        return []\n\n"
        + "    def in_words(self, space):\n        return ['Odd.']\n\n"
        + "    def propose(self, space, observations, *, trial, seed):\n        if trial == 2:\n"
        + "            raise LookupError('no third one')\n"
        + "        return Random().propose(space, observations, trial=trial, seed=seed)\n\n\n"
        + "experiment = replace(experiment, search=Odd())\n"
    )
    code, output = driver("run", "odd.py").wait()
    assert code == 3, output
    assert "LookupError: no third one" in output
    assert "go on with: sweep resume" in output
    assert len(opened(workplace, "odd").trials) == 2
