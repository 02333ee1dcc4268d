"""What docs/trainables.md shows runs on a real Ray, as it stands there."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.on_ray.conftest import CHECKOUT, Driver, each_epoch_once, opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

PAGE = (CHECKOUT / "docs" / "trainables.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PARTS, LOOP, FUNCTION = (block for block in BLOCKS if block.startswith('"""'))  # the others are additions to these

TWO_EXPERIMENTS = '''"""The two trainables of the page in an experiment."""

from dataclasses import replace

from ray import tune

from experiments import ASHA, Experiment, HyperOpt
from {module} import {name}

experiment = Experiment(
    trainable={name},
    space={{"lr": tune.loguniform(1e-3, 1.0)}},
    metric="{metric}",
    mode="min",
    search=HyperOpt(),
    scheduler=ASHA(grace_epochs=1, reduction_factor=2),
    num_trials=4,
    epochs=4,
    cpus_per_trial=1,
    gpus_per_trial=0,
)
'''


def test_a_plain_ray_function(workplace: Path, driver: Callable[..., Driver]) -> None:
    """The function of the page is swept as it is: every epoch of every trial, and a best one."""
    (workplace / "descend.py").write_text(FUNCTION)
    code, output = driver("run", "descend.py").wait()
    assert code == 0, output
    sweep = opened(workplace, "descend")
    assert [len(trial.epochs) for trial in sweep.history.trials.values()] == [3] * 4
    each_epoch_once(sweep)


@pytest.mark.parametrize(
    ("code", "name", "metric"), [(PARTS, "softmax", "val_loss"), (LOOP, "perceptron", "val_error")]
)
def test_a_trainable_of_ones_own(
    code: str, name: str, metric: str, workplace: Path, driver: Callable[..., Driver]
) -> None:
    """A trainable from parts, and one with a loop of its own, in a module beside the experiment; one of them on Ray."""
    (workplace / f"my_{name}.py").write_text(code)
    (workplace / "mine.py").write_text(TWO_EXPERIMENTS.format(module=f"my_{name}", name=name, metric=metric))
    ended, output = driver("run", "mine.py", *(["--here"] if name == "softmax" else [])).wait()
    assert ended == 0, output
    sweep = opened(workplace, "mine")
    assert sweep.best.checkpoint is not None
    each_epoch_once(sweep)
