"""Callbacks of Ray Tune's in a sweep: one run for each trial, whatever becomes of the trial or of the callback."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ray.tune import Callback

from experiments import HyperBand, InputError, open_sweep
from experiments._sweep.elsewhere import observer
from experiments._sweep.elsewhere.observer import Elsewhere
from experiments._sweep.ledger.history import History
from experiments._sweep.ledger.records import DriverEnded, SegmentStarted, TrialProposed
from experiments._sweep.views.plan import plan_lines
from experiments._sweep.views.story import story_facts, story_lines
from tests.experiments.conftest import Made, driver, entries, experiment, made_up, opened
from tests.experiments.told import Broken, Interrupted, Kept, Logger, run
from trainables import Checkpoints, Record


def uneven(config: Made, checkpoints: Checkpoints | None) -> Iterator[Record]:
    """Some fail, some diverge, the others fall and rise again."""
    for record in made_up(config, checkpoints):
        if config.x > 0.9:
            raise ValueError("too far")
        late = 2.0 if record["epoch"] > 2 else 0.0
        yield {**record, "loss": float("nan") if config.x < 0.2 else record["loss"] + late, "note": "text"}


def test_each_trial_is_one_run_with_the_ledgers_results_and_its_ending(tmp_path: Path) -> None:
    """Completed, diverged and failed ones; the best value until then stands beside each."""
    logger, other = Logger(), Logger()
    sweep, said = run(experiment(uneven, num_trials=8, callbacks=[logger, lambda: other]), tmp_path)
    history = sweep.history
    assert {trial.state for trial in history.trials.values()} == {"completed", "diverged", "error"}
    for number, trial in history.trials.items():
        assert logger.of("start", number) == [("start", number, f"mine_{number:04d}", trial.config)]
        results = [each[3] for each in other.of("result", number)]
        assert [each[2] for each in logger.of("result", number)] == [record.epoch for record in trial.epochs]
        failed = trial.state != "completed"
        assert logger.of("end", number) == [("end", number, "ERROR" if failed else "TERMINATED", failed)]
        if trial.value is not None:
            best = min(record.metrics["loss"] for record in trial.epochs)
            assert logger.told and best == trial.value
        assert results == [{}] * len(trial.epochs), "each callback has a dict of its own"
    assert logger.told == other.told and (logger.over, other.over) == (1, 1)
    assert logger.told[0] == ("setup", 8) and "failed while" not in said


def test_a_result_is_what_ray_would_give(tmp_path: Path) -> None:
    """With the best value so far, whose last one is the trial's, and who trained it."""
    logger = Kept()
    sweep, _ = run(experiment(uneven, num_trials=4, callbacks=(logger,)), tmp_path)
    best = sweep.best
    assert best is not None
    results = [each[3] for each in logger.of("result", best.trial)]
    assert [each["best_loss"] for each in results] == [results[0]["loss"], best.value, best.value]
    worker = sweep.history.trials[best.trial].segments[0].worker
    for result in results:
        assert f"{result['hostname']}:{result['pid']}" == worker
        assert result["config"] == best.config and result["done"] == (result["epoch"] == 3)
        assert 0 <= result["time_this_iter_s"] <= result["time_total_s"]


def test_a_trial_that_is_held_stays_one_run(tmp_path: Path) -> None:
    """HyperBand holds trials at its rungs: several segments, one start and one end."""
    logger = Logger()
    asked = experiment(num_trials=9, epochs=9, scheduler=HyperBand(), callbacks=[logger])
    sweep, _ = run(asked, tmp_path)
    assert any(len(trial.segments) > 1 for trial in sweep.history.trials.values())
    for number, trial in sweep.history.trials.items():
        assert len(logger.of("start", number)) == len(logger.of("end", number)) == 1
        assert [each[2] for each in logger.of("result", number)] == [record.epoch for record in trial.epochs]


