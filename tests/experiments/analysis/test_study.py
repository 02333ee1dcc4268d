"""`sweep export --optuna`: the ledger's trials as Optuna has them, in a file of one's own, and nothing secret said."""

import math
import os
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from experiments import open_sweep
from experiments._sweep.analysis.storing import refuse_storage, stored
from experiments._sweep.analysis.study import study_of
from experiments._sweep.command_line import main
from experiments._sweep.errors import InputError
from tests.experiments.analysis.made import Ran, history, sweep

SPACE = {
    "lr": {"loguniform": [1e-4, 0.1]},
    "drop": {"quniform": [0.0, 0.5, 0.1]},
    "width": {"lograndint": [16, 257]},
    "depth": {"qrandint": [2, 8, 2]},
    "shift": {"randn": [1.0, 0.5]},
    "act": {"choice": [["relu", "tanh"]]},
    "sizes": {"choice": [[[8, 4], [16]]]},
    "o": {
        "choice": [
            [
                {"name": {"constant": "sgd"}, "momentum": {"uniform": [0.0, 0.9]}},
                {"name": {"constant": "adam"}},
            ]
        ]
    },
}
SAME = {"lr": 0.01, "drop": 0.3, "width": 32, "depth": 4, "shift": 0.2, "act": "tanh", "sizes": [16]}
SGD, ADAM = {"name": "sgd", "momentum": 0.5}, {"name": "adam"}
TRIALS = [
    Ran({**SAME, "o": SGD}, [0.9, 0.4, 0.5], "completed", more={"accuracy": 0.75, "note": "text"}),
    Ran({**SAME, "o": ADAM}, [0.8], "stopped", why="rank 3 of 3"),
    Ran({**SAME, "o": ADAM}, [0.7, math.nan], "diverged"),
    Ran({**SAME, "o": ADAM}, [], "error", why="boom"),
    Ran({**SAME, "o": ADAM}, [0.6], None),
]


@pytest.fixture(scope="module")
def trials() -> list[optuna.trial.FrozenTrial]:
    """Give the trials as Optuna has them."""
    return study_of(history(SPACE, TRIALS), "mine").trials


def test_the_states_are_those_of_the_endings(trials: list[optuna.trial.FrozenTrial]) -> None:
    """Stopped is PRUNED, any failure FAIL; what has not ended is RUNNING."""
    states = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.FAIL, TrialState.RUNNING]
    assert [each.state for each in trials] == states
    assert [each.user_attrs["ending"] for each in trials[:4]] == ["completed", "stopped", "diverged", "error"]
    assert [each.number for each in trials] == [0, 1, 2, 3, 4]


def test_values_are_the_best_and_the_curves_are_whole(trials: list[optuna.trial.FrozenTrial]) -> None:
    """With the epoch of the value and what else was measured there."""
    first = trials[0]
    assert (first.value, first.intermediate_values) == (0.4, {1: 0.9, 2: 0.4, 3: 0.5})
    assert first.user_attrs["epoch"] == 2
    assert first.user_attrs["metrics/accuracy"] == 0.75
    assert "metrics/note" not in first.user_attrs
    assert first.user_attrs["config"] == TRIALS[0].config
    assert math.isnan(trials[2].intermediate_values[2])
    assert (trials[2].value, trials[2].user_attrs["value"]) == (None, 0.7)
    assert (trials[1].user_attrs["why"], trials[1].user_attrs["origin"]) == ("rank 3 of 3", "random")
    assert first.datetime_start is not None
    assert first.datetime_complete is not None
    assert (first.datetime_complete - first.datetime_start).total_seconds() == 3.0


def test_distributions_have_bounds_scale_and_step(trials: list[optuna.trial.FrozenTrial]) -> None:
    """A normal distribution, which Optuna lacks, becomes a wide range; lists become texts."""
    distributions = trials[0].distributions
    assert distributions["lr"] == FloatDistribution(1e-4, 0.1, log=True)
    assert distributions["drop"] == FloatDistribution(0.0, 0.5, step=0.1)
    assert distributions["width"] == IntDistribution(16, 256, log=True)
    assert distributions["depth"] == IntDistribution(2, 8, step=2)
    assert distributions["shift"] == FloatDistribution(-2.0, 4.0)
    assert distributions["act"] == CategoricalDistribution(("relu", "tanh"))
    assert distributions["sizes"] == CategoricalDistribution(("[8, 4]", "[16]"))
    assert distributions["o"] == CategoricalDistribution(("sgd", "adam"))
    assert trials[0].params["sizes"] == "[16]"


def test_conditional_parameters_are_there_where_their_branch_was_taken(
    trials: list[optuna.trial.FrozenTrial],
) -> None:
    """And nowhere else."""
    assert trials[0].params["o[sgd].momentum"] == 0.5
    assert "o[sgd].momentum" not in trials[1].params
    assert "o[sgd].momentum" not in trials[1].distributions


