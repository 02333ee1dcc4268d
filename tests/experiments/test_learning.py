"""Warm start: what a new sweep is told of earlier ones, what is refused and why, and that it helps."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict
from ray import tune

from experiments import ASHA, FIFO, BayesOpt, Experiment, Grid, HyperOpt, Random
from experiments._sweep.engine.deciding.observing import observed_elsewhere
from experiments._sweep.errors import InputError
from experiments._sweep.ledger.files import LEDGER, read
from experiments._sweep.options import RunOptions
from experiments._sweep.registry import FoundExperiment
from experiments._sweep.start.learning import learned
from experiments._sweep.start.starting import start_sweep
from experiments._sweep.sweep import Sweep, open_sweep
from experiments._sweep.views.words import learned_in_words
from tests.experiments.resumable import Place
from trainables import Checkpoints, Record, Trainable


class Bowl(BaseModel):
    """A bowl with its lowest point at x = 0.3."""

    model_config = ConfigDict(extra="forbid")

    x: float = 0.5
    dataset: str = "one"
    dropout: float = 0.0
    epochs: int = 1
    seed: int = 0
    fail_above: float = 9.0


def train(config: Bowl, _: Checkpoints | None) -> Iterator[Record]:
    """Falls towards the bowl's value; raises or diverges where it is told to."""
    for epoch in range(1, config.epochs + 1):
        if config.x > config.fail_above:
            raise RuntimeError("too far out")
        loss = (config.x - 0.3) ** 2 + config.dropout + 0.1 / epoch
        yield {"epoch": epoch, "loss": float("nan") if config.x > 0.85 else loss, "accuracy": 1 - loss}


BOWL = Trainable(
    name="bowl", config_type=Bowl, train=train, metrics={"loss": "the bowl's", "accuracy": "the other way round"}
)


def asking(**changes: Any) -> Experiment:
    """An experiment on the bowl."""
    asked: dict[str, Any] = {
        "trainable": BOWL,
        "space": {"x": tune.uniform(0.0, 1.0)},
        "metric": "loss",
        "mode": "min",
        "search": Random(),
        "scheduler": FIFO(),
        "num_trials": 30,
        "epochs": 3,
    }
    return Experiment(**{**asked, **changes})


