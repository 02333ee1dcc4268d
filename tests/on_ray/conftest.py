"""Real sweeps in processes of their own, on a real Ray that they start themselves."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from experiments import open_sweep
from experiments._sweep.ledger.files import LEDGER, read
from experiments._sweep.ledger.records import EpochReported
from experiments._sweep.sweep import Sweep

SWEEP = [str(Path(sys.executable).parent / "sweep")]
CHECKOUT = Path(__file__).resolve().parents[2]

WITNESSED = '''"""Trials that write down, outside the sweep's folder, every epoch they train."""

import os
import time

from pydantic import BaseModel
from ray import tune

from experiments import FIFO, Experiment, Random
from trainables import Trainable


class Config(BaseModel):
    x: float = 0.0
    epochs: int = 1
    seed: int = 0
    kill_at: int = 0
    epoch_s: float = 0.15


def train(config, checkpoints):
    saved = checkpoints.newest()
    if saved:
        yield saved.record
    for epoch in range(saved.record["epoch"] + 1 if saved else 1, config.epochs + 1):
        open(os.environ["WITNESS"] + ".began", "w").close()
        time.sleep(config.epoch_s)
        with open(os.environ["WITNESS"], "a") as witness:
            witness.write(f"{config.seed} {epoch}\\n")
        record = {"epoch": epoch, "loss": config.x + 1 / epoch}
        checkpoints.save(epoch, record, None)
        marker = os.environ["WITNESS"] + f".{config.seed}"
        if epoch == config.kill_at and not os.path.exists(marker):
            open(marker, "w").close()
            os.kill(os.getpid(), 9)
        yield record


experiment = Experiment(
    trainable=Trainable(name="witnessed", config_type=Config, train=train, metrics={"loss": "made up"}),
    space={"x": tune.uniform(0, 1)},
    metric="loss",
    mode="min",
    search=Random(),
    scheduler=FIFO(),
    num_trials=6,
    epochs=5,
)
'''


class Driver:
    """One `sweep` command in a process group of its own."""

    def __init__(self, command: list[str], *, cwd: Path, env: dict[str, str]) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def wait(self, timeout_s: float = 240) -> tuple[int, str]:
        """Give the exit code and everything it printed."""
        output, _ = self.process.communicate(timeout=timeout_s)
        return self.process.returncode, output

    def until(self, happened: Callable[[], bool], timeout_s: float = 150) -> None:
        """Look until something has happened; it is an error if the command ends first."""
        end = time.monotonic() + timeout_s
        while not happened():
            if self.process.poll() is not None or time.monotonic() > end:
                self.process.kill()
                pytest.fail(f"it did not happen; the command printed:\n{self.wait()[1]}")
            time.sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the driver alone."""
        self.process.send_signal(number)


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """An empty folder with the witnessed experiment in it."""
    (tmp_path / "witnessed.py").write_text(WITNESSED)
    return tmp_path


@pytest.fixture
def driver(workplace: Path) -> Iterator[Callable[..., Driver]]:
    """Start `sweep` commands in the workplace; what is left of them ends with the test."""
    started: list[Driver] = []

    def start(*arguments: str, command: Sequence[str] = SWEEP, **env: str) -> Driver:
        settings = {"WITNESS": str(workplace / "witness"), **env}
        started.append(Driver([*command, *arguments], cwd=workplace, env=settings))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            os.killpg(each.process.pid, signal.SIGKILL)
        each.process.wait()
        assert each.process.stdout is not None
        each.process.stdout.close()


def epochs_recorded(folder: Path) -> int:
    """How many epochs the ledger in `folder` has by now."""
    if not (folder / LEDGER).exists():
        return 0
    return sum(isinstance(entry.record, EpochReported) for entry in read(folder / LEDGER))


def trained(workplace: Path) -> Counter[str]:
    """How often each epoch of each trial was trained, by the trials' own word."""
    return Counter((workplace / "witness").read_text().splitlines())


def each_epoch_once(sweep: Sweep) -> None:
    """Assert that every trial has its epochs 1 to n, each once."""
    for entries in sweep.history.trials.values():
        assert [epoch.epoch for epoch in entries.epochs] == list(range(1, len(entries.epochs) + 1))


def opened(workplace: Path, name: str) -> Sweep:
    """The sweep called `name` in the workplace."""
    return open_sweep(workplace / "results" / name)


LOOPBACK = ("0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000")
"""127.0.0.1, the same in IPv6, and ::1, as /proc/net writes them."""


def listening_addresses(mark: str) -> set[str]:
    """The addresses, as /proc/net writes them, on which processes with `mark` in their environment listen."""
    inodes = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended, or is somebody else's
            if mark in (process / "environ").read_bytes().decode(errors="replace"):
                inodes |= {link.readlink().name for link in (process / "fd").iterdir()}
    rows = [line.split() for table in ("tcp", "tcp6") for line in Path("/proc/net", table).read_text().splitlines()[1:]]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes}


def processes_with(mark: str) -> dict[int, str]:
    """The processes with `mark` in their environment, by number, with their command lines."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended, or is somebody else's
            if mark in (process / "environ").read_bytes().decode(errors="replace"):
                found[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def mark(workplace: Path) -> str:
    """What the processes of a sweep in the workplace have in their environment."""
    return f"WITNESS={workplace / 'witness'}"


def nobody_is_left(workplace: Path, *, but: str = "nobody") -> None:
    """Assert that no process of the workplace's sweep outlives it for long, `but` those whose command line says so."""
    end = time.monotonic() + 20
    while left := [line for line in processes_with(mark(workplace)).values() if but not in line]:
        assert time.monotonic() < end, left
        time.sleep(0.2)