def test_higher_is_better_is_maximize() -> None:
    """Optuna's best trial is the sweep's, where it has completed."""
    study = study_of(history({"x": {"uniform": [0, 1]}}, [Ran({"x": 0.1}, [1]), Ran({"x": 0.2}, [2])], mode="max"), "m")
    assert study.direction == optuna.study.StudyDirection.MAXIMIZE
    assert (study.best_trial.number, study.user_attrs["best_trial"]) == (1, 1)
    assert study.user_attrs["question"] == "Why?"


def test_a_file_comes_back_as_it_was_written_and_is_its_owners_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the umask; a relative address is that of the current folder; nothing else is left beside it."""
    sweep(tmp_path / "mine", SPACE, TRIALS)
    monkeypatch.chdir(tmp_path)
    before = os.umask(0)
    try:
        assert main(["export", "mine", "--optuna", "sqlite:///study.db"]) == 0
    finally:
        os.umask(before)
    assert "5 trials as the study mine in sqlite:///study.db" in capsys.readouterr().out
    assert (tmp_path / "study.db").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "study.db"]
    read = optuna.load_study(study_name="mine", storage="sqlite:///study.db")
    for one, other in zip(read.trials, study_of(open_sweep("mine").history, "mine").trials, strict=True):
        assert (one.state, one.value, one.params) == (other.state, other.value, other.params)
        assert one.distributions == other.distributions
        assert one.user_attrs == other.user_attrs
        assert repr(one.intermediate_values) == repr(other.intermediate_values)
    assert read.metric_names == ["loss"]


def test_a_second_study_of_that_name_is_refused_and_others_stay_as_they_are(tmp_path: Path) -> None:
    """A study is written as a whole or not at all."""
    made, url = history({"x": {"uniform": [0, 1]}}, [Ran({"x": 0.5})]), f"sqlite:///{tmp_path}/s.db"
    stored(made, "one", url)
    stored(made, "two", url)
    with pytest.raises(InputError, match=r"has a study called 'one' already.*optuna delete-study --study-name one"):
        stored(made, "one", url)
    assert sorted(optuna.get_all_study_names(url)) == ["one", "two"]
    assert len(optuna.load_study(study_name="one", storage=url).trials) == 1


def test_g7_a_study_that_cannot_be_written_whole_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a file nor, in a file that there was, a part of a study."""
    made, url = history({"x": {"uniform": [0, 1]}}, [Ran({"x": 0.5})]), f"sqlite:///{tmp_path}/s.db"

    def failing(*_: Any, **__: Any) -> None:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(optuna.Study, "add_trials", failing)
    with pytest.raises(InputError, match="cannot be used: the disk is gone"):
        stored(made, "one", url)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    stored(made, "one", url)
    monkeypatch.setattr(optuna.Study, "add_trials", failing)
    with pytest.raises(InputError):
        stored(made, "two", url)
    assert optuna.get_all_study_names(url) == ["one"]


@pytest.mark.parametrize(
    "url",
    [
        "nosuch://me:SECRET123@host/db",
        "nosuch://me@host/db?password=SECRET123",
        "nosuch://me:SECRET123@host:port/db",
        "postgresql+nosuch://me:SECRET123@127.0.0.1:1/db?sslpassword=SECRET123",
        "SECRET123",
    ],
)
def test_s14_a_password_in_an_address_is_never_said(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor any other thing that follows the question mark; the refusal says what an address looks like."""
    sweep(tmp_path / "mine", SPACE, TRIALS)
    assert main(["export", str(tmp_path / "mine"), "--optuna", url]) == 2
    said = capsys.readouterr()
    assert "SECRET123" not in said.out + said.err
    assert "Give sqlite:///study.db for a file" in said.err


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite://", "names no file, so nothing would be left of it"),
        ("sqlite:///:memory:", "names no file, so nothing would be left of it"),
        ("sqlite:///no/such/s.db", "there is no folder"),
        ("sqlite:///.", "is a folder"),
        ("study.db", "this is no address of a database"),
    ],
)
def test_b_what_is_no_storage_is_refused_before_a_sweep_is_looked_for(url: str, told: str) -> None:
    """With what to give instead."""
    with pytest.raises(InputError, match=told):
        refuse_storage(url)


def test_a_file_that_is_no_database_is_refused_and_stays(tmp_path: Path) -> None:
    """Its bytes are not touched."""
    (tmp_path / "s.db").write_text("my thesis " * 100)
    with pytest.raises(InputError, match=r"cannot be used: .*not a database"):
        stored(history(SPACE, TRIALS), "mine", f"sqlite:///{tmp_path}/s.db")
    assert (tmp_path / "s.db").read_text() == "my thesis " * 100


def test_optuna_is_as_talkative_afterwards_as_before() -> None:
    """Its log is the user's to set."""
    for level in (optuna.logging.DEBUG, optuna.logging.ERROR):
        kept = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(level)
        study_of(history({"x": {"uniform": [0, 1]}}, [Ran({"x": 0.5})]), "mine")
        assert optuna.logging.get_verbosity() == level
        optuna.logging.set_verbosity(kept)
