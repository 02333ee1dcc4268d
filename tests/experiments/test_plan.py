"""What `sweep show` says of an experiment before it runs."""

from pathlib import Path
from typing import Any

import pytest
from ray import tune
from ray.tune.schedulers import AsyncHyperBandScheduler, FIFOScheduler, HyperBandScheduler

from experiments import ASHA, FIFO, Experiment, HyperBand, MedianStopping, Random
from experiments._sweep.command_line import main
from experiments._sweep.foreign import adapted
from experiments._sweep.views.plan import plan_lines
from tests.experiments.conftest import trainable

HELD = (
    "           A plain Ray function that was held goes on from the newest checkpoint it reported; without\n"
    "           one it trains its epochs again, from the first, each recorded once.\n"
)


def plain(config: dict[str, Any]) -> None:
    """A plain Ray function."""
    tune.report({"loss": config["x"]})


def shown(scheduler: Any, folder: Path, train: Any = plain) -> str:
    """The plan under a scheduler, ours or Ray's."""
    question = Experiment(
        trainable=train,
        space={"x": tune.uniform(0.0, 1.0)},
        metric="loss",
        mode="min",
        search=Random(),
        scheduler=scheduler,
        num_trials=20,
        epochs=9,
    )
    return "\n".join(plan_lines(adapted(question), name="n", question="?", where="n", slots=1, folder=folder))


@pytest.mark.parametrize("scheduler", [HyperBand(), HyperBandScheduler(max_t=9)])
def test_a_plain_function_that_is_held_may_train_epochs_again(scheduler: Any, tmp_path: Path) -> None:
    """Which is said; a trainable that yields epochs goes on from its checkpoint."""
    assert HELD in shown(scheduler, tmp_path)
    assert "plain Ray function" not in shown(scheduler, tmp_path, trainable())


@pytest.mark.parametrize(
    "scheduler",
    [FIFO(), ASHA(), MedianStopping(), FIFOScheduler(), AsyncHyperBandScheduler(max_t=9)],
    ids=lambda scheduler: type(scheduler).__name__,
)
def test_where_nobody_is_held_nothing_is_said_of_it(scheduler: Any, tmp_path: Path) -> None:
    """These stop a trial or let it go on."""
    assert "that was held" not in shown(scheduler, tmp_path)


@pytest.mark.parametrize("epochs", [tune.randint(2, 6), tune.choice([2, 4, 5])])
def test_a_searched_budget_is_said_as_what_it_is(
    epochs: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody trains for `epochs` because that is the most; and a sweep's share counts what its trials were given."""
    question = Experiment(
        trainable=trainable(),
        space={"x": tune.uniform(0.0, 1.0), "epochs": epochs},
        metric="loss",
        mode="min",
        search=Random(),
        scheduler=FIFO(),
        num_trials=4,
        epochs=9,
    )
    said = "\n".join(plan_lines(adapted(question), name="n", question="?", where="n", slots=1, folder=tmp_path))
    assert "Every trial trains its whole budget: the epochs that its own configuration has.\n" in said
    assert "4 trials of 2 to 5 epochs: at most 20 epochs\n" in said
    trials = question.run(name="n", storage=tmp_path, here=True, quiet=True).trials
    assert [trial.epochs for trial in trials] == [trial.config["epochs"] for trial in trials]
    trained = sum(trial.epochs for trial in trials)
    assert main(["resume", "n", "--storage", str(tmp_path)]) == 0
    assert f"{trained} epochs trained, 100% of the {trained} that all trials" in capsys.readouterr().out
