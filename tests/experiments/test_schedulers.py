"""Every scheduler keeps the protocol, in words, in rungs and in refusals."""

import copy
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import experiments.schedulers
from experiments import Experiment, InputError
from experiments._sweep.policy import Decision, Observation, Scheduler
from experiments.schedulers import ASHA, FIFO, HyperBand, MedianStopping, by_name, names
from tests.experiments.conftest import experiment

EVERY = pytest.mark.parametrize("scheduler", [by_name(name) for name in names()], ids=names())


def trial(number: int, *losses: float, ending: str | None = None, bracket: int | None = None) -> Observation:
    """A trial with its losses from epoch 1 on."""
    told = dict(enumerate(losses, start=1))
    return Observation(trial=number, config={}, losses=told, ending=ending, bracket=bracket)


CURVES = {0: trial(0, 3.0, 2.5, 2.0), 1: trial(1, 1.0, 0.5, 0.4), 2: trial(2, 2.0), 3: trial(3), 9: trial(9)}


@EVERY
@pytest.mark.parametrize("epochs", [3, 27, 100])
def test_a_scheduler_keeps_the_protocol(scheduler: Scheduler, epochs: int) -> None:
    """Rungs lie in the budget, words are sentences with the numbers of the sweep."""
    assert isinstance(scheduler, Scheduler)
    assert scheduler.faults(epochs, 64) == []
    rungs = scheduler.rungs(epochs)
    assert list(rungs) == sorted({rung for rung in rungs if 1 <= rung < epochs})
    words = scheduler.in_words(epochs, 64)
    assert all(sentence.endswith(".") for sentence in words)
    assert any(f" {epochs} epochs" in sentence for sentence in words)
    assert all(any(re.search(rf"\b{rung}\b", sentence) for sentence in words) for rung in (rungs[:1] + rungs[-1:]))


@EVERY
@pytest.mark.parametrize("seed", range(20))
def test_answers_are_pure_functions(scheduler: Scheduler, seed: int) -> None:
    """Trials of every fate: the same answer twice and in any order of the trials, and no argument is changed."""
    rng = np.random.default_rng(seed)
    endings = [None, None, None, "completed", "stopped", "diverged", "error", "lost"]
    trials: dict[int, Observation] = {}
    for number in range(12):
        bracket = scheduler.bracket(trials, epochs=9)
        losses = rng.normal(size=rng.integers(0, 8)).tolist()
        trials[number] = replace(trial(number, *losses, ending=endings[rng.integers(8)]), bracket=bracket)
    trials[12] = replace(trial(12, *rng.normal(size=seed % 8)), bracket=scheduler.bracket(trials, epochs=9))
    held = {number: len(each.losses) for number, each in trials.items() if each.losses and each.ending is None}
    before = copy.deepcopy((trials, held))
    shuffled = dict(sorted(trials.items(), key=lambda each: (each[0] * 7) % 13))

    def answers(known: dict[int, Observation]) -> list[Any]:
        epoch = 1 + len(known[12].losses)
        decision = scheduler.decide(known, trial=12, epoch=epoch, loss=0.3, epochs=9)
        assert decision.rung in (None, epoch)
        assert decision.action in ("continue", "hold", "stop")
        judged = [scheduler.judge(known, held, epochs=9, more_to_come=more) for more in (True, False)]
        assert all(set(fates) <= set(held) for fates in judged)
        return [decision, judged, scheduler.bracket(known, epochs=9)]

    assert answers(trials) == answers(trials) == answers(shuffled)
    assert (trials, held) == before


@EVERY
def test_the_first_results_go_on_or_are_held(scheduler: Scheduler) -> None:
    """Nobody is stopped who is compared with nobody, however bad."""
    for epoch in range(1, 27):
        bracket = scheduler.bracket({}, epochs=27)
        alone = {0: trial(0, *[1e300] * (epoch - 1), bracket=bracket)}
        assert scheduler.decide(alone, trial=0, epoch=epoch, loss=1e300, epochs=27).action != "stop"


def test_fifo_never_stops() -> None:
    """The worst trial trains its whole budget."""
    assert FIFO().decide(CURVES, trial=9, epoch=1, loss=1e9, epochs=27) == Decision(action="continue")
    assert FIFO().in_words(27, 4) == ["Every trial trains its whole budget of 27 epochs."]


@pytest.mark.parametrize(
    ("asha", "epochs", "rungs"),
    [
        (ASHA(), 27, (1, 3, 9)),
        (ASHA(), 28, (1, 3, 9, 27)),
        (ASHA(grace_epochs=2, reduction_factor=4), 40, (2, 8, 32)),
        (ASHA(reduction_factor=2.5), 30, (1, 3, 7, 16)),
        (ASHA(grace_epochs=5), 5, ()),
        (HyperBand(), 27, (1, 3, 9)),
        (HyperBand(), 20, (2, 6)),
        (HyperBand(reduction_factor=2), 8, (1, 2, 4)),
        (MedianStopping(grace_epochs=3), 6, (3, 4, 5)),
        (MedianStopping(grace_epochs=6), 6, ()),
    ],
)
def test_rungs_by_hand(asha: Scheduler, epochs: int, rungs: tuple[int, ...]) -> None:
    """The rungs r eta^k, at the first epoch not below them; none at the budget, where a trial is complete anyway."""
    assert asha.rungs(epochs) == rungs


