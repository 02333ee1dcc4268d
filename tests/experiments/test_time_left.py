"""The time left of a sweep: what it makes of rungs, brackets, patience and limits, and how wrong it is on real ones."""

import dataclasses
from typing import Any

import pytest

from experiments import ASHA, FIFO, HyperBand, MedianStopping
from experiments._sweep.ledger.history import History
from experiments._sweep.ledger.records import (
    DriverEnded,
    EpochReported,
    Record,
    SegmentInterrupted,
    SegmentStarted,
    TrialEnded,
    TrialProposed,
)
from experiments._sweep.views.pruning import pruning_of
from experiments._sweep.views.time_left import Pruning, TimeLeft, time_left, time_left_in_words
from experiments._sweep.views.words import roughly
from tests.experiments.conftest import driver, entries, experiment, opened
from tests.experiments.replayed import NAMES, Replay

MOST_WRONG = {0.25: 0.3, 0.5: 0.25, 0.75: 0.15}
"""Part of the time that is over, and how wrong the time left may be then, as a part of all the time."""
MEAN_WRONG = {0.25: 0.2, 0.5: 0.13, 0.75: 0.1}


def wrong(name: str, part: float) -> float:
    """How wrong the time left is, as a part of all the time: above 0 where it is too long."""
    replay = Replay(name)
    history, t = replay.at(part)
    left = time_left(history, t, pruning_of(history))
    assert left is not None
    return left.seconds / replay.seconds - (1 - part)


@pytest.mark.parametrize("part", MOST_WRONG)
def test_it_is_about_right_on_real_sweeps(part: float) -> None:
    """ASHA, HyperBand, patience, searched epochs, a driver that was lost: after a quarter, a half, three quarters."""
    faults = {name: wrong(name, part) for name in NAMES}
    assert all(abs(fault) <= MOST_WRONG[part] for fault in faults.values()), faults
    assert sum(map(abs, faults.values())) / len(faults) <= MEAN_WRONG[part], faults


def test_it_knows_more_than_budgets_do() -> None:
    """Trials that are stopped early would take three times as long in full: that is not what it says."""
    replay = Replay("housing_mlp")
    history, t = replay.at(0.5)
    left = time_left(history, t, pruning_of(history))
    trained = sum(len(trial.epochs) for trial in history.trials.values())
    in_full = history.seconds / trained * (96 * 27 - trained)
    assert left is not None and left.seconds < 0.7 * in_full


def sweep(*records: Record, **asks: Any) -> History:
    """A sweep of four trials of three epochs, with these records after its first lines."""
    first = opened(experiment(scheduler=FIFO()))
    first.asks.update(asks)
    return History(entries(first, driver(), *records))


def trial(number: int, at: float, *epochs: float, ending: str | None = None, action: str = "continue") -> list[Record]:
    """A trial that began at a time and reported epochs at others; how it ended at the last one."""
    records: list[Record] = [
        TrialProposed(trial=number, config={"x": 0.5}, origin="random", made_at=0, t=at),
        SegmentStarted(trial=number, segment=1, t=at),
    ]
    for epoch, t in enumerate(epochs, 1):
        last = epoch == len(epochs)
        reported = EpochReported(
            trial=number,
            segment=1,
            epoch=epoch,
            metrics={"loss": 1.0 + number},
            action=action if last else "continue",
            t=t,
        )
        records.append(dataclasses.replace(reported, ending=ending, action="stop") if last and ending else reported)
    return records


def seconds(history: History, t: float, pruning: Pruning | None = None) -> float:
    """The time left, to a hundredth."""
    left = time_left(history, t, pruning)
    assert left is not None
    return round(left.seconds, 2)


def test_nothing_is_said_before_an_epoch_nor_after_the_end() -> None:
    """Guesses without a measurement would be budgets in disguise."""
    assert time_left(sweep(), 5.0) is None
    assert time_left(sweep(*trial(0, 0.0)), 5.0) is None
    ended = DriverEnded(driver=1, reason="finished", t=3.0, at=0.0)
    assert time_left(sweep(*trial(0, 0.0, 1, 2, 3, ending="completed"), ended), 5.0) is None


