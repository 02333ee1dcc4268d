"""The six answers are those of the ledger, worked out here once more; the commands that they give can be typed."""

import json
import shlex
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments._sweep.analysis.answers import Answers, answers
from experiments._sweep.analysis.study import study_of
from experiments._sweep.command_line.parser import parse
from experiments._sweep.ledger.files import LEDGER, LedgerWriter
from experiments._sweep.ledger.records import DriverEnded, SweepOpened
from experiments._sweep.report.page import rendered
from experiments._sweep.report.single import page_of
from experiments._sweep.sweep import Sweep
from experiments._sweep.views.words import beside
from tests.experiments.analysis.made import Ran, asked, records, sweep
from tests.experiments.hostile import HOSTILE, hostile_sweep

STORED = Path(__file__).parents[1] / "stored"
FORMATS = sorted(path.parent for path in STORED.glob("*/wells/ledger.jsonl"))
SPACE = {"lr": {"loguniform": [1e-4, 1.0]}, "act": {"choice": [["relu", "tanh"]]}}


def lines(folder: Path) -> list[dict[str, Any]]:
    """Read a ledger with nothing but JSON."""
    return [json.loads(line) for line in (folder / "ledger.jsonl").read_text().splitlines()]


def of_lr(folder: Path, count: int = 30, **changes: Any) -> Answers:
    """Answer for a sweep in which the learning rate decides, best at 0.01."""
    rng = np.random.default_rng(0)
    lrs = (10 ** rng.uniform(-4, 0, count)).tolist()
    trials = [Ran({"lr": lr, "act": ["relu", "tanh"][n % 2]}, [abs(np.log10(lr) + 2)]) for n, lr in enumerate(lrs)]
    return answers(sweep(folder / "mine", SPACE, trials, **changes))


@pytest.mark.parametrize("folder", FORMATS, ids=lambda path: path.parent.name)
def test_the_answers_are_those_of_the_ledgers_lines(folder: Path) -> None:
    """Of sweeps that older versions wrote, with their confirmations."""
    told, ledger = answers(Sweep(folder)), lines(folder)
    first = ledger[0]
    own: dict[int, list[float]] = {}
    for each in ledger:
        if each["kind"] == "epoch" and isinstance(each["metrics"]["loss"], float):
            own.setdefault(each["trial"], []).append(each["metrics"]["loss"])
    failed = {each["trial"] for each in ledger if each.get("ending") not in (None, "completed", "stopped")}
    best = sorted((min(values), trial) for trial, values in own.items() if trial not in failed)
    assert told.asked.sentence == first["question"]
    assert told.asked.facts["epochs_trained"] == sum(each["kind"] == "epoch" for each in ledger)
    won = told.won.facts
    assert (won["value"], won["trial"]) == best[0]
    assert (won["runner_up"]["value"], won["runner_up"]["trial"]) == best[1]
    assert won["margin"] == pytest.approx(best[1][0] - best[0][0])
    assert won["median"] == statistics.median(value for value, _ in best)
    assert won["epoch"] == own[won["trial"]].index(best[0][0]) + 1
    assert won["config"] == next(e["config"] for e in ledger if e["kind"] == "trial" and e["trial"] == won["trial"])
    confirmed = next(each["answer"] for each in lines(folder / "confirm-1") if each["kind"] == "answer")
    assert told.real.facts["answer"]["answer"] == confirmed["answer"]
    assert confirmed["answer"] in told.real.sentence
    winner = next(each for each in confirmed["configurations"] if each["label"] == confirmed["searched_winner"])
    assert told.real.facts["score"]["mean"] == winner["mean"]
    assert told.repeat.facts["seed"] == first["asks"]["seed"]
    assert told.repeat.facts["versions"] == first["versions"]
    assert told.repeat.facts["overrides"] == first["overrides"]
    assert "--set pause_s=0.15" in told.repeat.facts["run"]


