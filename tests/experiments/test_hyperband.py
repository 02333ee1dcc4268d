"""HyperBand's arithmetic by hand, and how its brackets fill, wait and are judged."""

import pytest

from experiments._sweep.policy import Action, Decision, Observation
from experiments.schedulers import HyperBand
from experiments.schedulers._brackets import band

BY_HAND = {
    # R, eta: brackets s = 0, 1, ...: trials, then epoch -> how many go on
    (27, 3): [(4, {}), (6, {9: 2}), (12, {3: 4, 9: 2}), (27, {1: 9, 3: 3, 9: 1})],
    (9, 3): [(3, {}), (5, {3: 2}), (9, {1: 3, 3: 1})],
    (81, 3): [
        *((5, {}), (8, {27: 3}), (15, {9: 5, 27: 2})),
        *((34, {3: 12, 9: 4, 27: 2}), (81, {1: 27, 3: 9, 9: 3, 27: 1})),
    ],
    (16, 4): [(3, {}), (6, {4: 2}), (16, {1: 4, 4: 1})],
    (8, 2): [(4, {}), (4, {4: 2}), (6, {2: 3, 4: 2}), (8, {1: 4, 2: 2, 4: 1})],
    (10, 3): [(3, {}), (5, {3: 2}), (9, {1: 3, 3: 1})],  # the last of a bracket train all 10 epochs, not 9
    (20, 3): [(4, {}), (6, {6: 2}), (12, {2: 4, 6: 2})],  # s = 3 would begin with 20 / 27 epochs: left out
    (12, 2.5): [(4, {}), (5, {4: 2}), (9, {1: 4, 2: 2})],  # s = 3 is left out; 1.92 epochs are 1, 2.5 are 2
    (2, 3): [(2, {})],
    (1, 3): [(1, {})],
}


@pytest.mark.parametrize(("shape", "brackets"), BY_HAND.items(), ids=str)
def test_brackets_by_hand(shape: tuple[int, float], brackets: list[tuple[int, dict[int, int]]]) -> None:
    """How many trials each takes, and how many go on after which epoch."""
    found = band(*shape)
    assert [(each.size, dict(zip(each.rungs, each.keep, strict=True))) for each in found] == brackets


def test_it_says_what_it_will_do() -> None:
    """The words of `sweep show`: each bracket of the sweep by the numbers of its trials."""
    assert HyperBand().in_words(27, 64) == [
        "Trials go into brackets; at a rung each is held until all of its bracket got there, and the best go on.",
        "Trials 0 to 3: the whole budget of 27 epochs.",
        "Trials 4 to 9: after epoch 9 the best third goes on (2 of 6).",
        "Trials 10 to 21: after epoch 3 the best third goes on (4 of 12), after epoch 9 the best 2 of 4 go on.",
        (
            "Trials 22 to 48: after epoch 1 the best third goes on (9 of 27), after epoch 3 the best third goes on "
            "(3 of 9), after epoch 9 the best third goes on (1 of 3)."
        ),
        "Trials 49 to 52: the whole budget of 27 epochs.",
        "Trials 53 to 58: after epoch 9 the best third goes on (2 of 6).",
        "Trials 59 to 63: after epoch 3 the best 4 of 5 go on, after epoch 9 the best 2 of 4 go on.",
        "That is 648 epochs in all where no trial fails, instead of 1728.",  # 108 + 90 + 96 + 81 + 108 + 90 + 75
    ]
    assert HyperBand().in_words(9, 4)[2] == "Trial 3: after epoch 3 all go on."
    assert HyperBand().in_words(9, 100)[-2] == "And so on, in 18 brackets, to trial 99."


def trial(number: int, bracket: int | None, *losses: float, ending: str | None = None) -> Observation:
    """A trial of a bracket with its losses from epoch 1 on."""
    told = dict(enumerate(losses, start=1))
    return Observation(trial=number, config={}, losses=told, ending=ending, bracket=bracket)


def known(*trials: Observation) -> dict[int, Observation]:
    """By number."""
    return {each.trial: each for each in trials}


FIRST = [trial(number, 0, *[1.0] * 9, ending="completed") for number in range(3)]
"""With R = 9: the bracket that compares nobody, full and done."""


def waiting(*losses: float) -> list[Observation]:
    """Trials 3, 4, ... of the bracket of five, held at its rung 3 with these losses."""
    return [trial(number, 1, 9.0, 9.0, loss) for number, loss in enumerate(losses, start=3)]


def fate(action: Action, rank: int, cutoff: float, *ahead: int) -> Decision:
    """What was decided at the rung 3 with five trials."""
    return Decision(action=action, rung=3, rank=rank, of=5, cutoff=cutoff, ahead=ahead)


def bracket_after(*trials: Observation) -> int | None:
    """The bracket of the next trial, R = 9."""
    return HyperBand().bracket(known(*trials), epochs=9)


def test_brackets_fill_in_turn() -> None:
    """One after the other and round again; a trial that failed below the first rung leaves its place."""
    assert bracket_after() == 0
    assert bracket_after(*FIRST[:2]) == 0
    assert bracket_after(*FIRST) == 1
    assert bracket_after(*FIRST[:2], trial(2, 0, 1.0, ending="completed")) == 1, "it ended by itself, and had its place"
    assert bracket_after(*FIRST[:2], trial(2, 0, 1.0, ending="error")) == 0
    assert bracket_after(*FIRST, *waiting(1, 2, 3, 4)) == 1
    assert bracket_after(*FIRST, *waiting(1, 2, 3, 4), trial(7, 1)) == 2
    assert bracket_after(*FIRST, *waiting(1, 2, 3, 4), trial(7, 1, 1.0, 1.0, ending="diverged")) == 1
    assert bracket_after(trial(0, 2), trial(1, 2)) == 2
    assert bracket_after(*(trial(number, 2) for number in range(9))) == 3
    assert bracket_after(trial(0, None)) == 0, "trials of a sweep that had no brackets"


