"""Ray Tune's own searchers and schedulers in an experiment: what is refused, what they are told, what is rebuilt."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from ray import tune
from ray.tune.schedulers import (
    AsyncHyperBandScheduler,
    FIFOScheduler,
    HyperBandForBOHB,
    HyperBandScheduler,
    MedianStoppingRule,
    PopulationBasedTraining,
)
from ray.tune.search import ConcurrencyLimiter, Searcher
from ray.tune.search.hyperopt import HyperOptSearch
from ray.tune.search.optuna import OptunaSearch

from experiments import FIFO, HyperBand, InputError, open_sweep, replace
from experiments._sweep.command_line import main
from experiments._sweep.engine.deciding.assignments import Segment
from experiments._sweep.foreign import adapted
from tests.experiments.conftest import Driven, experiment

Drive = Callable[..., Driven]


class Scripted(Searcher):  # type: ignore[misc]
    """Suggests what it is given, one after the other, and remembers what it is told; never the same twice."""

    told: ClassVar[list[tuple[Any, ...]]] = []

    def __init__(self, *suggestions: Any) -> None:
        super().__init__()
        self.suggestions = list(suggestions)

    def set_search_properties(self, metric: str | None, mode: str | None, config: Any, **spec: Any) -> bool:
        """Note the names of the ranges."""
        Scripted.told = [("space", sorted(config))]
        return True

    def suggest(self, trial_id: str) -> Any:
        """Give the next suggestion, or raise it."""
        suggestion = self.suggestions.pop(0) if self.suggestions else Searcher.FINISHED
        if isinstance(suggestion, Exception):
            raise suggestion
        return suggestion

    def on_trial_result(self, trial_id: str, result: Any) -> None:
        """Note an epoch."""
        Scripted.told.append(("epoch", trial_id, result["training_iteration"], result["loss"]))

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        """Note an end."""
        Scripted.told.append(("end", trial_id, None if result is None else result["loss"], error))

    def add_evaluated_point(self, parameters: Any, value: float, *_: Any, **__: Any) -> None:
        """Note a point."""
        Scripted.told.append(("point", parameters, value))


def at(*values: float) -> Scripted:
    """A searcher that suggests these x."""
    return Scripted(*({"x": value} for value in values))


def curve(x: float, epochs: int) -> list[float]:
    """The losses of a trial at x, epoch by epoch."""
    return [x + 1 / epoch for epoch in range(1, epochs + 1)]


def train(driven: Driven, slots: int = 1, most: int = 10_000) -> int:
    """Train with so many slots, an epoch of each in turn, until the sweep ends or `most` epochs are reported."""
    running: list[Segment] = []
    reported = 0
    for _ in range(100_000):
        while len(running) < slots:
            segment = driven.conductor.next_segment()
            if not isinstance(segment, Segment):
                break
            running.append(segment)
        if not running:
            return reported
        for segment in list(running):
            epoch = len(driven.journal.history.trials[segment.trial].epochs) + 1
            loss = curve(segment.config["x"], epoch)[-1]
            if reported == most:
                return reported
            reported += 1
            if not driven.conductor.report(segment.trial, segment.number, {"epoch": epoch, "loss": loss}):
                running.remove(segment)
    raise AssertionError("it does not end")


def endings(driven: Driven) -> list[tuple[str, int]]:
    """Each trial's ending and epochs."""
    return [(trial.state, len(trial.epochs)) for trial in driven.journal.history.trials.values()]


def configs(driven: Driven) -> list[float]:
    """Each trial's x."""
    return [trial.config["x"] for trial in driven.journal.history.trials.values()]