@pytest.mark.parametrize("folder", FORMATS, ids=lambda path: path.parent.name)
def test_every_command_can_be_typed(folder: Path) -> None:
    """The command line understands all of them, and they name this sweep and its best trial."""
    told = answers(Sweep(folder))
    commands = [each.text for answer in told for each in answer.commands]
    assert len(commands) >= 5
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "sweep"
        assert parse(arguments).function
    replayed = parse(shlex.split(told.repeat.facts["train_best"])[1:])
    assert replayed.trial == told.won.facts["trial"]
    assert (Path.cwd() / replayed.sweep).resolve() == folder


def test_a_pinned_value_comes_back_as_it_was(tmp_path: Path) -> None:
    """Whatever it is: a text that looks like a number stays one."""
    from experiments._sweep.command_line.overriding import overrides_of

    pins = {"a": 0.1 + 0.2, "b": "1", "c": "it's $HOME", "d": [1, {"e": None}], "f.g": True, "h": "", "i": "null"}
    overrides = {"set": pins, "num_trials": 7, "search": "random", "resources_per_trial": {"big": 1}, "target": 0.5}
    first = asked(SPACE)
    opened = SweepOpened(**{**vars(first), "overrides": overrides, "source": {"kind": "shipped", "name": "digits_mlp"}})
    writer = LedgerWriter(tmp_path / LEDGER)
    writer.append([opened])
    writer.close()
    run = answers(Sweep(tmp_path)).repeat.facts["run"]
    assert overrides_of(parse(shlex.split(run)[1:])) == overrides


def test_without_a_confirmation_the_winner_is_not_known_to_be_real(tmp_path: Path) -> None:
    """And confirming it comes first."""
    told = of_lr(tmp_path)
    assert told.real.facts == {"confirmed": False, "verdict": None, "looks": 0}
    assert told.real.sentence.startswith("Not known yet: the value is the best of 30 trials")
    assert told.next.facts["suggestions"][0]["what"] == "Confirm the winner"
    assert told.next.facts["suggestions"][0]["command"].startswith("sweep confirm ")


def test_what_mattered_says_where_the_leading_trials_have_it(tmp_path: Path) -> None:
    """The learning rate, from the least to the largest of the eight best."""
    told = of_lr(tmp_path)
    assert told.mattered.facts["stand_out"] == ["lr"]
    assert told.mattered.sentence.startswith("lr (")
    ledger = lines(tmp_path / "mine")
    losses = {each["trial"]: each["metrics"]["loss"] for each in ledger if each["kind"] == "epoch"}
    configs = {each["trial"]: each["config"]["lr"] for each in ledger if each["kind"] == "trial"}
    best = sorted(configs[trial] for trial in sorted(losses, key=lambda trial: losses[trial])[:8])
    assert f"from {best[0]:.4g} to {best[-1]:.4g}" in told.mattered.more[0]
    assert any(each["what"].startswith("Search lr from") for each in told.next.facts["suggestions"])


def test_an_edge_is_widened_and_a_short_budget_lengthened(tmp_path: Path) -> None:
    """Each with its reason; better the larger the learning rate, and the longer it is trained."""
    lrs = np.geomspace(1e-4, 1.0, 40).tolist()
    trials = [Ran({"lr": lr, "act": "relu"}, [3 - np.log10(lr), 2 - np.log10(lr), -np.log10(lr)]) for lr in lrs]
    told = answers(sweep(tmp_path / "mine", SPACE, trials)).next.facts["suggestions"]
    whats = [each["what"] for each in told]
    assert "Search lr as far as 10" in whats
    assert "Train for more than 3 epochs" in whats
    assert "Add trials" in whats  # the last one was the best
    assert all(each["why"].endswith(".") for each in told)


def test_a_sweep_that_failed_or_was_cut_says_so(tmp_path: Path) -> None:
    """Nothing won, nothing mattered, and the failures come before all else."""
    trials = [Ran({"lr": 0.1, "act": "relu"}, [], "error", why="ValueError: no") for _ in range(3)]
    told = answers(sweep(tmp_path / "mine", SPACE, trials))
    assert told.won.sentence.startswith("Nothing yet: no trial has a value")
    assert told.real.sentence == "Not known: no trial has a value."
    assert told.mattered.sentence.startswith("Not known: all trials are equally good") or told.mattered.facts["reason"]
    first = told.next.facts["suggestions"][0]
    assert first["what"] == "Look at the trials that failed"
    assert "3 of 3 trials failed, 3 of them by error (trial 0: ValueError: no)" in first["why"]
    begun = answers(sweep(tmp_path / "begun", SPACE, [Ran({"lr": 0.1, "act": "relu"}, [1.0], None)]))
    assert begun.next.facts["suggestions"][0]["command"].startswith("sweep resume ")
    assert "at epoch 1 of 1 and is " in begun.won.sentence


