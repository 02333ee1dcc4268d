"""Sweeps under every scheduler without Ray: they end, no epoch is trained twice, and a resumed one decides the same."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from ray import tune

from experiments import Experiment, HyperBand
from experiments._sweep.engine.deciding.assignments import Segment
from experiments._sweep.engine.deciding.conductor import Conductor
from experiments._sweep.engine.faults import Fault
from experiments._sweep.ledger.history import History
from experiments.schedulers import by_name, names
from tests.experiments.conftest import Driven, experiment

Drive = Callable[..., Driven]
EVERY = pytest.mark.parametrize("scheduler", [by_name(name) for name in names()], ids=names())
MANY = 100_000
"""Steps after which a sweep hangs."""


@pytest.fixture(autouse=True)
def _in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is decided is at test, not that it is durable: that takes most of the time."""
    monkeypatch.setattr("os.fdatasync", lambda _: None)


def asked(scheduler: Any, **changes: Any) -> Experiment:
    """20 trials of 9 epochs: HyperBand's brackets 3, 5, 9 and 3."""
    return experiment(scheduler=scheduler, epochs=9, **{"num_trials": 20, **changes})


@dataclass
class Workers:
    """Train a sweep's trials side by side, an epoch of one of them at a time; what a trial does is its number's."""

    conductor: Conductor
    slots: int
    seed: int
    odd: float = 0.0
    """Share of trials that end otherwise than by their budget or the scheduler."""
    trained: Counter[tuple[int, int]] = field(default_factory=Counter)
    """Trial and epoch to how often it was trained."""

    def run(self, steps: int = MANY) -> bool:
        """Whether the sweep has ended after so many epochs."""
        rng = np.random.default_rng(self.seed)
        running: list[Segment] = []
        for _ in range(steps):
            last: Any = None
            while len(running) < self.slots and isinstance(last := self.conductor.next_segment(), Segment):
                running.append(last)
            if not running:
                assert last == "done", "it waits for nobody"
                return True
            segment = running[rng.integers(len(running))]
            if not self._goes_on(segment):
                running.remove(segment)
        assert steps < MANY, "it hangs"
        return False

    def _goes_on(self, segment: Segment) -> bool:
        number, conductor = segment.trial, self.conductor
        epoch = len(conductor.history.trials[number].epochs) + 1
        rng = np.random.default_rng([number, self.seed])
        fate, when = rng.choice(["nan", "raise", "return", "lost"]), rng.integers(1, 10)
        if rng.random() > self.odd or epoch != when:
            fate = ""
        if fate == "raise":
            error = Fault(ending="error", summary=f"at {epoch}", traceback=f"line {number}", fresh_process=False)
            conductor.failed(number, segment.number, error)
        elif fate == "return":
            conductor.returned(number, segment.number)
        elif fate == "lost" and segment.number < 3:
            conductor.lost(number, segment.number, "it died")
        else:
            self.trained[number, epoch] += 1
            loss = math.nan if fate == "nan" else segment.config["x"] + np.sin(9 * segment.config["x"] * epoch) / epoch
            return conductor.report(number, segment.number, {"epoch": epoch, "loss": float(loss)})
        return False


@EVERY
@pytest.mark.parametrize("slots", [1, 2, 3, 5, 16])
@pytest.mark.parametrize("odd", [0.0, 0.4, 1.0])
def test_every_sweep_ends(drive: Drive, scheduler: Any, slots: int, odd: float) -> None:
    """With 1 to 16 trials at once, sound, failing, diverging, lost or ending by themselves at any epoch."""
    for seed in range(4):
        driven = drive(asked(scheduler, seed=seed), f"sweep-{seed}")
        workers = Workers(driven.conductor, slots, seed, odd)
        assert workers.run()
        trials = driven.journal.history.trials
        assert len(trials) == 20 and all(trial.ended for trial in trials.values())
        assert not any("held" in trial.why for trial in trials.values()), "each held trial was judged"
        assert set(workers.trained.values()) == {1}, "an epoch was trained twice"
        assert sum(workers.trained.values()) == sum(len(trial.epochs) for trial in trials.values())
        for trial in trials.values():
            assert [each.epoch for each in trial.epochs] == list(range(1, len(trial.epochs) + 1))
            assert trial.state != "stopped" or len(trial.epochs) in scheduler.rungs(9)
        assert drive(driven.conductor.experiment, f"sweep-{seed}").conductor.next_segment() == "done"


