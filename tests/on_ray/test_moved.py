"""F6, F21: a sweep changes hands: from a lost machine to a copy of its folder, from one driver to another."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments import open_sweep
from experiments._sweep.ledger.files import read
from experiments._sweep.ledger.lease import LEASE
from experiments._sweep.ledger.records import DriverEnded
from tests.on_ray.conftest import Driver, each_epoch_once, epochs_recorded, trained

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]


def test_f6_g5_a_lost_machine_and_a_copied_folder(driver: Callable[..., Driver], workplace: Path) -> None:
    """Everything is killed at once, and of the sweep there is a copy elsewhere: at most an epoch a trial is lost.

    It is extended at the same time, and lies in a folder of which the ledger knows nothing.
    """
    first = driver("run", "witnessed.py", "--trials", "3")
    folder = workplace / "results" / "witnessed"
    first.until(lambda: epochs_recorded(folder) >= 4)
    os.killpg(first.process.pid, signal.SIGKILL)
    first.wait()
    before = open_sweep(folder).trials
    copy = workplace / "elsewhere" / "copied"
    shutil.copytree(folder, copy)
    shutil.rmtree(folder)
    code, output = driver("resume", str(copy), "--trials", "+1").wait()
    assert code == 0, output
    sweep = open_sweep(copy)
    each_epoch_once(sweep)
    assert [trial.config for trial in sweep.trials][: len(before)] == [trial.config for trial in before]
    assert len(sweep.trials) == 4 and {trial.epochs for trial in sweep.trials} == {5}
    again = [count for count in trained(workplace).values() if count > 1]
    assert len(again) <= len(before) and all(count == 2 for count in again), "one epoch of each running trial"


def test_f21_the_second_of_two_drivers_takes_over(driver: Callable[..., Driver], workplace: Path) -> None:
    """The first, on Ray, ends with exit code 3 at its next write; the ledger is whole, each epoch is there once."""
    witnessed, folder = workplace / "witnessed.py", workplace / "results" / "witnessed"
    paced = 'time.sleep(float(os.environ.get("EPOCH_S", "0.01")))'
    witnessed.write_text(witnessed.read_text().replace("time.sleep(config.epoch_s)", paced))
    first = driver("run", "witnessed.py", "--trials", "4", "--concurrent", "1", EPOCH_S="2")
    first.until(lambda: epochs_recorded(folder) >= 1)
    code, output = driver("resume", "--here").wait()
    assert code == 3 and f"process {first.process.pid}" in output and "--take-over" in output, output
    code, output = driver("resume", "--here", "--take-over").wait()
    assert code == 0, output
    assert f"taken over from process {first.process.pid}" in output and "which may still live" in output
    code, output = first.wait()
    assert code == 3 and "another driver has written to it, this one stops" in output, output
    sweep = open_sweep(folder)
    each_epoch_once(sweep)
    assert {trial.epochs for trial in sweep.trials} == {5} and not (folder / LEASE).exists()
    ends = [entry.record for entry in read(folder / "ledger.jsonl") if isinstance(entry.record, DriverEnded)]
    assert [(end.driver, end.reason) for end in ends] == [(2, "finished")]