def ran(storage: Path, name: str, experiment: Experiment, *learn_from: str) -> Sweep:
    """A sweep in this process."""
    found = FoundExperiment(name=name, question="", source={"kind": "python", "name": name}, experiment=experiment)
    options = RunOptions(storage=str(storage), here=True, learn_from=learn_from)
    return start_sweep(found, options).sweep


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Earlier sweeps of 30 trials: `old`, and `failing`, whose outer third raises."""
    folder = tmp_path_factory.mktemp("earlier")
    ran(folder, "old", asking())
    ran(folder, "failing", asking(space={"x": tune.uniform(0.0, 1.0), "fail_above": 0.66}, seed=1))
    return folder


@pytest.mark.parametrize("search", [HyperOpt(), BayesOpt()], ids=str)
def test_a_warm_start_begins_where_the_earlier_sweep_ended(storage: Path, search: Any) -> None:
    """No random phase: the first proposals lie near the best of the earlier sweep, and say how much they knew."""
    sweep = ran(storage, f"warm-{type(search).__name__}", asking(search=search, num_trials=6, seed=3), "old")
    origins = {trial.origin for trial in sweep.history.trials.values()}
    assert origins <= {"tpe", "gp"}
    distances = sorted(abs(trial.config["x"] - 0.3) for trial in sweep.trials)
    assert distances[2] < 0.1  # of a random draw half lie further than 0.25 away
    assert len(sweep.history.sweep.learned[0]["trials"]) == 30


def test_what_was_learned_needs_the_new_folder_only(storage: Path, tmp_path: Path) -> None:
    """It is copied into the first line: the earlier sweep may be gone when the new one goes on."""
    sweep = ran(storage, "copied", asking(search=HyperOpt(), num_trials=2), "old")
    (tmp_path / LEDGER).write_bytes((sweep.folder / LEDGER).read_bytes())
    again = Sweep(tmp_path).history
    told = observed_elsewhere(again)
    assert [each.trial for each in told] == list(range(-30, 0))
    first = open_sweep("old", storage=storage).history.trials[0]
    assert told[0].config["x"] == first.config["x"] and told[0].losses == first.losses
    assert set(again.trials) == {0, 1}
    assert sum(entry.record.kind == "sweep" for entry in read(tmp_path / LEDGER)) == 1


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"space": {"x": tune.uniform(0.0, 0.5)}}, "x is not what is searched"),
        ({"require": lambda config: config["x"] < 0.5}, "not allowed by `require`"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason(storage: Path, changes: dict[str, Any], refused: str) -> None:
    """Trials that answer another question are left out, and how many for which reason is told."""
    experiment = asking(search=HyperOpt(), **changes)
    (told,) = learned(experiment, ["old"], storage)
    assert 0 < len(told["trials"]) < 30
    assert set(told["refused"]) - {"ended as error"} == {refused}
    assert f"{len(told['refused'][refused])}: {refused}" in learned_in_words(told)
    assert all(experiment.searched.values_of(trial["config"]) is not None for trial in told["trials"])


@pytest.mark.parametrize(
    ("space", "refused"),
    [
        ({"dataset": "two"}, 'dataset was "one", here "two"'),
        ({"dropout": tune.uniform(0.1, 0.5)}, "dropout is not what is searched"),
    ],
)
def test_where_nothing_fits_there_is_no_warm_start(storage: Path, space: dict[str, Any], refused: str) -> None:
    """A sweep that would silently start cold is refused, with the reasons."""
    experiment = asking(search=HyperOpt(), space={"x": tune.uniform(0.0, 1.0), **space})
    with pytest.raises(InputError, match=f"--learn-from: nothing is learned.*{refused}"):
        learned(experiment, ["old"], storage)


def test_s14_what_does_not_fit_is_told_without_secrets(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Why trials were refused is recorded as it is said."""
    monkeypatch.setenv("DB_PASSWORD", "SECRET123-learning")
    space = {"x": tune.uniform(0.0, 1.0), "dataset": "https://me:SECRET123-learning@host"}
    with pytest.raises(InputError, match=r"here \"https://me:<redacted>@host\"") as refused:
        learned(asking(search=HyperOpt(), space=space), ["old"], storage)
    assert "SECRET123" not in str(refused.value)


def test_exceptions_say_nothing_and_divergence_does(storage: Path) -> None:
    """A diverged trial is bad news about its configuration; one that raised may only have met a bug."""
    (told,) = learned(asking(search=HyperOpt()), ["old"], storage)
    assert {trial["ending"] for trial in told["trials"]} == {"completed", "diverged"}
    space = {"x": tune.uniform(0.0, 1.0), "fail_above": 0.66}
    (told,) = learned(asking(search=HyperOpt(), space=space), ["failing"], storage)
    assert 0 < len(told["refused"]["ended as error"]) < 30


def test_defaults_stand_for_what_was_not_said(storage: Path) -> None:
    """A hyperparameter that is searched only now had its default before, and one fixed at its default is no change."""
    space = {"x": tune.uniform(0.0, 1.0), "dropout": tune.uniform(0.0, 0.5), "dataset": "one"}
    (told,) = learned(asking(search=HyperOpt(), space=space), ["old"], storage)
    assert len(told["trials"]) == 30
    assert {trial["config"]["dropout"] for trial in told["trials"]} == {0.0}


def test_another_metric_is_read_from_the_records(storage: Path) -> None:
    """What an earlier sweep reported besides its own metric can be this one's."""
    experiment = asking(search=HyperOpt(), metric="accuracy", mode="max")
    (told,) = learned(experiment, ["old"], storage)
    old = open_sweep("old", storage=storage).trials
    for trial in told["trials"]:
        assert list(trial["values"].values()) == [record["accuracy"] for record in old[trial["trial"]].records]


