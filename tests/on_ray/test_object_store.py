"""A sweep in an object store on a real Ray: promotions, a lost driver, another machine; a plain function in one."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from experiments._sweep.ledger.files import read
from experiments._sweep.ledger.lines import decode
from experiments._sweep.ledger.records import EpochReported
from experiments._sweep.store.checkpoints import stored_in
from experiments._sweep.store.objects import Objects
from experiments._sweep.sweep import Sweep, open_sweep
from tests.experiments.store.s3 import BUCKET, Server, serving
from tests.on_ray.conftest import Driver, each_epoch_once, nobody_is_left, trained
from trainables import open_checkpoint

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

URL = f"s3://{BUCKET}/sweeps"
LOST_S = 5
"""So much of the ledger may be lost with a driver."""

HALVING = """

from dataclasses import replace

from experiments import HyperBand

experiment = replace(
    experiment,
    scheduler=HyperBand(reduction_factor=2),
    space={"x": tune.uniform(0, 1), "epoch_s": 0.3},
    num_trials=6,
    epochs=4,
)
"""

PLAIN = '''"""A plain Ray function that reports a checkpoint every second epoch, and dies once."""

import os
import tempfile
from pathlib import Path

from ray import tune

from experiments import FIFO, Experiment, Random


def train(config):
    start, begun = tune.get_checkpoint(), 0
    if start is not None:
        with start.as_directory() as folder:
            begun = int((Path(folder) / "sub" / "epoch").read_text())
    for epoch in range(begun + 1, 6):
        with open(os.environ["WITNESS"], "a") as witness:
            witness.write(f"{config['x']:.3f} {epoch}\\n")
        metrics = {"loss": config["x"] + abs(epoch - 4)}
        if epoch % 2 == 0:
            with tempfile.TemporaryDirectory() as folder:
                (Path(folder) / "sub").mkdir()
                (Path(folder) / "sub" / "epoch").write_text(str(epoch))
                tune.report(metrics, checkpoint=tune.Checkpoint.from_directory(folder))
        else:
            tune.report(metrics)
        marker = os.environ["WITNESS"] + ".died"
        if epoch == 3 and not os.path.exists(marker):
            open(marker, "w").close()
            os.kill(os.getpid(), 9)


experiment = Experiment(
    trainable=train,
    space={"x": tune.uniform(0, 1)},
    metric="loss",
    mode="min",
    search=Random(),
    scheduler=FIFO(),
    num_trials=2,
    epochs=5,
)
'''


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Give a server with one empty bucket."""
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def there(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell this process and its children the way, and be a machine of its own."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    server.faults(wipe=True)
    elsewhere(monkeypatch, tmp_path / "first")


def elsewhere(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Be a machine that has nothing but the store's address and the code."""
    monkeypatch.setenv("RAYSWEEPS_STORES", str(folder))


def recorded(name: str) -> int:
    """How many epochs the store's ledger has by now."""
    store = Objects(f"{URL}/{name}/ledger")
    lines = [line for key in store.keys() for line in store.get(key).splitlines()]  # noqa: SIM118 - no dict
    return sum(isinstance(decode(line).record, EpochReported) for line in lines)


def test_g5_f6_a_lost_driver_s_sweep_goes_on_from_the_store_alone(
    driver: Callable[..., Driver], workplace: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The driver and its trials are killed at once, the working copies gone: at most 5 s of each trial are lost.

    Held trials go on elsewhere from checkpoints that they left here; nothing of Ray's own is in the bucket.
    """
    (workplace / "witnessed.py").write_text((workplace / "witnessed.py").read_text() + HALVING)
    run = ("--storage", URL, "--concurrent", "2")
    first = driver("run", "witnessed.py", *run)
    first.until(lambda: recorded("witnessed") >= 10)
    before = open_copy(tmp_path, monkeypatch)
    os.killpg(first.process.pid, signal.SIGKILL)
    first.wait()
    nobody_is_left(workplace)
    elsewhere(monkeypatch, tmp_path / "second")
    code, output = driver("resume", f"{URL}/witnessed", "--concurrent", "2", "--trust", "--take-over").wait()
    assert code == 0, output
    sweep = open_sweep(f"{URL}/witnessed")
    each_epoch_once(sweep)
    known = {number: [epoch.metrics for epoch in trial.epochs] for number, trial in before.history.trials.items()}
    now = sweep.history.trials
    assert all([epoch.metrics for epoch in now[number].epochs][: len(told)] == told for number, told in known.items())
    assert all(now[number].config == trial.config for number, trial in before.history.trials.items())
    assert {trial.ending for trial in sweep.trials} == {"completed", "stopped"}
    assert any(segment.rung for trial in now.values() for segment in trial.segments), "one was held and promoted"
    again = Counter({epoch: times for epoch, times in trained(workplace).items() if times > 1})
    assert all(times == 2 for times in again.values()) and len(again) <= 2 * (LOST_S / 0.3 + 1), again
    best = sweep.best
    assert best.checkpoint is not None and open_checkpoint(best.checkpoint).record["loss"] == best.value
    keys = Objects(f"{URL}/witnessed").keys()
    assert {key.partition("/")[0] for key in keys} <= {"ledger", "trials", "lease.json", "begun.json"}
    kept = Counter(each.trial for each in stored_in(keys))
    assert kept == dict.fromkeys(range(6), 1), "of each trial that ended the best checkpoint"
    assert {each.segment // 1_000_000 for each in stored_in(keys)} <= {1, 2}


def open_copy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Sweep:
    """What a third machine reads of the sweep now."""
    with monkeypatch.context() as patch:
        elsewhere(patch, folder / "reader")
        return open_sweep(f"{URL}/witnessed")


def test_f4_a_plain_function_goes_on_from_the_checkpoint_in_the_store(
    driver: Callable[..., Driver], workplace: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its process is killed after epoch 3: epoch 3 is trained once more; of each trial the best folder stays."""
    (workplace / "plain.py").write_text(PLAIN)
    code, output = driver("run", "plain.py", "--storage", URL, "--concurrent", "1").wait()
    assert code == 0, output
    elsewhere(monkeypatch, tmp_path / "second")
    sweep = open_sweep(f"{URL}/plain")
    each_epoch_once(sweep)
    assert [trial.epochs for trial in sweep.trials] == [5, 5]
    assert sorted(trained(workplace).values()) == [1] * 9 + [2]
    found = sweep.best.checkpoint
    assert found is not None and (found / "sub" / "epoch").read_text() == "4" and found.is_relative_to(tmp_path)
    lists = [key for key in Objects(f"{URL}/plain").keys() if key.endswith(".files.json")]  # noqa: SIM118 - no dict
    assert len(lists) == 2 and {key.split("/")[0] for key in lists} == {"ray"}
    told = [entry.record for entry in read(sweep.folder / "ledger.jsonl") if isinstance(entry.record, EpochReported)]
    assert {"raysweeps_checkpoint"} & {name for each in told for name in each.metrics} == set()
