"""The other searchers and schedulers on a real Ray, at the quickstart's question, and killed while trials are held."""

import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.on_ray.conftest import Driver, each_epoch_once, epochs_recorded, opened, trained

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

Start = Callable[..., Driver]

HALVING = '''"""The same, by a Gaussian process, in brackets."""

from dataclasses import replace

from experiments import BayesOpt, HyperBand
from witnessed import experiment as witnessed

experiment = replace(
    witnessed, search=BayesOpt(n_initial_points=4), scheduler=HyperBand(), num_trials=20, epochs=9
)
'''


@pytest.mark.parametrize(
    ("asked", "origin", "share"),
    [
        ("--search bayesopt --scheduler hyperband --trials 49", "gp", 0.6),
        ("--search random --scheduler median --trials 30 --epochs 9", "random", 0.9),
    ],
)
def test_a_good_network_is_found_with_fewer_epochs(
    driver: Start, workplace: Path, asked: str, origin: str, share: float
) -> None:
    """At least 0.95 of the validation images are right; trials are stopped; proposals are marked by what made them."""
    code, output = driver("run", "digits_mlp", *asked.split(), "--name", "found").wait(150)
    assert code == 0, output
    sweep = opened(workplace, "found")
    each_epoch_once(sweep)
    origins = Counter(trial.origin for trial in sweep.history.trials.values())
    assert origins[origin] >= len(sweep.trials) - 16
    assert sum(trial.ending == "stopped" for trial in sweep.trials) >= 8
    assert max(record["val_accuracy"] for trial in sweep.trials for record in trial.records) >= 0.95
    in_full = len(sweep.trials) * sweep.history.sweep.asks["epochs"]
    assert sum(trial.epochs for trial in sweep.trials) <= share * in_full


def test_a_driver_killed_while_trials_are_held_decides_as_if_nothing_had_happened(
    driver: Start, workplace: Path
) -> None:
    """SIGKILL in the middle of a bracket: no epoch is lost or doubled in the record, held trials are judged later."""
    (workplace / "halving.py").write_text(HALVING)
    first = driver("run", "halving.py")
    first.until(lambda: epochs_recorded(workplace / "results" / "halving") >= 60)
    os.killpg(first.process.pid, signal.SIGKILL)
    first.wait()
    before = opened(workplace, "halving").history.trials
    code, output = driver("resume").wait()
    assert code == 0, output
    sweep = opened(workplace, "halving")
    each_epoch_once(sweep)
    assert all(sweep.history.trials[number].config == trial.config for number, trial in before.items())
    assert all(sweep.history.trials[number].bracket == trial.bracket for number, trial in before.items())
    assert Counter(trial.bracket for trial in sweep.history.trials.values()) == {0: 3, 1: 5, 2: 9, 3: 3}
    assert {trial.ending for trial in sweep.trials} == {"completed", "stopped"}
    assert sum(count - 1 for count in trained(workplace).values()) <= 2 * 2