@pytest.mark.parametrize(
    "seen",
    [
        trial(4, 1, 9.0, 9.0, 2.0, 1.0),
        trial(4, 1, 9.0, 9.0, 2.0, ending="stopped"),
        trial(4, 1, 9.0, 9.0, 2.0, ending="diverged"),
        trial(4, 1, 9.0, 9.0, 2.0, ending="completed"),
    ],
    ids=["went on", "stopped", "diverged at its next epoch", "ended by itself after it was promoted"],
)
def test_a_judged_bracket_takes_nobody_more(seen: Observation) -> None:
    """What became of one of its trials tells that it was judged, with few trials when no more were to come."""
    assert bracket_after(*FIRST, *waiting(1.0), seen) == 2


def test_it_waits_for_the_bracket_and_then_all_fates_are_known() -> None:
    """Four of five are there: held. The fifth decides, for itself at once, for the others when they are judged."""
    hyperband, trials = HyperBand(), known(*FIRST, *waiting(3.0, 1.0, 4.0, 5.0), trial(7, 1, 9.0, 9.0))
    held = {3: 3, 4: 3, 5: 3, 6: 3}
    assert hyperband.judge(trials, held, epochs=9, more_to_come=True) == {}
    early = hyperband.decide(trials, trial=7, epoch=2, loss=0.0, epochs=9)
    assert early == Decision(action="continue")
    for loss, decided in [
        (2.0, fate("continue", 2, 2.0, 4)),
        (3.5, fate("stop", 3, 3.0, 4, 3)),
        (9.0, fate("stop", 5, 3.0, 4, 3, 5)),
        (3.0, fate("continue", 2, 3.0, 4)),  # of equals the higher number, as in Ray
    ]:
        assert hyperband.decide(trials, trial=7, epoch=3, loss=loss, epochs=9) == decided
    trials[7] = trial(7, 1, 9.0, 9.0, 2.0)
    fates = hyperband.judge(trials, held, epochs=9, more_to_come=True)
    assert {number: each.action for number, each in fates.items()} == {3: "stop", 4: "continue", 5: "stop", 6: "stop"}
    assert fates[5] == fate("stop", 4, 2.0, 4, 7, 3)
    trials[4], trials[6] = trial(4, 1, 9.0, 9.0, 1.0, ending="error"), trial(6, 1, 9.0, 9.0, 5.0, ending="stopped")
    later = hyperband.judge(trials, {3: 3, 5: 3}, epochs=9, more_to_come=True)
    assert later == {3: fates[3], 5: fates[5]}, "also when some of the fates have been met"


def test_a_bracket_that_is_not_full_waits_while_new_trials_are_to_come() -> None:
    """Without them, or with a newer bracket, it is judged with those that are there; a running one is waited for."""
    hyperband, trials, held = HyperBand(), known(*FIRST, *waiting(3.0, 1.0, 2.0)), {3: 3, 4: 3, 5: 3}
    assert hyperband.decide(trials, trial=5, epoch=3, loss=2.0, epochs=9).action == "hold"
    assert hyperband.judge(trials, held, epochs=9, more_to_come=True) == {}
    fates = hyperband.judge(trials, held, epochs=9, more_to_come=False)
    assert {number: each.action for number, each in fates.items()} == {3: "stop", 4: "continue", 5: "continue"}
    newer = {**trials, 6: trial(6, 2)}
    assert hyperband.judge(newer, held, epochs=9, more_to_come=True) == fates
    running = {**trials, 6: trial(6, 1, 5.0)}
    assert hyperband.judge(running, held, epochs=9, more_to_come=False) == {}
    failed = {**trials, 6: trial(6, 1, 5.0, ending="lost")}
    assert hyperband.judge(failed, held, epochs=9, more_to_come=False) == fates


def test_the_next_rung_waits_for_those_who_were_promoted_only() -> None:
    """Bracket s = 2 of R = 9: nine at epoch 1, three at epoch 3, of which one failed on the way: one goes on."""
    trials = known(
        *(trial(number, 2, float(number), ending="stopped") for number in range(3, 9)),
        trial(0, 2, 0.0, 0.0, 0.5),
        trial(1, 2, 1.0, 1.0, ending="error"),
        trial(2, 2, 2.0, 2.0),
    )
    waits = HyperBand().judge(trials, {0: 3}, epochs=9, more_to_come=True)
    assert waits == {}
    last = HyperBand().decide(trials, trial=2, epoch=3, loss=0.4, epochs=9)
    assert last == Decision(action="continue", rung=3, rank=1, of=2, cutoff=0.4)
    assert HyperBand().decide(trials, trial=2, epoch=3, loss=0.6, epochs=9).action == "stop"


def test_a_trial_without_a_bracket_trains_on() -> None:
    """One that was proposed under another scheduler."""
    assert HyperBand().decide(known(trial(0, None)), trial=0, epoch=3, loss=1.0, epochs=9).action == "continue"
