"""Bad experiments are refused before anything starts, each fault by its text, all at once.

The rows of FAULTS are named by their numbers. Left out: B5 and half of B6, where `ray.tune` itself raises in the
experiment's file; B9 (names on the command line) and B20 (existing sweep), which are the command line's; B13, B14, B15
and B35, which a running trial shows (test_conductor); B18 beyond the type of the numbers, B22 and B23 for closures and
B34, which need a machine or a sweep; B21 (test_names); B24, which no searcher can reach without grids; B26 and B29,
whose searcher and scheduler are not here yet; B27, as there are no start points.
"""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from ray import tune

from experiments import ASHA, FIFO, Experiment, HyperOpt, InputError, Random
from experiments._sweep.options import RunOptions, preflight
from experiments._sweep.registry import of_value
from tests.experiments.conftest import Made, experiment, made_up
from trainables import Trainable, image_classifier, random_forest

CLASSIFIER = {"trainable": image_classifier, "metric": "val_loss"}


def faults(**changes: Any) -> list[str]:
    """What is said against an experiment with these changes."""
    with pytest.raises(InputError) as refused:
        experiment(**changes)
    assert str(refused.value).splitlines() == refused.value.faults
    return refused.value.faults


SPACES: list[tuple[str, Any, str]] = [
    ("B1", tune.uniform(1, 0), "space.x: the lower bound 1 is not below the upper bound 0 in uniform(1, 0). Swap them"),
    ("B1", tune.lograndint(8, 2), "space.x: the lower bound 8 is not below the upper bound 2"),
    ("B2", tune.loguniform(0.5, 1e-3), "space.x: the lower bound 0.5 is not below the upper bound"),
    ("B3", tune.randint(5, 5), "space.x: no values to choose from: both bounds"),
    ("B3", tune.choice([]), "space.x: no values to choose from"),
    ("B4", tune.choice("adam"), 'space.x: expected a list, got the string "adam". Did you mean ["adam"]?'),
    ("B6", tune.randn(float("nan"), 1), "space.x: mean must be a finite number, got nan"),
    ("B6", tune.choice([1.0, float("inf")]), "space.x[1]: inf is given where a finite number is needed."),
    ("B25", tune.grid_search([1, 2]), "space.x: Random cannot run grid_search; it draws from ranges and choices."),
    ("B28", 0.5, "space: nothing to search: every value is fixed (x)."),
]


@pytest.mark.parametrize(("row", "x", "said"), SPACES, ids=[f"{row}-{n}" for n, (row, _, _) in enumerate(SPACES)])
def test_a_bad_range_is_refused(row: str, x: Any, said: str) -> None:
    """Once, with its path, what was given and what is allowed."""
    (fault,) = faults(space={"x": x})
    assert fault.startswith(said), row


