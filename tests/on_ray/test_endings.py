"""Processes that are lost, told to leave, out of memory or silent: one sweep in which every trial ends differently."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.on_ray.conftest import (
    Driver,
    each_epoch_once,
    epochs_recorded,
    mark,
    nobody_is_left,
    opened,
    processes_with,
    trained,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

Start = Callable[..., Driver]

FATES = '''"""Trials that meet, in epoch 2, what their configuration says."""

import os
import signal
import time

from pydantic import BaseModel
from ray import tune

from experiments import FIFO, Experiment, Grid
from trainables import Trainable


class Config(BaseModel):
    fate: str
    epochs: int = 3


class OutOfMemoryError(RuntimeError):
    """Called as torch calls it when a device has no memory left."""


def sleep_for_ever(_):
    time.sleep(100_000)


def train(config, checkpoints):
    saved = checkpoints.newest()
    if saved:
        yield saved.record
    for epoch in range(saved.record["epoch"] + 1 if saved else 1, config.epochs + 1):
        if epoch == 2:
            meet(config.fate)
        with open(os.environ["WITNESS"], "a") as witness:
            witness.write(f"{config.fate} {epoch}\\n")
        record = {"epoch": epoch, "loss": 1 / epoch}
        checkpoints.save(epoch, record, None)
        if config.fate == "killed after saving, once" and epoch == 2 and first(config.fate):
            os.kill(os.getpid(), signal.SIGKILL)
        yield record


def meet(fate):
    match fate:
        case "killed always":
            os.kill(os.getpid(), signal.SIGKILL)
        case "host memory once" if first(fate):
            b"x" * 2**60
        case "device memory always":
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
        case "told to leave once" if first(fate):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.5)
        case "told to leave and killed" if first(fate):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)
            os.kill(os.getpid(), signal.SIGKILL)
        case "a DataLoader that hangs":
            from torch.utils.data import DataLoader

            for _ in DataLoader(range(4), num_workers=1, collate_fn=sleep_for_ever):
                pass


def first(fate):
    marker = os.environ["WITNESS"] + "." + fate.replace(" ", "-")
    there = os.path.exists(marker)
    open(marker, "w").close()
    return not there


ALL = [
    "a DataLoader that hangs", "killed always", "fine", "killed after saving, once", "host memory once",
    "device memory always", "told to leave once", "told to leave and killed",
]
experiment = Experiment(
    trainable=Trainable(name="fated", config_type=Config, train=train, metrics={"loss": "made up"}),
    space={"fate": tune.grid_search(ALL)},
    metric="loss",
    mode="min",
    search=Grid(),
    scheduler=FIFO(),
    num_trials=len(ALL),
    epochs=3,
)
'''


def test_f1_f14_f15_f18_f19_g3_every_fate_has_its_ending(driver: Start, workplace: Path) -> None:
    """Losses, memory, silence and notices to leave: each trial ends for its own reason, and nothing outlives it."""
    (workplace / "fated.py").write_text(FATES)
    code, output = driver("run", "fated.py", "--stall-timeout", "12").wait(150)
    assert code == 0, output
    sweep = opened(workplace, "fated")
    each_epoch_once(sweep)
    trials = {str(trial.config["fate"]): trial for trial in sweep.history.trials.values()}
    told = {fate: (trial.state, [segment.cause for segment in trial.segments]) for fate, trial in trials.items()}
    assert told == {
        "fine": ("completed", [""]),
        "killed after saving, once": ("completed", ["lost", ""]),
        "killed always": ("lost", ["lost"] * 4),
        "host memory once": ("completed", ["out_of_memory", ""]),
        "device memory always": ("out_of_memory", ["out_of_memory", ""]),
        "told to leave once": ("completed", ["preempted", ""]),
        "told to leave and killed": ("completed", ["preempted", ""]),
        "a DataLoader that hangs": ("timed_out", [""]),
    }
    assert trials["a DataLoader that hangs"].why.endswith("(the stall timeout is 12 s)")
    assert "OutOfMemoryError" in trials["device memory always"].why
    assert max(trained(workplace).values()) == 1, "what was saved is not trained again, nor what a notice let finish"
    nobody_is_left(workplace)


def test_f5_f12_g9_a_lost_cluster_ends_the_driver_and_rays_files_are_not_needed(driver: Start, workplace: Path) -> None:
    """G9, G5: exit 3 within a minute, everything in order; what Ray has left may be garbage for the next driver."""
    running = driver("run", "witnessed.py", "--trials", "4", "--set", "epoch_s=0.5")
    running.until(lambda: epochs_recorded(workplace / "results" / "witnessed") >= 2)
    (head,) = [pid for pid, line in processes_with(mark(workplace)).items() if "gcs_server " in line]
    os.kill(head, signal.SIGKILL)
    killed_at = time.monotonic()
    code, output = running.wait(100)
    assert code == 3, output
    assert time.monotonic() - killed_at < 60
    assert "the Ray session was lost: its gcs_server process ended with code -9" in output
    assert "Traceback" not in output and "go on with: sweep resume results/witnessed" in output
    before = opened(workplace, "witnessed").history
    assert before.end is not None and before.end.reason == "fault"
    assert {trial.state for trial in before.trials.values()} == {"interrupted"}
    assert not (workplace / "results" / "witnessed" / "lease.json").exists()
    nobody_is_left(workplace)
    for name, content in RAYS_OWN.items():
        for number in (1, 2):  # of the driver that was, and in the place of the next one
            (workplace / "results" / "witnessed" / "ray" / f"driver-{number}").mkdir(parents=True, exist_ok=True)
            (workplace / "results" / "witnessed" / "ray" / f"driver-{number}" / name).write_bytes(content)
    code, output = driver("resume", "--stall-timeout", "none").wait(100)
    assert code == 0, output
    sweep = opened(workplace, "witnessed")
    each_epoch_once(sweep)
    assert [(trial.ending, trial.epochs) for trial in sweep.trials] == [("completed", 5)] * 4
    assert max(trained(workplace).values()) <= 2, "at most one epoch again"


RAYS_OWN = {
    "tuner.pkl": b"",
    "experiment_state-2026-01-01_00-00-00.json": b'{"trial_data": [',
    "search_gen_state-2026-01-01_00-00-00.json": b"garbage",
    "searcher-state-2026-01-01_00-00-00.pkl": b"\x80\x05garbage",
}
"""Ray's own state: empty, half, garbage; that of a trial is missing."""
