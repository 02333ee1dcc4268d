"""`scripts/strategies`: three experiments that ask the same, what is made of their values, and nothing is run twice."""

import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ray import tune

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))  # scripts are run from a checkout, not installed

from experiments import FIFO, Experiment, Random  # noqa: E402
from experiments.digits_bayes import experiment as digits_bayes  # noqa: E402
from experiments.digits_grid import experiment as digits_grid  # noqa: E402
from experiments.digits_random import experiment as digits_random  # noqa: E402
from scripts.strategies_runs import curves, fresh, picture, sweeps, table  # noqa: E402
from scripts.strategies_runs.sweeps import INTERRUPTED, Plan, Results, UnfitError  # noqa: E402
from tests.experiments.conftest import Made, trainable  # noqa: E402
from trainables import Record, Trainable  # noqa: E402

VALUES = [[0.4, 0.2, 0.3, 0.1], [0.5, 0.6, 0.2, 0.7]]


def results(strategy: str, values: Sequence[Sequence[float]]) -> dict[str, Results]:
    """Found by one strategy."""
    return {strategy: Results(strategy=strategy, values=values, starts_at_random=2 if "bayes" in strategy else 0)}


def test_the_three_ask_the_same_of_the_same_bounds() -> None:
    """The grid's ends are the ends of the ranges, and all but the search is equal, the number of trials too."""
    grid = {dimension.name: dimension for dimension in digits_grid.searched.dimensions}
    ranges = {dimension.name: dimension for dimension in digits_random.searched.dimensions}
    assert list(grid) == list(ranges) == ["hidden_layers", "lr", "batch_size"]
    for name, values in ((name, each.categories) for name, each in grid.items()):
        assert (min(values), max(values)) == (ranges[name].lower, ranges[name].upper), name
    assert np.prod([len(each.categories) for each in grid.values()]) == digits_grid.num_trials == 27
    assert replace(digits_bayes, search=digits_random.search) == digits_random
    assert replace(digits_grid, search=digits_random.search, space=digits_random.space) == digits_random


def test_bayes_begins_as_random_does_with_the_same_seed() -> None:
    """The picture draws its line from where they part: the same configurations, and the same seeds of the trials."""
    space, searches = digits_random.searched, (digits_random.search, digits_bayes.search)
    for trial in range(digits_bayes.search.n_initial_points):
        one, other = (search.propose(space, [], trial=trial, seed=3) for search in searches)
        assert one == other


def test_the_best_so_far_counts_by_the_trials_numbers() -> None:
    """A trial without a value is no best; the first n count, not the first n to end."""
    found = curves.best_so_far([[0.4, float("inf"), 0.3, 0.5], [0.2, 0.6, 0.1, 0.3]])
    assert found.tolist() == [[0.4, 0.4, 0.3, 0.3], [0.2, 0.2, 0.1, 0.1]]
    assert curves.quartiles(found)[1].tolist() == pytest.approx([0.3, 0.3, 0.2, 0.2])
    assert curves.quartiles(found).tolist() == pytest.approx(np.quantile(found, curves.QUARTILES, axis=0))
    assert curves.quartiles(np.array([[0.1], [float("inf")], [0.2]]))[:2, 0].tolist() == pytest.approx([0.15, 0.2])


def test_in_any_order_is_what_all_orders_give() -> None:
    """The exact quartiles are those of every permutation of every seed's values, one by one."""
    found = curves.quartiles_in_any_order(VALUES)
    orders = curves.best_so_far([order for each in VALUES for order in itertools.permutations(each)])
    expected = np.quantile(orders, curves.QUARTILES, axis=0, method="inverted_cdf")
    assert found.tolist() == expected.tolist()


def test_the_table_tells_medians_wins_and_paired_differences() -> None:
    """Differences are taken seed by seed, so that what seeds share is no noise."""
    better = [[value - 0.01 * (1 + seed) for value in each] for seed, each in enumerate(VALUES)]
    told = list(table.lines(results("digits_grid", VALUES) | results("digits_random", better)))
    assert "| trials | 1 | 3 |" in told
    assert told[3].startswith("| digits_grid | 0.4500 (0.4250 to 0.4750) | 0.2000 (0.2000 to 0.2000) |")
    assert told[4].startswith("| digits_grid, in any order |")
    assert "Lowest after 4 trials: digits_grid with 0 of 2 seeds, digits_random with 2 of 2 seeds." in told
    assert told[-1].startswith("- digits_grid - digits_random: +0.0150 (")


@pytest.mark.parametrize(
    ("one", "words"), [(0.2, "+0.1000 with every seed"), (float("inf"), "a sweep without a value")]
)
def test_a_difference_that_has_no_interval_is_said(one: float, words: str) -> None:
    """All equal, or a sweep in which nothing succeeded."""
    told = list(table.lines(results("digits_grid", [[one], [one]]) | results("digits_bayes", [[0.1], [0.1]])))
    assert told[-1].endswith(words)


def test_the_picture_is_the_same_for_the_same_sweeps(tmp_path: Path) -> None:
    """Small, without a date and without random identifiers."""
    rng = np.random.default_rng(0)
    values = rng.uniform(0.05, 0.3, (10, 27)).tolist()
    found = {name: each for strategy in sweeps.STRATEGIES for name, each in results(strategy, values).items()}
    files = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for file in files:
        picture.draw(found, file)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].stat().st_size < 100_000 and "dc:date" not in files[0].read_text()