VALUES: list[tuple[str, dict[str, Any], str]] = [
    ("B12", {"mode": "minimise"}, "mode must be 'min' or 'max', got 'minimise'. Did you mean 'min'?"),
    ("B12", {"mode": None}, "mode must be 'min' or 'max', got None."),
    ("B13", {"metric": "los"}, "metric 'los' is not reported by made_up (it reports loss). Did you mean 'loss'?"),
    ("B13", {"metric": ""}, "metric must be the name of a reported value, got ''."),
    ("B16", {"num_trials": 0}, "num_trials must be a whole number of at least 1, got 0."),
    ("B16", {"num_trials": -3}, "num_trials must be a whole number of at least 1, got -3."),
    ("B16", {"num_trials": True}, "num_trials must be a whole number of at least 1, got True."),
    ("B16", {"epochs": 1.5}, "epochs must be a whole number of at least 1, got 1.5."),
    ("B17", {"cpus_per_trial": -1}, "cpus_per_trial must be a number of at least 0, got -1."),
    ("B17", {"cpus_per_trial": float("nan")}, "cpus_per_trial must be a number of at least 0, got nan."),
    ("B17", {"cpus_per_trial": 0}, "cpus_per_trial and gpus_per_trial are both 0; a trial needs one of them."),
    ("B18", {"gpus_per_trial": "two"}, "gpus_per_trial must be a number of at least 0, got 'two'."),
    ("B19", {"gpus_per_trial": 1.5}, "gpus_per_trial above 1 must be a whole number, got 1.5. A fraction shares one"),
    ("B19", {"gpus_per_trial": 2}, "gpus_per_trial is 2, but made_up uses at most 1. Use 1 or a fraction of it."),
    ("B18", {"resources_per_trial": 1}, "resources_per_trial must be a dict of names and numbers, got 1."),
    ("B18", {"resources_per_trial": {"": 1}}, "resources_per_trial: '' is not a name."),
    ("B18", {"resources_per_trial": {"big": 0}}, "resources_per_trial: big must be a number of at least 0.0001, got "),
    ("B18", {"resources_per_trial": {"big": "1"}}, "resources_per_trial: big must be a number of at least 0.0001, got"),
    ("B18", {"resources_per_trial": {"GPU": 1}}, "resources_per_trial has 'GPU'. It has an option of its own: gpus_"),
    ("B18", {"resources_per_trial": {"memory": 1}}, "resources_per_trial has 'memory'. Ray counts it in bytes and "),
    ("B31", {"seed": "0"}, "seed must be a whole number from 0 to 2**32 - 1, got '0'."),
    ("B31", {"seed": -1}, "seed must be a whole number from 0 to 2**32 - 1, got -1."),
    ("B31", {"seed": 2**32}, "seed must be a whole number from 0 to 2**32 - 1, got 4294967296."),
    ("B11", {"scheduler": ASHA(grace_epochs=9)}, "scheduler.grace_epochs: 9 is more than the budget of 3 epochs"),
    (
        "B11",
        {"scheduler": ASHA(reduction_factor=1)},
        "scheduler.reduction_factor: 1 is given, a finite number of at le",
    ),
    ("", {"scheduler": ASHA}, "scheduler must be a scheduler such as ASHA() or FIFO(), got <class"),
    ("", {"scheduler": "asha"}, "scheduler must be a scheduler such as ASHA() or FIFO(), got 'asha'."),
    ("", {"search": Random}, "search must be a searcher such as HyperOpt() or Random(), got <class"),
    ("", {"search": HyperOpt(n_initial_points=0)}, "search.n_initial_points: 0 is given"),
    ("", {"space": [1]}, "space must be a dict of constants and ray.tune domains, got [1]."),
    ("B32", {"trainable": lambda config, x: None}, "trainable must take one argument, the configuration; it takes con"),  # noqa: ARG005
    ("B33", {"trainable": "image_classifier"}, "trainable must be one of trainables or a function f(config), got 'im"),
    ("", {"trainable": Made}, "trainable is the class Made; classes are not supported."),
]


@pytest.mark.parametrize(("row", "change", "said"), VALUES, ids=[f"{row}-{n}" for n, (row, _, _) in enumerate(VALUES)])
def test_a_bad_value_is_refused(row: str, change: dict[str, Any], said: str) -> None:
    """Once, by its text."""
    (fault,) = faults(**change)
    assert fault.startswith(said), row


def test_an_option_typo_is_an_exception_of_python() -> None:
    """B10: nothing is dropped in silence."""
    with pytest.raises(TypeError, match="grace_periood"):
        ASHA(grace_periood=5)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("space", "said"),
    [
        (
            {"learning_rate": tune.uniform(0.1, 1)},
            "space: image_classifier has no 'learning_rate' (it takes activation,",
        ),
        ({"learning_rate": tune.uniform(0.1, 1)}, "Did you mean 'lr'?"),
        (
            {"lr": tune.uniform(0.1, 1000)},
            "space: image_classifier: 'lr' is 1000.0; it should be less than or equal to",
        ),
        ({"lr": tune.uniform(-1, 1)}, "space: image_classifier: 'lr' is -1.0; it should be greater than 0"),
        (
            {"optimizer": tune.choice(["adam", "sdg"])},
            "'optimizer' is 'sdg'; it should be 'sgd', 'adam', 'adamw' or 'rmsprop'",
        ),
        ({"batch_size": tune.uniform(1, 9), "dropout": 2}, "space: image_classifier: 'dropout' is 2"),
    ],
)
def test_each_key_and_range_is_checked_against_the_configuration(space: dict[str, Any], said: str) -> None:
    """Both ends of each range and every category, before anything starts."""
    assert said in "\n".join(faults(**CLASSIFIER, space=space))


def test_a_metric_of_another_task_is_refused() -> None:
    """A trainable lists all that it can report; what it reports for this space decides, and a forest takes no GPU."""
    space = {"dataset": "diabetes", "max_features": tune.uniform(0.2, 1)}
    said = faults(trainable=random_forest, metric="val_accuracy", mode="max", space=space, gpus_per_trial=1)
    assert "gpus_per_trial is 1, but random_forest uses at most 0. Use 0." in said
    assert any(
        "'val_accuracy' is one that random_forest does not report for this space (it reports" in each for each in said
    )
    trains = experiment(trainable=random_forest, metric="val_accuracy", mode="max", space={**space, "dataset": "wine"})
    assert trains.metric == "val_accuracy"