def test_one_after_the_other_takes_what_is_left_of_each() -> None:
    """Four trials of three epochs of a second, one at a time: the second one is in its second epoch."""
    so_far = [*trial(0, 0.0, 1, 2, 3, ending="completed"), *trial(1, 3.0, 4)]
    assert seconds(sweep(*so_far), 4.0) == 8.0
    assert seconds(sweep(*so_far), 4.5) == 7.5


def test_two_at_a_time_take_half_as_long() -> None:
    """What was at work so far is what goes on working; the last one may not be divided."""
    so_far = [*trial(0, 0.0, 1, 2), *trial(1, 0.0, 1, 2)]
    assert seconds(sweep(*so_far), 2.0) == 4.0
    assert seconds(sweep(*so_far, num_trials=2), 2.0) == 1.0
    alone = [
        *trial(0, 0.0, 1, 2, 3, ending="completed"),
        *trial(1, 0.0, 1, 2, 3, ending="completed"),
        *trial(2, 3.0, 5),
    ]
    assert seconds(sweep(*alone, num_trials=3), 5.0) == 4.0


def test_the_start_of_a_process_is_no_epoch() -> None:
    """The first trials wait ten seconds for their processes and data, and the others will not."""
    so_far = [*trial(0, 0.0, 11, 12, 13, ending="completed"), *trial(1, 13.0, 14)]
    assert seconds(sweep(*so_far), 14.0) == pytest.approx(8.0, rel=0.05)


def test_a_rung_that_nobody_has_got_to_stops_its_share() -> None:
    """A third goes on after epoch 1: a new trial trains 1 + 2/3 of three epochs, and more as one does."""
    pruning = Pruning(rungs=(1,), goes_on=1 / 3)
    without = seconds(sweep(*trial(0, 0.0, 1), num_trials=100), 1.0)
    assert seconds(sweep(*trial(0, 0.0, 1), num_trials=100), 1.0, pruning) == pytest.approx(
        without * (5 / 3) / 3, rel=0.25
    )


def test_patience_of_a_trial_shows_in_those_that_come() -> None:
    """Where all trials end by themselves after one of three epochs, the others are expected to."""
    so_far = [record for n in range(9) for record in trial(n, float(n), n + 1.0, ending="completed")]
    assert seconds(sweep(*so_far, num_trials=18), 9.0) < 14.0


def test_searched_epochs_are_budgets_of_their_own() -> None:
    """A trial that is given 30 epochs is not done after three."""
    space = {"x": {"uniform": [0, 1]}, "epochs": {"randint": [1, 31]}}
    long = trial(0, 0.0, 1, 2, 3)
    long[0] = TrialProposed(trial=0, config={"x": 0.5, "epochs": 30}, origin="random", made_at=0, t=0.0)
    assert seconds(sweep(*long, space=space, num_trials=1), 3.0) == 27.0


def test_brackets_plan_their_epochs() -> None:
    """HyperBand's trials wait for each other, so what was trained says little: its plan says how much is left."""
    asked = HyperBand()
    history = sweep(*trial(0, 0.0, 1, 2, 3, action="hold"), scheduler={"name": "HyperBand"}, num_trials=17, epochs=9)
    pruning = pruning_of(history)
    assert pruning.epochs_in_all == asked.epochs_in_all(9, 17)
    assert f"That is {pruning.epochs_in_all} epochs in all" in asked.in_words(9, 17)[-1]
    assert seconds(history, 3.0, pruning) == pruning.epochs_in_all - 3


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        ({"name": "ASHA", "grace_epochs": 2, "reduction_factor": 2}, Pruning(rungs=(2, 4), goes_on=0.5)),
        ({"name": "FIFO"}, Pruning()),
        ({"name": "MedianStopping"}, Pruning()),
        ({"name": "HyperBandForBOHB", "class": "of Ray's"}, Pruning()),
        ({"name": "ASHA", "since": "a later version"}, Pruning()),
        ({"name": "ASHA", "reduction_factor": 0}, Pruning()),
        ({"name": "ASHA", "grace_epochs": "\x1b"}, Pruning()),
        ({}, Pruning()),
    ],
    ids=str,
)
def test_what_is_known_of_a_scheduler(scheduler: dict[str, Any], expected: Pruning) -> None:
    """Ours tell their rungs; of others, and of nonsense, nothing is known, and that is no error."""
    assert pruning_of(sweep(scheduler=scheduler, epochs=8)) == expected