# What is refused


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"scheduler": PopulationBasedTraining(hyperparam_mutations={"x": [0.1]})},
            "scheduler: PopulationBasedTraining rewrites the configurations of trials while they run, and a trial of a",
        ),
        ({"scheduler": HyperBandForBOHB()}, "scheduler: HyperBandForBOHB works only together with TuneBOHB. Use Hyper"),
        (
            {"scheduler": MedianStoppingRule(time_attr="samples")},
            "scheduler: MedianStoppingRule measures time by 'samples'; here there are 'training_iteration' (epochs)",
        ),
        (
            {"scheduler": AsyncHyperBandScheduler(metric="accuracy", mode="min")},
            "scheduler: AsyncHyperBandScheduler compares trials by metric 'accuracy', the experiment by 'loss'. Leave",
        ),
        (
            {"search": ConcurrencyLimiter(OptunaSearch(), 2)},
            "search: ConcurrencyLimiter limits how many trials run at a time. Give the searcher in it, and use",
        ),
        (
            {"search": OptunaSearch({"x": tune.uniform(0.0, 1.0)}, metric="loss", mode="min")},
            "search: OptunaSearch cannot search this space: OptunaSearch has ranges of its own already, and the exper",
        ),
        (
            {"search": OptunaSearch(), "space": {"x": tune.randn(0, 1)}},
            "search: OptunaSearch cannot search this space: the searcher OptunaSearch raised ValueError: Optuna search",
        ),
        (
            {"search": OptunaSearch(), "space": {"x": tune.choice([{"a": tune.uniform(0, 1)}, {"b": 1}])}},
            "search: OptunaSearch cannot search this space: OptunaSearch proposed",
        ),
        ({"search": OptunaSearch}, "search must be a searcher such as HyperOpt() or Random(), got <class"),
        ({"search": "optuna"}, "got 'optuna'. An object of any ray.tune Searcher is one as well."),
        ({"scheduler": "median"}, "got 'median'. An object of any ray.tune TrialScheduler is one as well."),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_cannot_run_a_sweep_is_refused(change: dict[str, Any], said: str) -> None:
    """By name, with the reason and what to do, before anything starts."""
    with pytest.raises(InputError) as refused:
        experiment(**{"trainable": min, **change})
    assert said in refused.value.faults[0] and len(refused.value.faults) == 1


def test_a_searched_budget_goes_with_fifo_only() -> None:
    """Ray's FIFO is one; its other schedulers compare trials of one budget."""
    space = {"x": tune.uniform(0.0, 1.0), "epochs": tune.randint(1, 4)}
    assert experiment(space=space, scheduler=FIFOScheduler())
    with pytest.raises(
        InputError, match=r"space.epochs is searched, which goes with FIFO\(\) only: MedianStoppingRule"
    ):
        experiment(space=space, scheduler=MedianStoppingRule())


def test_the_record_has_the_objects_by_name() -> None:
    """Class and module; nothing is pickled, and the user's objects stay as they were."""
    search, scheduler = OptunaSearch(seed=1), HyperBandScheduler()
    before = dict(vars(search)), dict(vars(scheduler))
    asked = experiment(search=search, scheduler=scheduler)
    assert asked.asks()["search"] == {"name": "OptunaSearch", "module": "ray.tune.search.optuna.optuna_search"}
    assert asked.asks()["scheduler"] == {"name": "HyperBandScheduler", "module": "ray.tune.schedulers.hyperband"}
    assert replace(asked, num_trials=9).search is search
    assert (dict(vars(search)), dict(vars(scheduler))) == before


def test_what_cannot_be_promised_is_said_in_one_line() -> None:
    """By `sweep show`; where nothing is compared there is nothing to say."""
    asked = adapted(experiment(search=OptunaSearch(), scheduler=MedianStoppingRule()))
    assert str(asked.search) == "OptunaSearch" and str(asked.scheduler) == "MedianStoppingRule"
    assert asked.search.in_words(asked.searched)[-1] == (
        "OptunaSearch keeps its state in memory: after a lost driver the ended trials are told to it anew, and it may "
        "propose other configurations than it would have."
    )
    assert asked.scheduler.in_words(3, 4)[-1].startswith("MedianStoppingRule keeps its state in memory: after a lost")
    asked = adapted(experiment(scheduler=FIFOScheduler()))
    assert asked.scheduler.in_words(3, 4) == ["Nobody is compared: all trials train the whole budget of 3 epochs."]
    asked = adapted(experiment(scheduler=HyperBandScheduler()))
    assert "Its max_t is 81, the budget 3 epochs: give it max_t=3." in asked.scheduler.in_words(3, 4)


# Searchers


@pytest.mark.parametrize("search", [OptunaSearch(seed=1), HyperOptSearch(random_state_seed=1)], ids=["optuna", "hyper"])
@pytest.mark.filterwarnings("ignore")
def test_a_sweep_with_a_searcher_of_rays(drive: Drive, search: Any) -> None:
    """It gets the ranges and not the constants; types and bounds hold, and the origin is its name."""
    space = {
        "x": tune.quniform(0.0, 1.0, 0.1),
        "inner": {"units": tune.randint(2, 9), "shape": tune.choice([[64, 32], None, True])},
        "fixed": (1, 2),
    }
    driven = drive(experiment(trainable=min, search=search, space=space, num_trials=30))
    driven.conductor._counts_epochs = False
    train(driven, slots=3)
    assert endings(driven) == [("completed", 3)] * 30
    for trial in driven.journal.history.trials.values():
        assert trial.origin == type(search).__name__ and trial.config["fixed"] == [1, 2]
        assert type(trial.config["inner"]["units"]) is int and 2 <= trial.config["inner"]["units"] < 9
        assert trial.config["inner"]["shape"] in ([64, 32], None, True)