def test_a_metric_that_only_the_data_refuses_is_refused_when_a_sweep_starts(tmp_path: Path) -> None:
    """What a file of one's own predicts is known once it is known where it lies."""
    (tmp_path / "prices.csv").write_text("area,price\n" + "".join(f"{n},{2 * n}\n" for n in range(40)))
    space = {"dataset": "table_file", "path": "prices.csv", "target": "price", "max_features": tune.uniform(0.2, 1)}
    asked = experiment(trainable=random_forest, metric="val_accuracy", mode="max", space=space)
    said = preflight(of_value(asked, "prices"), RunOptions(data_dir=str(tmp_path), storage=str(tmp_path)))
    assert len(said) == 1
    assert "'val_accuracy' is one that random_forest does not report for this space (it reports val_loss" in said[0]


def test_missing_data_is_no_fault_of_the_experiment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """It can be read where it cannot run; a sweep asks when it starts (B30)."""
    monkeypatch.setenv("RAYSWEEPS_DATA", str(tmp_path))
    assert experiment(**CLASSIFIER, space={"dataset": "mnist", "lr": tune.uniform(0.1, 1)}).num_trials == 4


def test_a_budget_has_one_owner() -> None:
    """A constant in the space is refused, a searched one goes with FIFO only and not above the budget."""
    x = tune.uniform(0.0, 1.0)
    (constant,) = faults(space={"x": x, "epochs": 3})
    assert constant.startswith("space.epochs is the constant 3, but the budget has one owner.")
    space = {"x": x, "epochs": tune.randint(1, 10)}
    compared, above = faults(space=space, scheduler=ASHA())
    assert "space.epochs is searched, which goes with FIFO() only: ASHA compares trials of one budget." in compared
    assert above == "space.epochs goes up to 9, above epochs=3. Set epochs=9."
    assert experiment(space=space, scheduler=FIFO(), epochs=9).budget({"epochs": 4}) == 4


def test_a_predicate_that_cannot_be_asked_hides_no_other_fault() -> None:
    """Keys, values and start points are checked as if it were not there."""
    space = {"dataset": "digitz", "model": "mlp", "dropout": tune.uniform(0, 3)}
    asked, *others = faults(**CLASSIFIER, space=space, require=lambda config: config["no"], start_points=[{"z": 1}])
    assert asked.startswith("require raised KeyError: 'no'")
    for said in ("'dataset' is 'digitz'", "'dropout' is 3.0", "start_points[0]: the space has no 'z'"):
        assert sum(said in fault for fault in others) == 1, said


def test_what_is_not_in_the_record_cannot_be_a_policy() -> None:
    """A searcher of one's own is a dataclass: the ledger's first line keeps its fields."""

    class Own:
        def faults(self, space: Any) -> list[str]:
            return []

        def in_words(self, space: Any) -> list[str]:
            return []

        def propose(self, space: Any, observations: Any, *, trial: int, seed: int) -> None:
            return None

    (fault,) = faults(search=Own())
    assert fault.startswith("search is a Own, which is no dataclass") and "@dataclass" in fault


def test_all_faults_are_told_at_once() -> None:
    """One error with everything, each once."""
    said = faults(
        space={"x": tune.uniform(1, 0), "y": tune.choice([]), "z": threading.Lock()},
        metric="los",
        mode="up",
        search="tpe",
        scheduler=ASHA(grace_epochs=7, reduction_factor=0),
        num_trials=0,
        cpus_per_trial=-1,
        gpus_per_trial="one",
        seed=-1,
    )
    beginnings = [
        "num_trials",
        "seed",
        "space.x",
        "space.y",
        "space.z",
        "mode",
        "metric",
        "cpus_per",
        "gpus_per",
        "search",
    ]
    for beginning in [*beginnings, "scheduler.grace_epochs", "scheduler.reduction_factor"]:
        assert sum(fault.startswith(beginning) for fault in said) == 1, beginning
    assert any(fault.startswith("space.z: a thread lock cannot be written into the sweep's record") for fault in said)
    assert sum(fault.startswith("space: ") and f"has no '{key}'" in fault for key in "yz" for fault in said) == 2
    assert len(said) == 14


def test_a_function_written_in_c_is_taken_as_it_is() -> None:
    """It does not tell its arguments."""
    assert isinstance(experiment(trainable=min), Experiment)


def test_a_range_that_fits_only_half_is_one_fault() -> None:
    """The same sentence from several configurations is told once."""

    class Narrow(BaseModel):
        x: float
        epochs: int
        seed: int = 0

    def train(config: Narrow, _: Any) -> Iterator[dict[str, Any]]:
        return made_up(Made(**config.model_dump()), None)

    narrow = Trainable(name="narrow", config_type=Narrow, train=train, metrics={"loss": ""})
    (fault,) = faults(trainable=narrow, space={"y": tune.uniform(0, 1), "z": tune.choice([1, 2, 3])})
    assert "'x' is missing" in fault