@pytest.mark.parametrize("mode", ["min", "max"])
def test_equal_trials_are_not_told_as_ahead_of_each_other(tmp_path: Path, mode: str) -> None:
    """A metric that is the same for all has no winner by any margin."""
    told = answers(sweep(tmp_path / "mine", SPACE, [Ran({"lr": 0.1, "act": "relu"}, [0.5])] * 3, mode=mode))
    assert told.won.more[0].startswith("No better than trial 1, which has the same value; no better than the median")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([0.9, 0.5], "Ahead of trial 1 (0.5) by 0.4 (80 %)"),
        ([1e300, 1e-300], "Ahead of trial 1 (1e-300) by 1e+300;"),
        ([0.5, 0.0], "Ahead of trial 1 (0) by 0.5;"),
    ],
)
def test_a_lead_is_told_in_few_characters_whatever_the_values(tmp_path: Path, values: list[float], said: str) -> None:
    """And its share of the other value only where that is one."""
    trials = [Ran({"lr": 0.1, "act": "relu"}, [value]) for value in values]
    assert answers(sweep(tmp_path / "mine", SPACE, trials, mode="max")).won.more[0].startswith(said)


def test_integers_that_no_float_can_hold_end_no_page(tmp_path: Path) -> None:
    """JSON has them: as a metric they are no value, elsewhere they are shown."""
    huge = 10**400
    trials = [
        Ran({"lr": 0.1, "act": "relu", "n": huge + n}, [loss], more={"m": huge}) for n, loss in enumerate([huge, 0.5])
    ]
    made = sweep(tmp_path / "mine", {"of a later version": 1}, trials)
    assert answers(made).won.facts["trial"] == 1
    assert "1.000e+400" in beside(made.history.trials[1])
    assert "1000000" in rendered(page_of(made))
    assert study_of(made.history, "mine").trials[0].intermediate_values == {}


def test_one_trial_is_not_the_best_of_many(tmp_path: Path) -> None:
    """What it lacks is other seeds."""
    told = answers(sweep(tmp_path / "mine", SPACE, [Ran({"lr": 0.1, "act": "relu"}, [0.5])]))
    assert told.real.sentence.startswith("Not known yet: it is one trial")
    assert told.won.sentence.startswith("Trial 0 won")


@pytest.mark.parametrize(("reason", "said"), [("finished", "won"), ("target", "won"), ("interrupted", "leads so far")])
def test_nothing_has_won_while_the_sweep_can_go_on(tmp_path: Path, reason: str, said: str) -> None:
    """A sweep that was cut has a leader."""
    made = [*records(SPACE, [Ran({"lr": 0.1, "act": "relu"}, [0.5])])[:-1]]
    writer = LedgerWriter(tmp_path / LEDGER)
    writer.append([*made, DriverEnded(driver=1, reason=reason, t=9.0, at=9.0)])
    writer.close()
    assert answers(Sweep(tmp_path)).won.sentence.startswith(f"Trial 0 {said}: ")


def test_the_answers_about_a_confirmation_are_those_about_its_sweep() -> None:
    """Whoever asks of the folder inside is asking of the search."""
    outer, inner = Sweep(FORMATS[-1]), Sweep(FORMATS[-1] / "confirm-1")
    assert answers(inner).won == answers(outer).won


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_are_answered_about_and_every_fact_is_json(tmp_path: Path, text: str) -> None:
    """No number is NaN; whatever stands in the ledger, there are six answers with a sentence each."""
    told = answers(Sweep(hostile_sweep(tmp_path / "mine", text)))
    assert all(each.sentence for each in told)
    json.dumps([each.facts for each in told], allow_nan=False)