def test_a_searcher_is_told_every_epoch_and_every_end(drive: Drive) -> None:
    """In the metric's own sign; a failure with the worst value so far."""
    driven = drive(experiment(search=at(0.1, 0.2, 0.3, 0.4), mode="max", epochs=2))
    train(driven, most=4)
    driven.conductor.report(2, 1, {"epoch": 1, "loss": math.nan})
    driven.conductor.next_segment()
    assert Scripted.told == [
        ("space", ["x"]),
        ("epoch", "0000", 1, 1.1),
        ("epoch", "0000", 2, 0.6),
        ("end", "0000", 1.1, False),
        ("epoch", "0001", 1, 1.2),
        ("epoch", "0001", 2, 0.7),
        ("end", "0001", 1.2, False),
        ("end", "0002", 1.1, True),
    ]


def test_start_points_come_first_and_are_told_as_points(drive: Drive) -> None:
    """The searcher did not propose them."""
    driven = drive(experiment(search=at(0.1, 0.2), start_points=[{"x": 0.7}], num_trials=3, epochs=1))
    train(driven)
    assert configs(driven) == [0.7, 0.1, 0.2]
    assert ("point", {"x": 0.7}, 1.7) in Scripted.told
    assert [trial.origin for trial in driven.journal.history.trials.values()] == ["start point", "Scripted", "Scripted"]


def test_what_require_refuses_is_a_failure_and_asked_for_again(drive: Drive) -> None:
    """A hundred times at most; then one is drawn at random."""
    asked = experiment(search=at(0.9, 0.8, 0.3, *[0.9] * 100), require=lambda c: c["x"] < 0.5, num_trials=2, epochs=1)
    driven = drive(asked)
    train(driven)
    assert configs(driven)[0] == 0.3 and configs(driven)[1] < 0.5
    assert [trial.origin for trial in driven.journal.history.trials.values()] == ["Scripted", "random"]
    assert ("end", "0000", None, True) in Scripted.told and ("end", "0000-1", None, True) in Scripted.told
    assert ("end", "0001-99", 1.3, True) in Scripted.told


def test_an_exhausted_searcher_ends_the_sweep(drive: Drive) -> None:
    """FINISHED is for ever; None, as long as trials run, means later."""
    driven = drive(experiment(search=Scripted({"x": 0.1}, None, {"x": 0.2}, None), num_trials=9, epochs=1))
    first = driven.conductor.next_segment()
    assert isinstance(first, Segment) and driven.conductor.next_segment() == "wait"
    train(driven)
    assert driven.conductor.report(first.trial, first.number, {"epoch": 1, "loss": 0.3}) is False
    assert driven.conductor.next_segment() == "done"
    assert endings(driven) == [("completed", 1)] * 2


@pytest.mark.parametrize("scheduler", [FIFO(), HyperBand()])
@pytest.mark.parametrize("proposed", [0, 7])
def test_f25_a_searcher_that_says_later_for_ever_ends_the_sweep(drive: Drive, scheduler: Any, proposed: int) -> None:
    """F25: nobody waits for it, also where trials are held; how many there are is said."""
    points: list[Any] = [{"x": number / 10} for number in range(proposed)]
    asked = experiment(search=Scripted(*points, *[None] * 99), scheduler=scheduler, num_trials=20, epochs=9)
    driven = drive(asked)
    train(driven)
    trials = driven.journal.history.trials
    assert len(trials) == proposed and all(trial.ended for trial in trials.values())
    said = f"Scripted has no other configuration to propose after {proposed} of 20 trials"
    assert driven.conductor.shortfall == said