def test_a_resumed_driver_tells_what_is_new(tmp_path: Path) -> None:
    """The run of an interrupted trial is closed, and goes on in another driver with the epochs that come then."""
    first, second = Kept(), Kept()
    train = Interrupted(5)
    sweep, _ = run(experiment(train, callbacks=[first]), tmp_path)
    assert sweep.history.trials[1].state == "interrupted"
    assert first.of("end", 1) == [("end", 1, "PAUSED", False)] and first.over == 1
    sweep, said = run(experiment(train, callbacks=[second]), tmp_path)
    assert [trial.ending for trial in sweep.trials] == ["completed"] * 4, said
    assert [each[2] for each in first.of("result", 1)] == [1] and not second.of("start", 0)
    assert [each[2] for each in second.of("result", 1)] == [2, 3]
    assert first.of("start", 1)[0][2] == second.of("start", 1)[0][2]


def test_a_callback_that_fails_harms_nobody(tmp_path: Path) -> None:
    """It is said once, tried again, and left out after ten times; the sweep and the other callback go on."""
    broken, sound = Broken(), Logger()
    sweep, said = run(experiment(num_trials=6, callbacks=[broken, sound]), tmp_path)
    assert [trial.ending for trial in sweep.trials] == ["completed"] * 6
    assert len(sound.of("result")) == 18
    assert said.count("Broken failed while logging a result (ConnectionError: no answer from the tracker): the") == 1
    assert len(broken.of("result")) >= 10 and "and more" not in said


