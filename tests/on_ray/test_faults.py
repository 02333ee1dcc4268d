"""Processes that die, drivers that are killed, people who press Ctrl+C: nothing is lost, nothing runs twice."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.on_ray.conftest import (
    LOOPBACK,
    Driver,
    each_epoch_once,
    epochs_recorded,
    listening_addresses,
    nobody_is_left,
    opened,
    trained,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

Start = Callable[..., Driver]


def test_f1_a_killed_trial_process_costs_at_most_one_epoch(driver: Start, workplace: Path) -> None:
    """Every trial's process is killed once, right after a checkpoint: all complete, no epoch missing or doubled."""
    code, output = driver("run", "witnessed.py", "--trials", "3", "--set", "kill_at=3").wait()
    assert code == 0, output
    sweep = opened(workplace, "witnessed")
    each_epoch_once(sweep)
    assert [(trial.ending, trial.epochs) for trial in sweep.trials] == [("completed", 5)] * 3
    assert all(len(trial.segments) == 2 for trial in sweep.history.trials.values())
    assert max(trained(workplace).values()) == 1
    assert "raylet" not in output


def test_f2_g1_g2_a_killed_driver_costs_at_most_one_epoch_per_running_trial(driver: Start, workplace: Path) -> None:
    """The driver is killed twice with SIGKILL and resumed: configurations stay, epochs are recorded once each."""
    folder = workplace / "results" / "witnessed"
    running, kills, configs = driver("run", "witnessed.py"), 0, {}
    for enough in (4, 14):
        running.until(lambda enough=enough: epochs_recorded(folder) >= enough)
        running.signal(signal.SIGKILL)
        running.wait()
        kills += 1
        before = {trial.trial: trial.config for trial in opened(workplace, "witnessed").trials}
        assert before.items() >= configs.items()
        configs = before
        running = driver("resume")
    code, output = running.wait()
    assert code == 0, output
    sweep = opened(workplace, "witnessed")
    each_epoch_once(sweep)
    assert [(trial.ending, trial.epochs) for trial in sweep.trials] == [("completed", 5)] * 6
    assert {trial.trial: trial.config for trial in sweep.trials}.items() >= configs.items()
    recomputed = sum(times - 1 for times in trained(workplace).values())
    assert recomputed <= kills * 2, "at most one epoch per kill and running trial"
    assert driver("resume").wait()[0] == 0, "a finished sweep is said to be finished"


def test_f21_g8_f20_g12_s4_a_second_driver_is_refused_and_ctrl_c_drains(driver: Start, workplace: Path) -> None:
    """While a sweep runs, another driver is told who holds it; SIGINT then saves everything and resume completes it."""
    folder = workplace / "results" / "witnessed"
    first = driver("run", "witnessed.py")
    first.until(lambda: epochs_recorded(folder) >= 3)
    second = driver("resume", "witnessed")
    code, output = second.wait(20)
    assert code == 3
    assert time.monotonic() - second.started < 2
    assert f"process {first.process.pid} on {os.uname().nodename} since" in output
    listening = listening_addresses(f"WITNESS={workplace / 'witness'}")
    assert listening, "Ray's processes were found"
    assert listening <= set(LOOPBACK), "S4: nobody else can reach them"
    first.signal(signal.SIGINT)
    interrupted_at = time.monotonic()
    code, output = first.wait(40)
    assert code == 130, output
    assert time.monotonic() - interrupted_at < 30
    assert "go on with: sweep resume results/witnessed" in output
    assert {trial.ending for trial in opened(workplace, "witnessed").trials} <= {"completed", "interrupted"}
    code, output = driver("resume", "witnessed").wait()
    assert code == 0, output
    sweep = opened(workplace, "witnessed")
    each_epoch_once(sweep)
    assert [(trial.ending, trial.epochs) for trial in sweep.trials] == [("completed", 5)] * 6
    assert max(trained(workplace).values()) == 1, "draining waits for the epoch"


def test_g12_an_epoch_that_does_not_end_is_cut(driver: Start, workplace: Path) -> None:
    """SIGTERM while epochs take for ever: the driver ends within 30 s, and the trials are interrupted, not lost."""
    running = driver("run", "witnessed.py", "--set", "epoch_s=600")
    running.until((workplace / "witness.began").exists)
    running.signal(signal.SIGTERM)
    began = time.monotonic()
    code, output = running.wait(60)
    assert code == 130, output
    assert time.monotonic() - began < 30
    assert {trial.ending for trial in opened(workplace, "witnessed").trials} == {"interrupted"}
    nobody_is_left(workplace)


def test_f20_g12_a_second_signal_exits_at_once(driver: Start, workplace: Path) -> None:
    """Who presses Ctrl+C twice does not wait; the sweep can still be resumed."""
    running = driver("run", "witnessed.py", "--set", "epoch_s=600")
    running.until((workplace / "witness.began").exists)
    running.signal(signal.SIGINT)
    assert running.process.stdout is not None
    said = next(line for line in running.process.stdout if "stopping" in line)
    assert "interrupted by SIGINT" in said and "Ctrl+C again exits at once" in said
    running.signal(signal.SIGINT)
    assert running.process.wait(5) == 130
    nobody_is_left(workplace, but="Agent")  # Ray's own agents look for their head for a minute
