"""Ray's searchers and schedulers in a sweep, our searchers in a plain Ray script, a sweep that ends by its target."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.on_ray.conftest import Driver, each_epoch_once, opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

Start = Callable[..., Driver]

FOREIGN = """

from dataclasses import replace

from ray.tune.schedulers import MedianStoppingRule
from ray.tune.search.optuna import OptunaSearch

experiment = replace(
    experiment,
    search=OptunaSearch(seed=1),
    scheduler=MedianStoppingRule(time_attr="training_iteration", grace_period=1, min_samples_required=2),
    space={"x": tune.uniform(0, 1), "epoch_s": 0.02},
    num_trials=14,
)
"""

TARGET = """

from dataclasses import replace

experiment = replace(experiment, space={"x": tune.uniform(0, 1), "epoch_s": 0.05}, target=1.6)
"""

PLAIN = '''
import logging
import sys

import ray
from ray import tune
from ray.tune.schedulers import ASHAScheduler

from experiments import BayesOptSearch, HyperOptSearch


class Data:
    """A constant that no JSON has."""


def train(config):
    assert isinstance(config["data"], Data)
    optimizer = config["optimizer"]
    if optimizer["name"] == "sgd" and optimizer["lr"] > 0.08:
        raise RuntimeError("too fast")
    for epoch in range(1, 4):
        tune.report({"loss": abs(optimizer["lr"] - 0.03) + 1 / epoch})


ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="CRITICAL")
logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
for kind in (BayesOptSearch, HyperOptSearch):
    search = kind(
        n_initial_points=4,
        seed=1,
        start_points=[{"optimizer": {"name": "adam", "lr": 0.005}}],
        require=lambda config: config["optimizer"]["lr"] < 0.09,
    )
    results = tune.Tuner(
        train,
        param_space={
            "data": Data(),
            "optimizer": tune.choice(
                [{"name": "sgd", "lr": tune.uniform(0.01, 0.1)}, {"name": "adam", "lr": tune.loguniform(1e-4, 1e-2)}]
            ),
        },
        tune_config=tune.TuneConfig(
            search_alg=search,
            scheduler=ASHAScheduler(max_t=3, grace_period=1, reduction_factor=2),
            metric="loss",
            mode="min",
            num_samples=12,
            max_concurrent_trials=2,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(name=kind.__name__, storage_path=sys.argv[1], verbose=0),
    ).fit()
    lrs = [result.config["optimizer"]["lr"] for result in results]
    assert len(lrs) == len(set(lrs)) == 12 and lrs[0] == 0.005 and max(lrs) < 0.09, lrs
    print(kind.__name__, results.num_terminated, results.num_errors, results.get_best_result().config["optimizer"])
'''


def test_optuna_and_a_median_rule_of_rays(driver: Start, workplace: Path) -> None:
    """A sweep with both ends well; what cannot be promised is said; trials are stopped by the rule."""
    (workplace / "foreign.py").write_text((workplace / "witnessed.py").read_text() + FOREIGN)
    code, output = driver("run", "foreign.py").wait()
    assert code == 0, output
    assert output.count("OptunaSearch keeps its state in memory: after a lost driver") == 1
    assert output.count("MedianStoppingRule keeps its state in memory: after a lost driver") == 1
    assert "A new study created" not in output and "Warning" not in output
    sweep = opened(workplace, "foreign")
    each_epoch_once(sweep)
    assert {trial.origin for trial in sweep.history.trials.values()} == {"OptunaSearch"}
    endings = [trial.ending for trial in sweep.trials]
    assert len(endings) == 14 and set(endings) == {"completed", "stopped"}
    assert "stopped by MedianStoppingRule" in {trial.why for trial in sweep.trials}


def test_our_searchers_in_a_plain_ray_script(driver: Start, workplace: Path) -> None:
    """`tune.Tuner` with a conditional space, a constant that is an object, failures, ASHA and reused actors."""
    (workplace / "plain.py").write_text(PLAIN)
    started = driver(
        *("plain.py", str(workplace / "ray_results")),
        command=[sys.executable, "-W", "ignore"],
        HOME=str(workplace),  # a Ray that is started without us writes its token there
    )
    code, output = started.wait()
    assert code == 0, output
    assert "BayesOptSearch" in output and "HyperOptSearch" in output
    states = list((workplace / "ray_results" / "BayesOptSearch").glob("searcher-state-*.json"))
    assert states, "saved as JSON beside Ray's own state"


def test_a_sweep_that_ends_by_its_target_is_extended(driver: Start, workplace: Path) -> None:
    """Exit code 0 at the next epochs; resumed without a new target it says so at once, with one it goes on."""
    (workplace / "aimed.py").write_text((workplace / "witnessed.py").read_text() + TARGET)
    code, output = driver("run", "aimed.py").wait()
    assert code == 0, output
    assert "ended early (target): the target of 1.6 was reached by trial" in output
    ended = opened(workplace, "aimed")
    assert sum(trial.epochs for trial in ended.trials) < 6 * 5
    code, output = driver("resume").wait()
    assert code == 0 and "aimed has ended: the target of 1.6 was reached by trial" in output, output
    code, output = driver("resume", "--target", "none").wait()
    assert code == 0, output
    sweep = opened(workplace, "aimed")
    each_epoch_once(sweep)
    assert [(trial.ending, trial.epochs) for trial in sweep.trials] == [("completed", 5)] * 6
    for before, after in zip(ended.trials, sweep.trials, strict=False):
        assert before.records == after.records[: before.epochs]