class Split(Made):
    """With a split of its data."""

    split_seed: int = 0


def made_up() -> Experiment:
    """Three trials that cost nothing."""
    return Experiment(
        trainable=trainable(),
        space={"x": tune.uniform(0.0, 1.0)},
        metric="loss",
        mode="min",
        search=Random(),
        scheduler=FIFO(),
        num_trials=3,
        epochs=1,
    )


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Give a sweep of the made-up question, not yet run."""
    monkeypatch.setattr(Plan, "experiment", property(lambda _: made_up()))
    return Plan(strategy="digits_random", seed=0, folder=tmp_path)


def test_what_is_finished_is_not_run_again(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """And its values are read in the order of the trials' numbers; another question's sweep is refused by name."""
    assert not plan.is_finished()
    assert sweeps.STRATEGIES[1] in plan.command()
    ran = made_up().run(name=plan.name, storage=plan.folder, here=True, quiet=True)
    assert plan.is_finished()
    assert sweeps.results([plan])["digits_random"].values == [[trial.value for trial in ran.trials]]
    monkeypatch.setattr(Plan, "command", lambda _: pytest.fail("was run again"))
    assert sweeps.run([plan], at_a_time=2) == 0
    monkeypatch.setattr(Plan, "experiment", property(lambda _: replace(made_up(), seed=1)))
    with pytest.raises(UnfitError, match="made by another digits_random"):
        plan.is_finished()


def test_winners_are_trained_anew_on_the_same_seeds_and_only_once(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a sweep whose winner another one has too, nothing is trained again; a line that was cut off is."""
    trained = []

    def noisy(config: Any, checkpoints: Any) -> Iterator[Record]:  # noqa: ARG001
        trained.append(config.split_seed)
        yield {"epoch": 1, "loss": config.x + config.seed % 10}

    asked = replace(made_up(), trainable=Trainable(name="noisy", config_type=Split, train=noisy, metrics={"loss": "x"}))
    monkeypatch.setattr(Plan, "experiment", property(lambda _: asked))
    best = asked.run(name=plan.name, storage=plan.folder, here=True, quiet=True).best.config["x"]
    trained.clear()
    for _ in range(2):
        assert fresh.means([plan, plan], repetitions=3)["digits_random"].tolist() == pytest.approx([best + 1] * 2)
        assert trained == [1_000_000, 1_000_001, 1_000_002]
    (plan.folder / fresh.KEPT).write_text((plan.folder / fresh.KEPT).read_text()[:-1])
    for _ in range(2):
        fresh.means([plan], repetitions=3)
        assert trained[3:] == [1_000_002]
    assert "2 of 2" in capsys.readouterr().out
    told = list(table.winners_lines({"digits_grid": np.array([0.2, 0.4]), "digits_bayes": np.array([0.1, 0.2])}, 3))
    assert told[1] == "- digits_grid: 0.3000 (0.2500 to 0.3500), mean 0.3000"
    assert told[-1].startswith("- digits_grid - digits_bayes: +0.1500 (")


def test_a_sweep_with_failed_trials_is_not_compared(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error says nothing of a configuration, and would count as the worst value: it is named with what to do."""

    def broken(*_: Any) -> Iterator[Record]:
        raise ValueError("no disk")
        yield {}

    asked = replace(made_up(), trainable=trainable(broken))
    monkeypatch.setattr(Plan, "experiment", property(lambda _: asked))
    asked.run(name=plan.name, storage=plan.folder, here=True, quiet=True)
    with pytest.raises(UnfitError, match=r"trial 0 of .* ended by error.*: ValueError: no disk\. Mend that, remove"):
        plan.is_finished()


def test_a_sweep_that_fails_ends_it_with_what_it_said(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its exit code is ours, and what has not begun does not begin."""
    monkeypatch.setattr(Plan, "command", lambda _: [sys.executable, "-c", "print('no disk'); raise SystemExit(3)"])
    assert sweeps.run([plan, replace(plan, seed=1)], at_a_time=1) == 3
    assert "FAILED with exit code 3\nno disk" in capfd.readouterr().out


def test_an_interrupt_reaches_each_sweep_once(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """They end at their next epoch, all of them are waited for, and the exit code says what happened."""
    began, ended = plan.folder / "began", plan.folder / "ended"
    os.mkfifo(began)
    body = (
        "import pathlib, signal, sys\n"
        f"signal.signal(signal.SIGINT, lambda *_: (pathlib.Path({str(ended)!r}).touch(), sys.exit(130)))\n"
        f"pathlib.Path({str(began)!r}).write_text('now')\n"
        "signal.pause()"
    )
    monkeypatch.setattr(Plan, "command", lambda _: [sys.executable, "-c", body])

    def interrupt() -> None:
        began.read_text()  # comes when it is written
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    assert sweeps.run([plan], at_a_time=1) == INTERRUPTED
    assert ended.exists()


def test_the_command_says_what_it_takes() -> None:
    """A number of seeds that no interval can be had of is refused before anything starts."""
    given = [sys.executable, "scripts/strategies", "--seeds", "1"]
    refused = subprocess.run(given, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "'1' is given where a whole number of at least 2 is needed" in refused.stderr