def essence(history: History) -> list[Any]:
    """What was decided: without times, segments and drivers."""
    return [
        (
            *(trial.number, trial.config, trial.bracket, trial.state, trial.why, trial.stopped_at),
            [(each.metrics, each.action, each.rung) for each in trial.epochs],
            [each.rung for each in trial.segments if each.rung],
        )
        for trial in history.trials.values()
    ]


@EVERY
def test_rebuilt_at_every_line_it_decides_the_same(drive: Drive, scheduler: Any) -> None:
    """One worker; the driver dies after any line of the ledger, and the next one goes on from what was recorded."""
    made = asked(scheduler, num_trials=14)
    whole = drive(made)
    assert Workers(whole.conductor, 1, 5, 0.6).run()
    lines, expected = whole.lines(), repr(essence(whole.journal.history))
    states = {trial.state for trial in whole.journal.history.trials.values()}
    assert states & {"diverged", "error"} and ("stopped" in states or not scheduler.rungs(9))
    for cut in range(1, len(lines), 1 if scheduler.rungs(9) else 9):
        resumed = drive(made, f"cut-{cut}", b"".join(lines[:cut]))
        assert Workers(resumed.conductor, 1, 5, 0.6).run()
        assert repr(essence(resumed.journal.history)) == expected, f"cut after line {cut}: {lines[cut - 1]!r}"


@EVERY
@pytest.mark.parametrize("slots", [4, 16])
def test_rebuilt_with_many_workers_nothing_decided_changes(drive: Drive, scheduler: Any, slots: int) -> None:
    """Whatever was recorded stays, each trial ends, and who was compared at a rung was compared once."""
    made = asked(scheduler)
    whole = drive(made)
    assert Workers(whole.conductor, slots, 3, 0.3).run()
    lines = whole.lines()
    for cut in range(1, len(lines), 5):
        resumed = drive(made, f"cut-{cut}", b"".join(lines[:cut]))
        before = essence(resumed.journal.history)
        assert Workers(resumed.conductor, slots, 4, 0.3).run()
        after = essence(resumed.journal.history)
        assert len(after) == 20 and all(trial.ended for trial in resumed.journal.history.trials.values())
        for was, now in zip(before, after, strict=False):
            assert repr(now[:3]) == repr(was[:3])
            assert repr(now[6][: len(was[6])]) == repr(was[6]) and repr(now[7][: len(was[7])]) == repr(was[7])
            assert was[3] in {"running", "held", "interrupted"} or repr(now) == repr(was)


# HyperBand


def trained(history: History) -> list[tuple[int | None, int]]:
    """Bracket and epochs of each trial."""
    return sorted((trial.bracket or 0, len(trial.epochs)) for trial in history.trials.values())


@pytest.mark.parametrize("slots", [1, 2, 7, 16])
def test_hyperband_trains_by_hand_computed_rungs(drive: Drive, slots: int) -> None:
    """27 epochs, eta 3, one round of 49 trials: 4 x 27; 6 x 9 -> 27; 12 x 3 -> 9 -> 27; 27 x 1 -> 3 -> 9 -> 27."""
    driven = drive(experiment(scheduler=HyperBand(), epochs=27, num_trials=49))
    workers = Workers(driven.conductor, slots, 0)
    assert workers.run()
    assert Counter(trained(driven.journal.history)) == {
        (0, 27): 4,
        (1, 9): 4,
        (1, 27): 2,
        (2, 3): 8,
        (2, 9): 2,
        (2, 27): 2,
        (3, 1): 18,
        (3, 3): 6,
        (3, 9): 2,
        (3, 27): 1,
    }
    assert sum(workers.trained.values()) == 375  # 108 + 90 + 96 + 81


def test_what_a_held_trial_waited_for_is_recorded(drive: Drive) -> None:
    """Held with its rank so far; promoted, or stopped, with rank, cut-off, those ahead and the bracket."""
    driven = drive(experiment(scheduler=HyperBand(), epochs=9, num_trials=8))
    assert Workers(driven.conductor, 1, 0).run()
    history = driven.journal.history
    held = [each for trial in history.trials.values() for each in trial.epochs if each.action == "hold"]
    assert [each.rung["of"] for each in held if each.rung] == [1, 2, 3, 4]
    assert all(each.rung and each.rung["bracket"] == 1 and each.rung["cutoff"] is None for each in held)
    segments = [segment for trial in history.trials.values() for segment in trial.segments]
    stopped = [trial.stopped_at for trial in history.trials.values()]
    told = [
        each for each in (*(segment.rung for segment in segments), *stopped, history.trials[7].epochs[2].rung) if each
    ]
    losses = {number: trial.losses[3] for number, trial in history.trials.items() if trial.bracket == 1}
    order = sorted(losses, key=lambda number: losses[number])
    assert sorted(each["rank"] for each in told) == [1, 2, 3, 4, 5]
    for each in told:
        assert (each["epoch"], each["of"], each["cutoff"], each["bracket"]) == (3, 5, losses[order[1]], 1)
        assert each["ahead"] == order[: each["rank"] - 1][:3]
    assert sum(each is not None for each in stopped) + (history.trials[7].state == "stopped") == 3


