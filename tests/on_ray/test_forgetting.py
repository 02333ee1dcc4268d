"""Tune's loop forgets the trials that are over, and a sweep ends as if it had not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import open_sweep

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

PLAIN = '''"""Plain Ray functions, of which some fail."""

from ray import tune

from experiments import FIFO, Experiment, Random


def train(config):
    if int(config["x"] * 1000) % 12 == 0:
        raise RuntimeError("unlucky")
    tune.report({"loss": config["x"]})


experiment = Experiment(
    trainable=train,
    space={"x": tune.uniform(0, 1)},
    metric="loss",
    mode="min",
    search=Random(),
    scheduler=FIFO(),
    num_trials=30,
    epochs=1,
    cpus_per_trial=0.5,
)
'''

RUN = """
from experiments._sweep.command_line import main
from experiments._sweep.engine.on_ray import forgetting

forgetting.REMEMBERED = 3
forgetting.ShortMemory._forget_at = 6
most, forget = [0], forgetting.ShortMemory.on_step_begin

def watched(self):
    forget(self)
    most.append(len(self._trials) + len(self._stopped_trials) + len(self._failed_trials) + len(self._live_trials))

forgetting.ShortMemory.on_step_begin = watched
code = main(["run", "plain.py", "--name", "plain", "--storage", ".", "--concurrent", "2"])
print("most", max(most), "code", code)
"""


def test_f30_tune_keeps_a_few_trials_and_the_sweep_all(tmp_path: Path) -> None:
    """Thirty trials, some of which fail: each ends once, a handful was ever kept, and no state of Tune's is left."""
    (tmp_path / "plain.py").write_text(PLAIN)
    done = subprocess.run(
        [sys.executable, "-c", RUN], cwd=tmp_path, capture_output=True, text=True, check=True, env={**os.environ}
    )
    *_, most, _, code = done.stdout.split()
    assert code == "0" and int(most) < 40, done.stdout  # four lists of at most ten; 60 and more were none forgotten
    endings = [trial.ending for trial in open_sweep("plain", storage=tmp_path).trials]
    assert len(endings) == 30 and set(endings) == {"completed", "error"}
    left = [path for path in (tmp_path / "plain" / "ray").rglob("*") if not path.is_dir()]
    assert left == [], left