def test_searched_epochs_have_no_rungs_and_huge_budgets_are_not_counted() -> None:
    """A foreign ledger may ask for a billion epochs."""
    asha = ASHA().__dict__ | {"name": "ASHA"}
    assert pruning_of(sweep(scheduler=asha, space={"epochs": {"randint": [1, 9]}})) == Pruning()
    huge = sweep(*trial(0, 0.0, 1, 2), scheduler=asha, epochs=10**9)
    assert pruning_of(huge) == Pruning() and seconds(huge, 2.0) > 10**9
    assert MedianStopping().rungs(3) == (1, 2)


def test_a_time_limit_and_patience_of_the_sweep_end_it_sooner() -> None:
    """The limit counts from the start of its driver; patience ends it unless a better value comes."""
    so_far = [
        *trial(0, 0.0, 1, 2, 3, ending="completed"),
        *trial(1, 3.0, 4, 5, 6, ending="completed"),
        *trial(2, 6.0, 7),
    ]
    patient = time_left(sweep(*so_far, num_trials=12, patience_trials=4), 7.0)
    assert patient is not None and round(patient.seconds, 2) == 29.0
    assert patient.unless_better_s == pytest.approx(29.0 * 2 / 10)  # two trials more without a better value
    assert time_left_in_words(patient) == "about 30 s left, 5 s if none is better"
    first = opened(experiment())
    limited = dataclasses.replace(driver(), settings={"time_limit_s": 10.0})
    assert time_left(History(entries(first, limited, *so_far)), 7.0) == TimeLeft(seconds=3.0, limited=True)
    assert time_left_in_words(TimeLeft(seconds=3.0, limited=True)) == "about 5 s left (its time limit)"
    assert time_left(History(entries(first, limited, *so_far)), 4.0).seconds < 10.0  # type: ignore[union-attr]


def test_a_resumed_sweep_counts_the_trials_it_is_given_now() -> None:
    """`sweep resume --trials 8`, while its new driver has not begun a trial: by the pace of the one before."""
    first, again = opened(experiment()), dataclasses.replace(driver(2), limits={"num_trials": 8})
    done = [
        record for n in range(4) for record in trial(n, 3.0 * n, 3 * n + 1, 3 * n + 2, 3 * n + 3, ending="completed")
    ]
    left = time_left(History(entries(first, driver(), *done, again)), 2.0)
    assert left is not None and left.seconds == pytest.approx(12.0)


def test_interrupted_failed_and_lost_trials_are_counted() -> None:
    """One that failed before its first epoch took what it took; one that was interrupted goes on."""
    failed = [*trial(0, 0.0), TrialEnded(trial=0, ending="error", why="", t=1.0)]
    cut = [*trial(1, 1.0, 2), SegmentInterrupted(trial=1, segment=1, cause="node", t=2.0)]
    assert 0.0 < seconds(sweep(*failed, *cut, num_trials=2), 2.0) <= 2.0
    assert time_left_in_words(None) == ""


@pytest.mark.parametrize(
    ("left", "words"),
    [
        *((0.0, "5 s"), (12.4, "10 s"), (44, "45 s"), (88, "90 s"), (91, "2 min"), (754, "13 min"), (5300, "88 min")),
        *((5401, "1 h 30 min"), (7300, "2 h"), (36_000, "10 h"), (172_000, "47 h 50 min"), (200_000, "2 days")),
    ],
)
def test_what_is_estimated_is_told_roughly(left: float, words: str) -> None:
    """Nobody believes seconds of an hour that is only guessed."""
    assert roughly(left) == words
