"""Which configurations are confirmed, what the defaults are, and which seeds are fresh."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel, Field
from ray import tune

from experiments import ASHA, BayesOpt, Experiment
from experiments._sweep.derived.confirmation.announcing import measured
from experiments._sweep.derived.confirmation.candidates import (
    Candidate,
    defaults,
    drawn_anew,
    fresh_seeds,
    leading,
    with_defaults,
)
from experiments._sweep.ledger.history import History
from search_spaces import optimizers
from tests.experiments.conftest import Driven, Made, experiment
from tests.experiments.test_conductor import report, take
from trainables import Trainable, image_classifier, random_forest


class Inner(BaseModel):
    """A part of a configuration."""

    name: str = "adam"
    lr: float = 0.5


class Nested(BaseModel):
    """A configuration with parts, and with defaults that are made when they are asked for."""

    inner: Inner = Inner()
    choice: dict[str, float] | None = None
    layers: tuple[int, ...] = Field(default_factory=lambda: (3, 2))
    epochs: int = 7
    seed: int = 0
    split_seed: int = 0


class Demanding(Made):
    """A configuration whose author demands a value."""

    depth: int


def asked(space: dict[str, Any], config_type: type[BaseModel] = Nested, **changes: Any) -> Experiment:
    """An experiment over a configuration type."""

    def train(config: Any, checkpoints: Any) -> Any:
        raise NotImplementedError

    made = Trainable(name="made_up", config_type=config_type, train=train, metrics={"loss": "falls"})
    return experiment(trainable=made, space=space, **changes)


def found(space: dict[str, Any], config: dict[str, Any], config_type: type[BaseModel] = Nested) -> Any:
    """The defaults, of a search over the space that had the configuration, as its ledger tells."""
    searched = asked(space, config_type)
    return defaults(searched, json.loads(json.dumps(searched.asks())), config)


def test_constants_stay_and_what_was_searched_gets_its_default() -> None:
    """Also inside a dict of the space, where a part is a model, and where the default is made by a function."""
    space = {
        "inner": {"name": "sgd", "lr": tune.uniform(0.0, 1.0)},
        "layers": tune.choice([[1], [2, 2]]),
        "choice": tune.choice([{"a": tune.uniform(0.0, 1.0)}, None]),
    }
    config = {"inner": {"name": "sgd", "lr": 0.1}, "layers": [1], "choice": {"a": 0.3}, "epochs": 3, "seed": 1}
    expected = {"inner": {"name": "sgd", "lr": 0.5}, "layers": [3, 2], "choice": None, "epochs": 3}
    assert found(space, config) == Candidate(label="defaults", trial=None, config=expected, promised=None)


def test_a_list_with_ranges_is_searched_as_a_whole() -> None:
    """Its constants are no dict with the keys `0` and `1`."""
    config = found({"layers": [tune.randint(1, 5), 2]}, {"layers": [4, 2], "epochs": 3}).config
    assert config == {"layers": [3, 2], "epochs": 3}


def test_the_budget_is_that_of_the_search_also_where_it_was_searched() -> None:
    """The trainable's own default for epochs belongs to another question."""
    assert found({"epochs": tune.randint(1, 4), "seed": 5}, {"epochs": 2, "seed": 5}).config == {"seed": 5, "epochs": 3}


def test_the_constants_are_those_of_the_search_not_of_the_file_of_today() -> None:
    """A space that was edited since changes nothing of what is compared."""
    then = asked({"inner": {"name": "sgd", "lr": tune.uniform(0.0, 1.0)}})
    now = asked({"inner": {"name": "adam", "lr": tune.uniform(0.0, 9.0)}, "layers": [1]}, epochs=9)
    made = defaults(now, json.loads(json.dumps(then.asks())), {"inner": {"name": "sgd", "lr": 0.2}, "epochs": 3})
    assert isinstance(made, Candidate) and made.config == {"inner": {"name": "sgd", "lr": 0.5}, "epochs": 3}


def test_a_field_that_must_be_given_is_said() -> None:
    """There are no defaults then, and the others are confirmed without them."""
    searched = asked({"depth": tune.randint(1, 5)}, Demanding)
    leader = Candidate(label="trial 1", trial=1, config={"depth": 3, "epochs": 3}, promised=0.5)
    candidates, notes = with_defaults([leader], searched, json.loads(json.dumps(searched.asks())))
    told = "Not compared with the trainable's defaults: made_up: 'depth' is missing; give it a value."
    assert candidates == [leader] and notes == [told]


def test_a_plain_ray_function_has_no_defaults() -> None:
    """What it does without a key is its own secret."""

    def plain_function(config: Any) -> None:
        raise NotImplementedError

    plain = experiment(trainable=plain_function, space={"x": tune.uniform(0, 1)})
    leader = Candidate(label="trial 1", trial=1, config={"x": 3}, promised=0.5)
    candidates, notes = with_defaults([leader], plain, plain.asks())
    assert candidates == [leader] and notes == [
        "Not compared with the trainable's defaults: a plain Ray function has none."
    ]


def test_a_leader_that_is_the_defaults_is_trained_once() -> None:
    """It is said, and there is no gain to speak of."""
    searched = experiment(space={"x": tune.choice([0.0, 1.0])})
    leader = Candidate(label="trial 1", trial=1, config={"x": 0.0, "epochs": 3, "seed": 77}, promised=0.5)
    candidates, notes = with_defaults([leader], searched, searched.asks())
    assert candidates == [leader] and notes == ["The trainable's defaults are the configuration of trial 1."]


