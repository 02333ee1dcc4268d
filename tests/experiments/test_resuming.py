"""A resumed sweep is the same sweep (G1, G2, G4), and what is recorded of its proposals."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ray import tune

from experiments import ASHA, BayesOpt, Experiment, HyperBand, HyperOpt, MedianStopping, Random
from experiments._sweep.engine.deciding.assignments import Segment, trial_seed
from experiments._sweep.engine.deciding.conductor import Conductor
from experiments._sweep.ledger.files import read
from experiments._sweep.ledger.history import History
from experiments._sweep.policy import Observation, Proposal
from tests.experiments.conftest import Driven, Made, experiment
from tests.experiments.test_conductor import Halving, fault, report, run, take

Drive = Callable[..., Driven]


def uneven(config: Made, checkpoints: Any) -> Iterator[dict[str, Any]]:
    """Good, bad, diverging, failing and early ending trials, all by their configuration; resumable."""
    saved = checkpoints.newest()
    if saved is not None:
        yield saved.record
    for epoch in range(saved.record["epoch"] + 1 if saved else 1, config.epochs + 1):
        if epoch == 5 and config.x < 0.1:
            return
        if epoch == 3 and config.x > 0.93:
            raise ValueError("too far")
        loss = math.nan if epoch == 2 and config.x > 0.9 else abs(config.x - 0.3) + math.sin(9 * config.x) / epoch
        record = {"epoch": epoch, "loss": loss}
        checkpoints.save(epoch, record, None)
        yield record


def essence(history: History) -> list[tuple[Any, ...]]:
    """What a sweep found, without its segments and times."""
    return [
        (trial.number, trial.config, trial.origin, trial.state, trial.why, [epoch.metrics for epoch in trial.epochs])
        for trial in history.trials.values()
    ]


@pytest.mark.parametrize(
    ("search", "scheduler"),
    [
        (Random(), ASHA(reduction_factor=2)),
        (HyperOpt(n_initial_points=5), ASHA()),
        (Random(), Halving()),
        (HyperOpt(n_initial_points=5), HyperBand(reduction_factor=2)),
        (Random(), MedianStopping()),
    ],
    ids=["random-asha", "tpe-asha", "random-held", "tpe-hyperband", "random-median"],
)
def test_f29_g4_resumed_at_every_record_it_is_the_same_sweep(
    drive: Drive, search: Any, scheduler: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver dies after any line, with the checkpoints that were there then or one more; one worker, one seed."""
    for sync in ("os.fsync", "os.fdatasync"):  # thousands of files and lines, whose durability is not at test here
        monkeypatch.setattr(sync, lambda _: None)
    asked = experiment(uneven, search=search, scheduler=scheduler, num_trials=10, epochs=6)
    whole = drive(asked)
    run(whole)
    expected = repr(essence(whole.journal.history))  # NaN is equal to itself as text
    lines = whole.lines()
    assert len(lines) > 40
    assert {trial.state for trial in whole.journal.history.trials.values()} >= {"completed", "stopped"}
    for cut in range(1, len(lines)):
        resumed = drive(asked, f"cut-{cut}", b"".join(lines[:cut]))
        trials_until(resumed, uneven)
        run(resumed)
        assert repr(essence(resumed.journal.history)) == expected, f"cut after line {cut}: {lines[cut - 1]!r}"


def trials_until(driven: Driven, train: Callable[..., Any]) -> None:
    """Make the checkpoints that a killed driver left: those of every epoch recorded, and of one more now and then."""
    from trainables import CheckpointFolder

    for trial in driven.journal.history.trials.values():
        if not trial.segments:
            continue
        folder = CheckpointFolder(driven.folder / "trials" / f"{trial.number:04d}", segment=1)
        ahead = trial.number % 2 if not trial.ended else 0
        epochs = train(Made(**trial.config), folder)
        for _ in range(len(trial.epochs) + ahead):
            try:
                if next(epochs, None) is None:
                    break
            except ValueError:
                break