@pytest.mark.parametrize("slots", [1, 4])
@pytest.mark.parametrize("first", [10, 17, 20])
def test_more_trials_go_into_new_brackets(drive: Drive, slots: int, first: int) -> None:
    """A finished sweep of any size is extended: no earlier decision changes, no new trial joins an old bracket.

    Only a bracket that nobody was compared in yet, because it compares nobody, is filled up.
    """
    finished = drive(asked(HyperBand(), num_trials=first))
    assert Workers(finished.conductor, slots, 0, 0.2).run()
    before = repr(essence(finished.journal.history))
    last = max(trial.bracket or 0 for trial in finished.journal.history.trials.values())
    more = drive(asked(HyperBand(), num_trials=first + 17), "more", b"".join(finished.lines()))
    assert Workers(more.conductor, slots, 1).run()
    trials = more.journal.history.trials
    assert repr(essence(more.journal.history)[:first]) == before
    assert all(trials[number].ended for number in range(first + 17))
    assert all((trials[number].bracket or 0) > last for number in range(first, first + 17)) or last % 3 == 0


def test_an_exhausted_space_leaves_nobody_held(drive: Drive) -> None:
    """Ten configurations are all there are, though a hundred trials are asked for: the last bracket is judged."""
    space = {"x": tune.choice([number / 10 for number in range(10)])}
    driven = drive(asked(HyperBand(), space=space, num_trials=100))
    assert Workers(driven.conductor, 3, 0).run()
    trials = driven.journal.history.trials
    assert len(trials) == 10 and all(trial.state in ("completed", "stopped") for trial in trials.values())
    assert Counter(trained(driven.journal.history)) == {(0, 9): 3, (1, 3): 3, (1, 9): 2, (2, 9): 1, (2, 3): 1}


def test_a_sweep_that_is_halted_leaves_the_held_where_they_are(drive: Drive) -> None:
    """They are no longer judged, and go on, or are stopped, when the sweep is resumed."""
    driven = drive(asked(HyperBand()))
    workers = Workers(driven.conductor, 1, 0)
    assert not workers.run(steps=27 + 4 * 3)
    driven.conductor.stop("time limit", "enough")
    assert driven.conductor.next_segment() == "done"
    assert [trial.state for trial in driven.journal.history.trials.values()][3:] == ["held"] * 4
    resumed = drive(asked(HyperBand()), "resumed", b"".join(driven.lines()))
    assert Workers(resumed.conductor, 1, 0).run()
    straight = drive(asked(HyperBand()), "straight")
    assert Workers(straight.conductor, 1, 0).run()
    assert repr(essence(resumed.journal.history)) == repr(essence(straight.journal.history))


def test_interrupted_trials_go_before_promoted_ones_before_new_ones(drive: Drive) -> None:
    """Of the promoted the best comes first; those that are out are stopped before anybody goes on."""
    driven = drive(asked(HyperBand(), num_trials=9))
    conductor, trials = driven.conductor, driven.journal.history.trials
    for losses in [[9.0]] * 3 + [[9.0, 9.0, last] for last in (0.5, 0.2, 0.1, 0.9, 0.8)]:
        segment = conductor.next_segment()
        assert isinstance(segment, Segment)
        for epoch, loss in enumerate(losses, start=1):
            goes_on = conductor.report(segment.trial, segment.number, {"epoch": epoch, "loss": loss})
            assert goes_on == (epoch < 3)
        conductor.returned(segment.trial, segment.number)
    assert [trials[number].state for number in range(3, 8)] == ["held"] * 4 + ["stopped"]
    handed: list[int] = []
    while isinstance(segment := conductor.next_segment(), Segment):
        if not handed:
            assert [trials[number].state for number in range(3, 7)] == ["stopped", "held", "running", "stopped"]
            conductor.lost(segment.trial, segment.number, "it died")
        handed.append(segment.trial)
    assert handed == [5, 5, 4, 8]
    assert trials[3].why == "rank 3 of 5 at rung 3, cut-off 0.2"
