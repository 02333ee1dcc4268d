"""What was searched is read from the ledger's space, or, where that cannot be read, seen in the configurations."""

import math

import pytest

from experiments._sweep.analysis.searched import Searched, searched
from experiments._sweep.ledger.history import History
from experiments._sweep.ledger.records import DriverStarted
from tests.experiments.analysis.made import Ran, history, records
from tests.experiments.conftest import entries

BRANCHES = {
    "lr": {"loguniform": [0.001, 0.1]},
    "optimizer": {
        "choice": [
            [
                {"name": {"constant": "sgd"}, "momentum": {"uniform": [0.0, 0.9]}},
                {"name": {"constant": "adam"}, "beta": {"randint": [1, 4]}},
            ]
        ]
    },
    "model": {"constant": "mlp"},
}


def found(of: History) -> Searched:
    """Give what was searched, which there is."""
    told = searched(of)
    assert told is not None
    return told


def test_a_conditional_hyperparameter_is_there_only_where_its_branch_was_taken() -> None:
    """And the choice itself goes by the names of its branches."""
    told = found(
        history(
            BRANCHES,
            [
                Ran({"lr": 0.01, "optimizer": {"name": "sgd", "momentum": 0.5}, "model": "mlp"}),
                Ran({"lr": 0.1, "optimizer": {"name": "adam", "beta": 3}, "model": "mlp"}),
            ],
        )
    )
    assert [axis.name for axis in told.axes] == ["lr", "optimizer", "optimizer[sgd].momentum", "optimizer[adam].beta"]
    assert [axis.conditional for axis in told.axes] == [False, False, True, True]
    assert told.values == {
        0: {"lr": 0.01, "optimizer": "sgd", "optimizer[sgd].momentum": 0.5},
        1: {"lr": 0.1, "optimizer": "adam", "optimizer[adam].beta": 3},
    }
    assert (told.axis("optimizer[adam].beta").lower, told.axis("optimizer[adam].beta").upper) == (1, 3)
    assert told.note == ""


def test_a_position_is_that_on_the_axis_own_scale() -> None:
    """Halfway between 0.001 and 0.1 is 0.01 where equal ratios are equally probable; categories stand evenly."""
    told = found(history(BRANCHES, [Ran({"lr": 0.01, "optimizer": {"name": "sgd", "momentum": 0.45}})]))
    assert told.position(told.axis("lr"), 0.01) == pytest.approx(0.5)
    assert told.position(told.axis("optimizer[sgd].momentum"), 0.45) == pytest.approx(0.5)
    assert told.position(told.axis("optimizer"), "adam") == 0.75
    assert told.position(told.axis("lr"), math.nan) is None
    assert told.position(told.axis("optimizer"), "rmsprop") is None


@pytest.mark.parametrize("space", [{"x": {"betavariate": [1, 2]}}, {"x": 3}, {"x": {"uniform": ["a"]}}, {"x": None}])
def test_a_space_of_another_make_is_seen_in_the_configurations(space: dict[str, object]) -> None:
    """Keys that differ are axes, with the bounds seen; the seed of a trial, which always differs, is none."""
    trials = [
        Ran({"x": 0.001, "kind": "a", "same": 1, "seed": 1}),
        Ran({"x": 1.0, "kind": "b", "same": 1, "seed": 2, "only": {"here": 3}}),
    ]
    told = found(history(space, trials))
    assert "cannot be read" in told.note
    x, kind = told.axis("x"), told.axis("kind")
    assert [axis.name for axis in told.axes] == ["x", "kind"]
    assert (x.kind, x.lower, x.upper, x.log, x.read) == ("float", 0.001, 1.0, True, False)
    assert (kind.kind, kind.labels) == ("choice", ("a", "b"))
    assert told.values[1] == {"x": 1.0, "kind": "b"}


def test_trials_of_a_space_before_it_was_changed_keep_what_goes_by_the_same_name() -> None:
    """A sweep may be resumed with another space: its first trials lie outside, and no value of theirs is lost."""
    made = records({"x": {"uniform": [0.0, 1.0]}}, [Ran({"x": 0.5}), Ran({"x": 7.5, "y": 1})])
    changed = {**made[0].asks, "space": {"x": {"uniform": [0.0, 1.0]}, "y": {"choice": [[1, 2]]}}}  # type: ignore[union-attr]
    made.append(DriverStarted(driver=2, host="h", pid=1, asks=changed, at=500.0))
    told = found(History(entries(*made)))
    assert told.values == {0: {"x": 0.5}, 1: {"x": 7.5, "y": 1}}
    assert told.axis("x").upper == 7.5
    assert "trials 0, 1" in told.note


def test_where_nothing_is_searched_there_are_no_axes() -> None:
    """A confirmation's space is empty; one configuration, tried again, differs in its seed only."""
    assert searched(history({}, [Ran({"x": 1, "seed": 1}), Ran({"x": 1, "seed": 2})])) is None
    assert searched(history({"x": {"constant": 1}}, [Ran({"x": 1})])) is None


def test_texts_and_numbers_that_look_alike_are_told_apart() -> None:
    """The choice of 1, "1" and true has three categories with three texts."""
    told = found(history({"x": {"choice": [[1, "1", True]]}}, [Ran({"x": "1"}), Ran({"x": True})]))
    axis = told.axis("x")
    assert axis.labels == ("1", '"1"', "true")
    assert [axis.label(told.values[n]["x"]) for n in (0, 1)] == ['"1"', "true"]
