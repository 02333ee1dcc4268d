"""With bare Ray, outside the checkout: an ordinary trainable whose trial survives the loss of its process."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from trainables import image_classifier

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

CONFIG = {"dataset": "digits", "lr": 0.01, "dropout": 0.1, "epochs": 5}

SCRIPT = """
import json, os, signal, sys
from pathlib import Path

import ray
from ray import tune

from trainables import CheckpointFolder, image_classifier, report_epochs

here = Path(__file__).parent
config = json.loads(sys.argv[1])


class KillOnce(tune.Callback):
    killed = False
    told = []  # Ray's own result.json loses what it had not yet copied when a trial is restored

    def on_trial_result(self, iteration, trials, trial, result, **info):
        names = ("pid", "epoch", "train_loss", "val_loss", "best_val_accuracy", "best_val_loss_epoch")
        self.told.append({name: result[name] for name in names})
        if result["training_iteration"] == 3 and not self.killed:
            self.killed = True
            os.kill(result["pid"], signal.SIGKILL)


class Threads:
    __name__ = "threads"

    def __call__(self, config):
        import torch
        settings = dict(config)
        segment = settings.pop("segment")
        report_epochs(image_classifier, settings, CheckpointFolder(here / "own", segment=segment))
        (here / "threads").write_text(str(torch.get_num_threads()))


def fit(trainable, space, name, **options):
    run = tune.RunConfig(name=name, storage_path=str(here / "results"), verbose=0, **options)
    return tune.Tuner(trainable, param_space=space, run_config=run).fit()


def story(result):
    lines = (Path(result.path) / "result.json").read_text().splitlines()
    return [json.loads(line) for line in lines]


ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
failures = tune.FailureConfig(max_failures=1)
killed = fit(
    tune.with_resources(image_classifier, {"cpu": 1}), config, "killed", callbacks=[KillOnce()], failure_config=failures
)[0]
plain = fit(image_classifier, {**config, "lr": tune.grid_search([0.1, 0.2]), "epochs": 2}, "plain")
fit(tune.with_resources(Threads(), {"cpu": 2}), {**config, "epochs": 2, "segment": 1}, "own-1")
own = fit(tune.with_resources(Threads(), {"cpu": 2}), {**config, "epochs": 3, "segment": 2}, "own-2")[0]
with killed.checkpoint.as_directory() as folder:
    newest = CheckpointFolder(folder).newest().record
(here / "evidence.json").write_text(json.dumps({
    "folder": Path(killed.path).name,
    "story": KillOnce.told,
    "newest": newest,
    "plain": [[line["epoch"] for line in story(result)] for result in plain],
    "errors": [str(error) for error in plain.errors],
    "own": [line["epoch"] for line in story(own)],
    "threads": (here / "threads").read_text(),
}))
ray.shutdown()
"""


def test_with_bare_ray(tmp_path: Path) -> None:
    """A Tuner runs the trainable under its name; after a SIGKILL it continues from Ray's checkpoint, bit by bit."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), json.dumps(CONFIG)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr[-3000:]
    evidence = json.loads((tmp_path / "evidence.json").read_text())

    assert evidence["folder"].startswith("image_classifier_")
    assert evidence["plain"] == [[1, 2], [1, 2]]
    assert evidence["errors"] == []
    assert evidence["own"] == [2, 3]  # the checkpoint's own record is reported again, then training goes on
    assert evidence["threads"] == "2"

    story = evidence["story"]
    assert len({line["pid"] for line in story}) == 2
    epochs = [line["epoch"] for line in story]
    resumed_at = epochs[[line["pid"] for line in story].index(story[-1]["pid"])]
    assert resumed_at in {3, 4}  # the epoch of the kill may be lost, none before it
    uninterrupted = {record["epoch"]: record for record in image_classifier.epochs(CONFIG)}
    for line in story:
        expected = uninterrupted[line["epoch"]]
        assert {
            name: line[name] for name in ("train_loss", "val_loss", "best_val_accuracy", "best_val_loss_epoch")
        } == {name: expected[name] for name in ("train_loss", "val_loss", "best_val_accuracy", "best_val_loss_epoch")}
    assert sorted(set(epochs)) == [1, 2, 3, 4, 5]
    assert evidence["newest"]["epoch"] == 5
