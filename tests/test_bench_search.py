"""The problems of `scripts/bench search` have the best that they say, and every contender searches the same space."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import optuna
import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))  # scripts are run from a checkout, not installed

from experiments import Random  # noqa: E402
from scripts.benchmarks.search.contenders import OurSearcher  # noqa: E402
from scripts.benchmarks.search.early_stopping import TABLES, simulate  # noqa: E402
from scripts.benchmarks.search.peers import suggested  # noqa: E402
from scripts.benchmarks.search.problems import NAMES, problem  # noqa: E402
from scripts.benchmarks.search.runs import Run, Runs, run  # noqa: E402
from scripts.benchmarks.search.tables import read_table  # noqa: E402
from scripts.benchmarks.search.warm_start import compare as warm_start  # noqa: E402


@pytest.mark.parametrize("name", NAMES)
def test_no_draw_is_better_than_the_optimum(name: str) -> None:
    """The optimum is a configuration of the space, without regret, and none of 2,000 others has a lower value."""
    of = problem(name)
    best = of.value(of.optimum)
    assert best is not None
    assert of.space.values_of(of.optimum) is not None
    assert of.regret(of.optimum) == 0
    rng = np.random.default_rng(0)
    drawn = [of.value(of.space.configuration(of.space.draw(rng))) for _ in range(2000)]
    assert best <= min(value for value in drawn if value is not None) + 1e-9


@pytest.mark.parametrize("name", ["branin", "hartmann6", "ackley5", "log_bowl", "network", "optimizers", "half_fails"])
def test_the_optimum_is_a_minimum(name: str) -> None:
    """No small step from the optimum, in any continuous range, is better."""
    of = problem(name)
    values, best = of.space.values_of(of.optimum), of.value(of.optimum)
    assert values is not None
    for dimension in of.space.active(values):
        if dimension.kind == "float":
            for factor in (-1e-3, 1e-3):
                step = factor * (values[dimension.path] if dimension.log else dimension.upper - dimension.lower)
                moved = of.value(of.space.configuration(values | {dimension.path: values[dimension.path] + step}))
                assert moved is not None
                assert best is not None and moved >= best - 1e-9


@pytest.mark.parametrize("name", NAMES)
def test_optuna_searches_the_same_space(name: str) -> None:
    """Each suggestion of Optuna comes from the same bounds, scale and categories, and is a configuration of ours."""
    space = problem(name).space
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    by_name = {dimension.name: dimension for dimension in space.dimensions}
    seen = set()
    for _ in range(30):
        trial = study.ask()
        config = space.configuration(suggested(trial, space))
        values = space.values_of(config)
        assert values is not None and space.configuration(values) == config
        assert {dimension.name for dimension in space.active(values)} == set(trial.distributions)
        seen |= set(trial.distributions)
        for label, distribution in trial.distributions.items():
            dimension = by_name[label]
            if isinstance(distribution, optuna.distributions.CategoricalDistribution):
                assert distribution.choices == tuple(dimension.categories)
            else:
                assert isinstance(
                    distribution, optuna.distributions.FloatDistribution | optuna.distributions.IntDistribution
                )
                assert (distribution.low, distribution.high) == (dimension.lower, dimension.upper)
                assert (distribution.log, distribution.step or None) == (dimension.log, dimension.step)
    assert seen == set(by_name)


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_complete(name: str) -> None:
    """A table has every configuration of its grid once, each with a loss and an accuracy for every epoch."""
    table = json.loads((REPOSITORY / f"scripts/benchmarks/tables/{name}.json").read_text(encoding="utf-8"))
    assert len(read_table(name).curves) == len(table["rows"]) == math.prod(map(len, table["grid"].values()))
    for row in table["rows"]:
        assert all(value in values for value, values in zip(row["values"], table["grid"].values(), strict=True))
        assert len(row["val_loss"]) == len(row["val_accuracy"]) == table["constants"]["epochs"]


@pytest.mark.parametrize("name", ["random", "optuna-tpe"])
def test_runs_are_repeatable(name: str) -> None:
    """The same seed gives the same run, also where values are noisy or trials fail; another seed gives another."""
    for of in (problem("hartmann6_noisy"), problem("half_fails")):
        first, again, other = (run(of, name, seed=seed, trials=15).steps for seed in (0, 0, 1))
        assert first == again != other


def test_a_contender_is_told_of_failures() -> None:
    """A failed trial is told to ours as diverged, without a loss; the regret is infinite until one has succeeded."""
    ours = OurSearcher(Random(), problem("half_fails").space, 0)
    ours.ask()
    ours.tell(None)
    assert [(each.ending, each.losses) for each in ours._observations] == [("diverged", {})]
    made = Run(trials=5, seconds=0.0, steps=((3, 0.5), (4, 0.25)))
    assert [made.regret(after) for after in (2, 3, 5)] == [math.inf, 0.5, 0.25]


def test_kept_runs_are_read_again(tmp_path: Path) -> None:
    """What was written to a file is there for the next call; shorter runs do not count for more trials."""
    made = Run(trials=5, seconds=0.5, steps=((1, 0.5),))
    Runs(tmp_path / "runs.json").add(("branin", "random", 0), made)
    kept = Runs(None, [tmp_path / "runs.json"])
    assert kept.get(("branin", "random", 0)) == made
    assert kept.of("branin", "random", seeds=2, trials=5) == [made]
    assert kept.of("branin", "random", seeds=2, trials=6) == []


def test_early_stopping_costs_no_more_than_was_given() -> None:
    """A simulated sweep ends with its epochs, and what it has found only gets better."""
    steps = simulate("digits_mlp", "random", seed=0, epochs=100)
    assert steps[-1][0] <= 103
    assert [regret for _, regret in steps] == sorted((regret for _, regret in steps), reverse=True)


def test_a_warm_start_is_measured_beside_a_cold_one(capsys: pytest.CaptureFixture[str]) -> None:
    """The first new trials of a sweep that was told an earlier one are better."""
    assert warm_start(problems=["log_bowl"], searchers=["hyperopt"], seeds=3) == 0
    cold, warm = (line.split()[3:] for line in capsys.readouterr().out.splitlines()[2:])
    assert all(float(told) < float(untold) for told, untold in zip(warm, cold, strict=True))