def test_a_callback_that_always_fails_is_left_out(tmp_path: Path) -> None:
    """After its setup, or where it cannot be made at all."""

    class Dead(Callback):
        def setup(self) -> None:
            raise ValueError("no key found")

        def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            raise AssertionError("it was left out")

    def missing() -> Callback:
        raise ModuleNotFoundError("No module named 'comet'")

    sweep, said = run(experiment(num_trials=2, callbacks=[Dead(), missing]), tmp_path)
    assert len(sweep.trials) == 2 and said.count("it was left out") == 0
    assert "Dead failed while being set up (ValueError: no key found): it is left out; the ledger has everythin" in said
    assert "a callback could not be made (ModuleNotFoundError: No module named 'comet'); it is left out" in said


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_callback_that_hangs_holds_up_no_trial(
    interrupted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trials end while it waits; the driver then waits for it, less where Ctrl+C was given, and ends without."""
    ever = threading.Event()

    class Hangs(Callback):
        def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            ever.wait(20)

        def on_trial_result(self, iteration: int, trials: list[Any], trial: Any, result: Any, **info: Any) -> None:
            late.append(trial)

    monkeypatch.setattr(observer, "HASTY_S" if interrupted else "LONGEST_S", 0.2)
    train, late = Interrupted(12 if interrupted else 100), []
    sweep, said = run(experiment(train, callbacks=[Hangs()]), tmp_path)
    ever.set()
    for thread in threading.enumerate():
        if thread.name == "callbacks":
            thread.join(20)
    assert late == [], "it is told nothing more: Ray is gone by then"
    assert [trial.ending for trial in sweep.trials][:3] == ["completed"] * 3
    assert sweep.history.end is not None and (sweep.history.end.reason == "interrupted") == interrupted
    assert "Hangs had not everything when the driver ended" in said


def test_a_callback_is_told_nothing_before_a_trial_begins(tmp_path: Path) -> None:
    """Ray is there from then on: asked before, it would start another one, which the sweep would then use."""
    logger, history = Logger(), History()
    elsewhere = Elsewhere([logger], print, lambda: False, folder=tmp_path, experiment="mine", here=False)
    proposed = TrialProposed(trial=0, config={"x": 0.5}, origin="random", made_at=0, t=0.0)
    records = [opened(experiment()), driver(), proposed, SegmentStarted(trial=0, segment=1, t=0.0)]
    for entry in entries(*records):
        assert not any(thread.name == "callbacks" for thread in threading.enumerate())
        history.apply(entry)
        elsewhere.saw(entry, history)
    elsewhere.close(history)
    assert [each[0] for each in logger.told] == ["setup", "start", "end"]


def test_ctrl_c_ends_the_wait_for_a_callback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is said there, also where the sweep has ended as asked."""
    ever, history, said = threading.Event(), History(), []

    class Hangs(Callback):
        def setup(self) -> None:
            ever.wait(20)

    monkeypatch.setattr(observer, "HASTY_S", 0.0)
    elsewhere = Elsewhere([Hangs()], said.append, lambda: True, folder=tmp_path, experiment="mine", here=True)
    proposed = TrialProposed(trial=0, config={"x": 0.5}, origin="random", made_at=0, t=0.0)
    ended = DriverEnded(driver=1, reason="finished", t=1.0, at=0.0)
    for entry in entries(opened(experiment()), driver(), proposed, SegmentStarted(trial=0, segment=1, t=0.0), ended):
        history.apply(entry)
        elsewhere.saw(entry, history)
    elsewhere.close(history)
    ever.set()
    assert said == ["Hangs had not everything when the driver ended"]


@pytest.mark.parametrize(
    ("callbacks", "told"),
    [
        (Logger(), r"callbacks must be a list, got .*Logger.*\. Use callbacks=\[\.\.\.\], with a ray\.tune Callback"),
        ([Logger], r"callbacks\[0\] is the class Logger, not an object\. Allowed is .*\. Write Logger\(\.\.\.\)\."),
        ([3], r"callbacks\[0\] is 3\. Allowed is a ray\.tune Callback .*\. Take it out, or wrap it in one\."),
        ([lambda trial: trial], r"callbacks\[0\] is <function .*a function without arguments that makes one"),
        ([one := Logger(), one], r"callbacks has the same object twice.*\. Give each its own\."),
    ],
)
def test_what_is_no_callback_is_refused(callbacks: Any, told: str) -> None:
    """Before anything starts."""
    with pytest.raises(InputError, match=told):
        experiment(callbacks=callbacks)


def test_the_record_and_show_name_them_and_a_resumed_sweep_may_have_others(tmp_path: Path) -> None:
    """Who else is told is no part of the question."""

    def tracker() -> Callback:
        return Logger()

    assert "callbacks" not in experiment().asks()
    asked = experiment(callbacks=[Logger(), tracker])
    assert asked.asks()["callbacks"] == ["Logger", "tracker"]
    lines = plan_lines(asked, name="mine", question="", where="mine", slots=1, folder=tmp_path)
    assert "callbacks  Logger, tracker: one run for each trial; nothing that they do ends the sweep" in list(lines)
    run(experiment(num_trials=1), tmp_path)
    sweep, _ = run(experiment(num_trials=2, callbacks=[logger := Logger()]), tmp_path)
    assert len(sweep.trials) == 2 and sweep.history.asks["callbacks"] == ["Logger"]
    assert [each[1] for each in logger.of("start")] == [1]


class Keyed(Logger):
    """Complains with its key."""

    def __init__(self, api_key: str) -> None:
        super().__init__()
        self.api_key = api_key

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:
        """Raises."""
        raise ConnectionError(f"401 for key {self.api_key}")


@pytest.mark.parametrize("made", [False, True], ids=["object", "function"])
def test_secrets_of_callbacks_are_in_no_record(tmp_path: Path, made: bool) -> None:
    """A key that a callback was given is taken out of what it complains about."""
    keyed = Keyed("SECRET123-of-the-tracker")
    sweep, said = run(experiment(num_trials=2, callbacks=[(lambda: keyed) if made else keyed]), tmp_path)
    assert "401 for key <redacted>" in said
    assert not any(b"SECRET123" in path.read_bytes() for path in sweep.folder.rglob("*") if path.is_file())


def test_the_ledger_says_who_trains_once_a_segment(tmp_path: Path) -> None:
    """With the first epoch; story and JSON tell it."""
    sweep, _ = run(experiment(num_trials=1), tmp_path)
    here = f"{socket.gethostname()}:{os.getpid()}"
    assert [record.worker for record in sweep.history.trials[0].epochs] == [here, None, None]
    again = open_sweep(sweep.folder)
    assert again.history.trials[0].segments[0].worker == here
    assert story_facts(again, 0)["segments"][0]["worker"] == here
    told = f" on {socket.gethostname()} (process {os.getpid()}) under driver 1"
    assert any(told in line for line in story_lines(again, 0))