def test_g4_proposals_stay_what_they_are_with_many_workers(drive: Drive) -> None:
    """With three at a time and a driver lost at every line, no configuration changes and no epoch is doubled."""
    asked = experiment(search=HyperOpt(n_initial_points=3), scheduler=ASHA(), num_trials=8, epochs=4)
    whole = drive(asked, "whole")
    abreast(whole.conductor, 3)
    lines = whole.lines()
    for cut in range(1, len(lines), 3):
        before = History([*read_lines(whole.folder, cut)])
        resumed = drive(asked, f"many-{cut}", b"".join(lines[:cut]))
        abreast(resumed.conductor, 3)
        after = resumed.journal.history
        assert len(after.trials) == 8 and all(trial.ended for trial in after.trials.values())
        for number, trial in before.trials.items():
            assert after.trials[number].config == trial.config
            assert not trial.ended or after.trials[number].state == trial.state
        for trial in after.trials.values():
            assert [epoch.epoch for epoch in trial.epochs] == list(range(1, len(trial.epochs) + 1))


def read_lines(folder: Path, count: int) -> list[Any]:
    """The first entries of a ledger."""
    return read(folder / "ledger.jsonl")[:count]


def abreast(conductor: Conductor, slots: int) -> None:
    """Run a sweep with several trials at a time, an epoch of each in turn, each from the epoch that is known."""
    running: dict[int, tuple[Segment, int]] = {}
    while True:
        while len(running) < slots:
            segment = conductor.next_segment()
            if not isinstance(segment, Segment):
                break
            running[segment.trial] = segment, len(conductor.history.trials[segment.trial].epochs)
        if not running:
            return
        for number, (segment, epochs) in list(running.items()):
            if report(conductor, segment, epochs + 1, segment.config["x"] + 1 / (epochs + 1)):
                running[number] = segment, epochs + 1
            else:
                del running[number]


def test_each_suggestion_says_what_it_knew(drive: Drive) -> None:
    """The counter it was made at, and the seed of each trial is its own, for ever."""
    driven = drive(experiment(num_trials=3))
    run(driven)
    trials = driven.journal.history.trials
    proposals = [n for n, line in enumerate(driven.lines()) if b'"kind":"trial"' in line]
    assert [trial.made_at for trial in trials.values()] == proposals
    assert [trial.config["seed"] for trial in trials.values()] == [trial_seed(0, number) for number in range(3)]
    assert len(Counter(trial_seed(seed, number) for seed in range(20) for number in range(20))) == 400


@pytest.mark.parametrize("mode", ["min", "max"])
def test_what_a_searcher_expects_is_recorded_in_the_metrics_own_sign(drive: Drive, mode: str) -> None:
    """The GP's mean is a loss: with mode `max` it would be read as a value of the metric, which it is not."""
    driven = drive(experiment(search=BayesOpt(n_initial_points=3), num_trials=5, mode=mode, epochs=1))
    while isinstance(segment := driven.conductor.next_segment(), Segment):
        driven.conductor.report(segment.trial, segment.number, {"epoch": 1, "loss": 50 + segment.config["x"]})
    details = driven.conductor.history.trials[4].details
    assert 49 < details["mean"] < 52 and details["sd"] > 0


def test_a_searcher_sees_endings_and_losses(drive: Drive) -> None:
    """Losses have the sign of `lower is better`; failures are there, by name."""
    seen: list[list[Observation]] = []

    @dataclass(frozen=True, kw_only=True)
    class Spy(Random):
        def propose(self, space: Any, observations: Any, *, trial: int, seed: int) -> Proposal | None:
            seen.append(list(observations))
            return super().propose(space, observations, trial=trial, seed=seed)

    driven = drive(experiment(search=Spy(), mode="max", num_trials=3, epochs=1))
    report(driven.conductor, take(driven.conductor), 1, 0.25)
    segment = take(driven.conductor)
    driven.conductor.failed(segment.trial, segment.number, fault())
    take(driven.conductor)
    told = [(each.trial, dict(each.losses), each.ending) for each in seen[-1]]
    assert told == [(0, {1: -0.25}, "completed"), (1, {}, "error")]


def test_the_budget_of_a_trial_is_searched_with_fifo(drive: Drive) -> None:
    """Each trial completes at its own number of epochs."""
    asked: Experiment = experiment(space={"x": tune.uniform(0.0, 1.0), "epochs": tune.randint(1, 4)}, num_trials=6)
    driven = drive(asked)
    run(driven)
    for trial in driven.journal.history.trials.values():
        assert (trial.state, len(trial.epochs)) == ("completed", trial.config["epochs"])