@pytest.mark.parametrize(
    ("suggestion", "said"),
    [
        (LookupError("no third one"), "the searcher Scripted raised LookupError: no third one"),
        ({"x": 7.0}, "Scripted proposed {'x': 7.0}, which the space does not have."),
        ({"x": 0.5, "y": 1}, "Scripted proposed {'x': 0.5, 'y': 1}; the space has no y."),
        ({}, "Scripted proposed {}, which the space does not have."),
        ("soon", "Scripted proposed 'soon', which is no configuration."),
    ],
)
def test_f25_a_searcher_that_fails_is_named(drive: Drive, suggestion: Any, said: str) -> None:
    """F25: an exception, which the engine makes a fault with exit code 3; nothing of the trials is lost."""
    driven = drive(experiment(search=Scripted({"x": 0.1}, {"x": 0.2}, suggestion), epochs=1))
    with pytest.raises((RuntimeError, ValueError)) as raised:
        train(driven)
    assert str(raised.value) == said
    assert endings(driven) == [("completed", 1)] * 2


@pytest.mark.parametrize("search", [OptunaSearch(seed=1), HyperOptSearch(random_state_seed=1)], ids=["optuna", "hyper"])
@pytest.mark.filterwarnings("ignore")
def test_a_repeatable_searcher_goes_on_as_if_nothing_had_happened(drive: Drive, search: Any) -> None:
    """From many a line of the ledger, the driver lost: the same configurations as without."""
    asked = experiment(search=search, num_trials=16, epochs=2, start_points=[{"x": 0.5}])
    whole = drive(asked, "whole")
    train(whole)
    lines = whole.lines()
    for cut in range(2, len(lines), 17):
        again = drive(asked, f"cut{cut}", b"".join(lines[:cut]))
        train(again)
        assert configs(again) == configs(whole), cut


def test_another_searcher_is_not_told_of_what_it_did_not_propose(drive: Drive) -> None:
    """What its copy proposes otherwise is given back to it, and the recorded trials are told as points."""
    first = drive(experiment(search=at(0.1, 0.2), num_trials=2, epochs=1))
    train(first)
    lines = b"".join(first.lines())
    again = drive(experiment(search=at(0.1, 0.5, 0.6), num_trials=3, epochs=1), "again", lines)
    train(again)
    assert configs(again) == [0.1, 0.2, 0.6]
    assert ("end", "0001", None, True) in Scripted.told and ("point", {"x": 0.2}, 1.2) in Scripted.told
    assert ("end", "0000", 1.1, False) in Scripted.told


# From the command line

FILE = """'''What is x?'''

from pathlib import Path

from ray import tune
from ray.tune.schedulers import MedianStoppingRule
from ray.tune.search.optuna import OptunaSearch

from experiments import Experiment
from tests.experiments.conftest import trainable


class Failing(OptunaSearch):
    def suggest(self, trial_id):
        if Path(trial_id).exists():
            raise LookupError(trial_id)
        return super().suggest(trial_id)


experiment = Experiment(
    trainable=trainable(),
    space={"x": tune.uniform(0.0, 1.0)},
    metric="loss",
    mode="min",
    search=Failing(seed=1),
    scheduler=MedianStoppingRule(time_attr="training_iteration", grace_period=1),
    num_trials=4,
    epochs=2,
)
"""


@pytest.mark.usefixtures("fresh_imports")
def test_f25_a_fault_of_others_is_resumable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """F25: exit code 3 with its name, also where it raises when it is told the ledger anew; `show` says what it is."""
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(FILE)
    assert main(["show", "mine.py", "--here"]) == 0
    shown = capsys.readouterr().out
    assert "search     Failing\n           Failing, an object of Ray Tune's interface, proposes.\n" in shown
    assert "Failing keeps its state in memory" in shown and "MedianStoppingRule keeps its state in memory" in shown
    assert main(["show", "mine.py", "--here", "--json"]) == 0
    assert '"name": "Failing"' in capsys.readouterr().out
    for trial in ("0002", "0001"):
        Path(trial).touch()
        assert main(["resume" if trial == "0001" else "run", *([] if trial == "0001" else ["mine.py"]), "--here"]) == 3
        said = capsys.readouterr().out
        assert (
            f"RuntimeError: the searcher Failing raised LookupError: '{trial}'" in said
            or f"LookupError: {trial}" in said
        )
        assert "go on with: sweep resume" in said and "Failing keeps its state in memory" in said
        assert [trial.ending for trial in open_sweep().trials] == ["completed"] * 2
    for trial in ("0002", "0001"):
        Path(trial).unlink()
    assert main(["resume", "--here"]) == 0
    assert len(open_sweep().trials) == 4