@pytest.mark.parametrize(("epochs", "ending", "last"), [(2, "completed", 2), (3, "completed", 3), (9, "stopped", 3)])
def test_another_budget(storage: Path, epochs: int, ending: str, last: int) -> None:
    """Epochs beyond the new budget are not told; a trial that trained for less than it was not trained to the end."""
    (told,) = learned(asking(search=HyperOpt(), epochs=epochs), ["old"], storage)
    finite = [trial for trial in told["trials"] if trial["ending"] != "diverged"]
    assert {trial["ending"] for trial in finite} == {ending}
    assert {max(map(int, trial["values"])) for trial in finite} == {last}


def test_a_sweep_that_is_named_twice_is_told_once(storage: Path) -> None:
    """By its name and by its path: its trials would weigh double."""
    told = learned(asking(search=HyperOpt()), ["old", str(storage / "old"), "old"], storage)
    assert [each["sweep"] for each in told] == ["old"]


def test_show_tells_what_would_be_learned_and_what_not(resumable: Place) -> None:
    """In words and as JSON, with what is wrong, and nothing is written."""
    resumable.run("--name", "old")
    show = ("show", "mine.py", "--search", "hyperopt", "--learn-from")
    code, out, _ = resumable.sweep(*show, "old")
    assert code == 0 and "learns     4 of 4 trials of old fit" in out
    code, out, _ = resumable.sweep(*show, "old", "--json")
    assert code == 0 and json.loads(out)["learned"] == [{"sweep": "old", "trials": [0, 1, 2, 3], "refused": {}}]
    code, _, err = resumable.sweep(*show, "old", "gone", "--set", "y=1", "--concurrent", "0")
    assert code == 2 and "nothing is learned" in err and "no sweep 'gone'" in err and "--concurrent" in err
    code, _, err = resumable.sweep("show", "mine.py", "--learn-from", "old")
    assert code == 2 and "Random cannot be told trials of other sweeps" in err
    assert [each.name for each in (resumable.folder / "results").iterdir()] == ["old"]


def test_schedulers_compare_own_trials_only(storage: Path) -> None:
    """The first trial at a rung goes on, whatever earlier sweeps have recorded there."""
    scheduler = ASHA(grace_epochs=1, reduction_factor=3)
    sweep = ran(storage, "asha", asking(search=HyperOpt(), scheduler=scheduler, num_trials=1), "old")
    assert sweep.trials[0].ending == "completed"


@pytest.mark.parametrize("search", [Random(), Grid(points=3)], ids=str)
def test_a_searcher_that_learns_nothing_is_refused(storage: Path, search: Any) -> None:
    """Saying nothing would let one believe in a warm start."""
    with pytest.raises(InputError, match=r"--learn-from: .* cannot be told trials of other sweeps. Use --search hyper"):
        learned(asking(search=search), ["old"], storage)


def test_all_faults_at_once(storage: Path) -> None:
    """An unknown sweep, one of another trainable, and a fault of the options are told together; nothing is written."""
    other = Trainable(name="other", config_type=Bowl, train=train, metrics={"loss": "the bowl's"})
    there = set(storage.iterdir())
    found = FoundExperiment(
        name="new",
        question="",
        source={"kind": "python", "name": "new"},
        experiment=asking(trainable=other, search=HyperOpt()),
    )
    with pytest.raises(InputError) as refused:
        start_sweep(found, RunOptions(storage=str(storage), here=True, concurrent=0, learn_from=("nowhere", "old")))
    said = "\n".join(refused.value.faults)
    assert "--concurrent" in said
    assert "--learn-from: there is no sweep 'nowhere'" in said
    assert "--learn-from: old trained bowl, this experiment trains other" in said
    assert set(storage.iterdir()) == there