def test_a_decision_tells_rank_cutoff_and_who_was_ahead() -> None:
    """At rung 1 were the losses 3, 1, 2: the best third ends at 1.667, so 1.5 goes on as second and 1.7 does not."""
    goes_on = ASHA().decide(CURVES, trial=9, epoch=1, loss=1.5, epochs=27)
    assert (goes_on.action, goes_on.rung, goes_on.rank, goes_on.of, goes_on.ahead) == ("continue", 1, 2, 4, (1,))
    assert goes_on.cutoff == pytest.approx(5 / 3)
    assert ASHA().decide(CURVES, trial=9, epoch=1, loss=1.7, epochs=27).action == "stop"
    assert ASHA().decide(CURVES, trial=9, epoch=2, loss=9.0, epochs=27) == Decision(action="continue")
    assert ASHA().decide(CURVES, trial=9, epoch=9, loss=9.0, epochs=27).cutoff is None
    many = {number: trial(number, float(number)) for number in range(9)}
    assert ASHA().decide(many, trial=9, epoch=1, loss=8.5, epochs=27).ahead == (0, 1, 2)


def test_the_median_by_hand() -> None:
    """Means up to epoch 2 are 2.75 and 0.75 (trial 2 has not got there): the median is 1.75, the best loss counts."""
    rule = MedianStopping(min_trials=2)
    stopped = rule.decide(CURVES, trial=9, epoch=2, loss=1.8, epochs=27)
    assert stopped == Decision(action="stop", rung=2, rank=2, of=3, cutoff=1.75, ahead=(1,))
    assert rule.decide(CURVES, trial=9, epoch=2, loss=1.75, epochs=27).action == "continue"
    once_good = {**CURVES, 9: trial(9, 0.1)}
    assert rule.decide(once_good, trial=9, epoch=2, loss=9.0, epochs=27) == Decision(
        action="continue", rung=2, rank=1, of=3, cutoff=1.75
    )
    few = MedianStopping(min_trials=3).decide(CURVES, trial=9, epoch=2, loss=9.0, epochs=27)
    assert (few.action, few.cutoff, few.rank, few.of) == ("continue", None, 3, 3)
    assert MedianStopping(grace_epochs=3).decide(CURVES, trial=9, epoch=2, loss=9.0, epochs=27).rung is None


def test_schedulers_say_what_they_will_do() -> None:
    """The words of `sweep show`, with the numbers of the sweep."""
    assert ASHA().in_words(27, 64) == [
        (
            "After epochs 1, 3 and 9: a trial goes on if it is among the best third of those that got there so far, "
            "otherwise it is stopped."
        ),
        (
            "Of 64 trials about 21 go on after epoch 1, about 7 go on after epoch 3, about 2 go on after epoch 9; "
            "the first to get there always does."
        ),
        "Trials that are never stopped train the whole budget of 27 epochs.",
    ]
    assert (
        ASHA(reduction_factor=2.5, grace_epochs=2)
        .in_words(3, 64)[0]
        .startswith("After epoch 2: a trial goes on if it is among the best 1/2.5 of those that got there so far")
    )
    none = "No epoch of comparison lies below the budget: all trials train the whole budget of 1 epoch."
    assert ASHA().in_words(1, 64) == MedianStopping().in_words(1, 64) == [none]
    assert MedianStopping(grace_epochs=2).in_words(27, 64) == [
        (
            "After each of the epochs 2 to 26: a trial goes on if its best value so far is no worse than the median of "
            "the others' means since epoch 2, otherwise it is stopped."
        ),
        "Of 64 trials the worse half is stopped sooner or later; nobody is before 3 other trials got so far.",
        "Trials that are never stopped train the whole budget of 27 epochs.",
    ]
    assert MedianStopping(min_trials=1).in_words(2, 64)[0].startswith("After epoch 1: a trial goes on")