def test_the_shipped_branches_have_defaults() -> None:
    """An optimizer as a dict of its own is searched as a whole, and the trainable's own optimizer stands for it."""
    space = {"dataset": "digits", "model": "mlp", **optimizers.branched()}
    searched = experiment(
        trainable=image_classifier, space=space, metric="val_loss", search=BayesOpt(n_initial_points=3), epochs=5
    )
    config = next(searched.samples())
    made = defaults(searched, json.loads(json.dumps(searched.asks())), config)
    assert isinstance(made, Candidate)
    own = image_classifier.config_type().model_dump(mode="json")
    assert made.config == {**{name: own[name] for name in space}, "dataset": "digits", "model": "mlp", "epochs": 5}
    assert image_classifier.faults({**made.config, "seed": 1}) == []


def searched(drive: Any, configurations: list[dict[str, Any]], losses: list[float], **changes: Any) -> History:
    """A search with given configurations that ended at given losses."""
    from experiments._sweep.derived.repetition import repetition

    given = repetition(experiment(**changes), configurations, ["given"] * len(losses), experiment().scheduler)
    driven: Driven = drive(given)
    for loss in losses:
        report(driven.conductor, take(driven.conductor), 1, loss)
    return driven.journal.history


def test_of_one_configuration_the_best_trial_leads(drive: Any) -> None:
    """Trials that differ in their seeds only are one configuration; others move up."""
    configurations = [{"x": x, "seed": seed, "epochs": 1} for x, seed in ((1, 5), (1, 6), (2, 7), (1, 8), (3, 9))]
    history = searched(drive, configurations, [0.2, 0.1, 0.3, 0.15, 0.4], epochs=1)
    assert [(each.label, each.promised) for each in leading(history, 2)] == [("trial 1", 0.1), ("trial 2", 0.3)]
    assert [each.trial for each in leading(history, 9)] == [1, 2, 4]


def test_trials_that_failed_do_not_lead(drive: Any) -> None:
    """NaN is a divergence, whatever the trial was worth before."""
    history = searched(drive, [{"x": 1, "epochs": 1}, {"x": 2, "epochs": 1}], [float("nan"), 0.3], epochs=1)
    assert [each.trial for each in leading(history, 3)] == [1]


@pytest.mark.parametrize(
    ("space", "names"),
    [
        ({}, ["seed", "split_seed"]),
        ({"seed": 3}, ["seed", "split_seed"]),
        ({"split_seed": 3}, ["seed"]),
        ({"split_seed": tune.randint(0, 9), "seed": tune.randint(0, 9)}, ["seed", "split_seed"]),
    ],
    ids=["not there", "seed pinned", "split pinned", "searched"],
)
def test_which_seeds_are_drawn_anew(space: dict[str, Any], names: list[str]) -> None:
    """A pinned split is part of the question; a pinned or searched seed is not, or nothing would be paired or fresh."""
    searched = asked({"epochs": tune.randint(1, 3), **space})
    assert drawn_anew(searched, searched.asks(), {"epochs": 2}) == names


@pytest.mark.parametrize(("shuffle", "names"), [(True, ["seed", "split_seed"]), (False, ["seed"])])
def test_a_split_that_no_seed_changes_is_not_drawn_anew(shuffle: bool, names: list[str]) -> None:
    """Folds in the order of the file are the same for each seed of the split: none of them would be fresh."""
    space = {"dataset": "diabetes", "n_estimators": tune.randint(1, 9), "shuffle": shuffle, "test_fraction": 0.0}
    searched = experiment(trainable=random_forest, space=space, metric="val_loss", epochs=5)
    config = next(searched.samples())
    assert drawn_anew(searched, searched.asks(), config) == names
    told = "on fresh validation splits." if shuffle else "as the search has measured it."
    leader = Candidate(label="trial 1", trial=1, config=config, promised=0.5)
    metric, [note] = measured(searched, leader, names)
    assert metric is None and note.endswith(f"The configurations are compared by val_loss, {told}")


def test_where_the_last_value_counts_only_whole_ones_lead(drive: Any) -> None:
    """A mean of one fold is of other rows than one of two, and promises nothing that could be compared with it."""
    made = experiment()
    assert isinstance(made.trainable, Trainable)
    counted = replace(made.trainable, counts="last")
    driven: Driven = drive(experiment(trainable=counted, epochs=2, scheduler=ASHA(reduction_factor=2)))
    for losses in ([0.5, 0.4], [0.1, 0.6], [0.3, None], [0.05, 0.5]):
        segment = take(driven.conductor)
        if report(driven.conductor, segment, 1, losses[0]) and losses[1] is not None:
            report(driven.conductor, segment, 2, losses[1])
    history = driven.journal.history
    assert [trial.epoch for trial in history.ranked] == [2, 2, 2, 1]
    assert [(each.trial, each.promised) for each in leading(history, 9)] == [(0, 0.4), (3, 0.5), (1, 0.6)]


def test_fresh_seeds() -> None:
    """They depend on the sweep's seed and on the number of the confirmation; more of them begin with the same ones."""
    made, names = experiment(), ["seed", "split_seed"]
    seeds = fresh_seeds(made, names, 1, 5)
    assert fresh_seeds(made, names, 1, 6)[:5] == seeds
    others = [*fresh_seeds(made, names, 2, 5), *fresh_seeds(experiment(seed=1), names, 1, 5)]
    assert len({each["seed"] for each in [*seeds, *others]}) == 15
    assert all(0 <= value < 2**32 for each in seeds for value in each.values())