@pytest.mark.parametrize(
    ("scheduler", "words"),
    [
        (
            ASHA(grace_epochs=30),
            (
                "scheduler.grace_epochs: 30 is more than the budget of 27 epochs; it must be from 1 to 27. "
                "Lower it, or raise epochs."
            ),
        ),
        (
            ASHA(grace_epochs=0),
            "scheduler.grace_epochs: 0 is not a number of epochs; it must be a whole number of at least 1.",
        ),
        (ASHA(grace_epochs=1.5), "scheduler.grace_epochs: 1.5 is not a number of epochs"),  # type: ignore[arg-type]
        (ASHA(grace_epochs=True), "scheduler.grace_epochs: True is not a number of epochs"),
        (
            ASHA(reduction_factor=1),
            (
                "scheduler.reduction_factor: 1 is given, a finite number of at least 1.1 is needed: one trial in so "
                "many goes on at each rung. Use 2, 3 or 4."
            ),
        ),
        (ASHA(reduction_factor="3"), "scheduler.reduction_factor: '3' is given"),  # type: ignore[arg-type]
        (ASHA(reduction_factor=float("nan")), "scheduler.reduction_factor: nan is given"),
        (
            HyperBand(reduction_factor=1.5),
            (
                "scheduler.reduction_factor: 1.5 is given, a finite number of at least 2 is needed: one trial in so "
                "many goes on at each rung. Use 2, 3 or 4."
            ),
        ),
        (HyperBand(reduction_factor=True), "scheduler.reduction_factor: True is given"),
        (MedianStopping(grace_epochs=28), "scheduler.grace_epochs: 28 is more than the budget of 27 epochs"),
        (MedianStopping(grace_epochs=0), "scheduler.grace_epochs: 0 is not a number of epochs"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(scheduler: Scheduler, words: str) -> None:
    """One fault each, in full, and no rungs from them."""
    (fault,) = scheduler.faults(27, 64)
    assert words in fault
    with pytest.raises(ValueError, match=re.escape(words)):
        scheduler.rungs(27)


@pytest.mark.parametrize(
    ("scheduler", "epochs", "num_trials", "words"),
    [
        (
            HyperBand(),
            2,
            64,
            (
                "scheduler: HyperBand(reduction_factor=3) compares nobody within the budget of 2 epochs; at least "
                "3 epochs are needed. Raise epochs, lower reduction_factor, or use FIFO()."
            ),
        ),
        (
            HyperBand(),
            27,
            5,
            (
                "scheduler: HyperBand's first bracket that compares trials begins with trial 4 and lets 2 go on; with "
                "num_trials=5 nobody would ever be stopped. Use num_trials of at least 7, or 10 for a full bracket, "
                "or ASHA()."
            ),
        ),
        (
            MedianStopping(),
            27,
            3,
            (
                "scheduler.min_trials: 3 other trials are needed before one is stopped, and num_trials=3 is not more "
                "than that: nobody would ever be stopped. Use num_trials of at least 4, lower min_trials, or use "
                "FIFO()."
            ),
        ),
        (
            MedianStopping(min_trials=0),
            27,
            64,
            "scheduler.min_trials: 0 is not a number of trials; it must be a whole number of at least 1.",
        ),
    ],
)
def test_a_sweep_in_which_it_could_do_nothing_is_refused(
    scheduler: Any, epochs: int, num_trials: int, words: str
) -> None:
    """By the experiment, with the numbers that would do; and one more than refused is not."""
    with pytest.raises(InputError) as refused:
        experiment(scheduler=scheduler, epochs=epochs, num_trials=num_trials)
    assert refused.value.faults == [words]
    enough = next(n for n in range(1, 100) if not replace(scheduler, **_sound(scheduler)).faults(27, n))
    assert f"at least {enough}" in words or num_trials == 64
    assert isinstance(
        experiment(scheduler=replace(scheduler, **_sound(scheduler)), epochs=27, num_trials=64), Experiment
    )


def _sound(scheduler: Any) -> dict[str, Any]:
    return {"min_trials": 3} if isinstance(scheduler, MedianStopping) else {}


@EVERY
def test_a_number_of_trials_that_is_none_is_told_by_itself(scheduler: Any) -> None:
    """And hides no other fault."""
    with pytest.raises(InputError) as refused:
        experiment(scheduler=scheduler, epochs=27, num_trials="many")
    assert refused.value.faults == ["num_trials must be a whole number of at least 1, got 'many'."]


def test_faults_are_told_at_once() -> None:
    """Two wrong parameters give two sentences."""
    assert len(ASHA(grace_epochs=0, reduction_factor=0).faults(9, 64)) == 2
    assert len(MedianStopping(grace_epochs=0, min_trials=0).faults(9, 64)) == 2


def test_schedulers_are_found_by_name() -> None:
    """Any case of letters; a near miss is told the nearest, and every name."""
    assert [by_name(name) for name in ("ASHA", "fifo", "HyperBand", "median")] == [
        *(ASHA(), FIFO(), HyperBand(), MedianStopping())
    ]
    there = r"there are asha, fifo, hyperband, median\."
    with pytest.raises(ValueError, match=rf"^unknown scheduler 'ashaa': {there} Did you mean 'asha'\?$"):
        by_name("ashaa")
    with pytest.raises(ValueError, match=rf"^unknown scheduler '\.\./x': {there}$"):
        by_name("../x")
    with pytest.raises(AttributeError, match="has no attribute 'Ashaa'; it has: ASHA, FIFO, HyperBand, MedianStopping"):
        _ = experiments.schedulers.Ashaa
