"""Real callbacks on a real Ray: MLflow's and Weights & Biases' own files say what the ledger says; no network."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.on_ray.conftest import Driver, each_epoch_once, nobody_is_left, opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

TRACKED = '''"""Who else is told?"""

from dataclasses import replace
from pathlib import Path

from ray import tune
from ray.tune import Callback

from witnessed import experiment as witnessed

HERE = Path(__file__).parent


def mlflow() -> Callback:
    from ray.tune.logger.mlflow import MLflowLoggerCallback

    return MLflowLoggerCallback(tracking_uri=f"file://{HERE}/mlruns")


def wandb() -> Callback:
    from ray.air.integrations.wandb import WandbLoggerCallback

    return WandbLoggerCallback(api_key="SECRET123-of-the-tracker")


experiment = replace(
    witnessed,
    space={**witnessed.space, "epoch_s": 0.05, "kill_at": tune.choice([0, 2])},
    start_points=[{"kill_at": 2}, {"kill_at": 0}],
    num_trials=2,
    epochs=3,
    callbacks=[mlflow, wandb],
)
'''


def test_mlflow_and_wandb_have_one_run_a_trial(workplace: Path, driver: Callable[..., Driver]) -> None:
    """Each with all epochs, the best value, the configuration and the ending, though one's process is killed."""
    (workplace / "tracked.py").write_text(TRACKED)
    offline = {"WANDB_MODE": "offline", "MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
    code, said = driver("run", "tracked.py", **offline).wait()
    assert code == 0, said
    sweep = opened(workplace, "tracked")
    each_epoch_once(sweep)
    tracked, kept = mlflow_runs(workplace), dict(wandb_runs(sweep.folder))
    assert len(tracked) == len(kept) == len(sweep.trials) == 2, said
    for trial in sweep.trials:
        name = f"tracked_{trial.trial:04d}"
        losses = [(record["epoch"], pytest.approx(record["loss"])) for record in trial.records]
        status, params, tags, points = tracked[name]
        assert (status, tags["ending"], points) == ("FINISHED", trial.ending, losses), said
        assert float(params["x"]) == pytest.approx(trial.config["x"])
        told = kept[name]
        assert [(row["_step"], row["loss"]) for row in told["history"] if "loss" in row] == losses, said
        assert told["history"][-1]["best_loss"] == pytest.approx(trial.value)
        assert told["config"]["x"] == pytest.approx(trial.config["x"])
        assert (told["config"]["ending"], told["project"], told["over"]) == (trial.ending, "tracked", True)
    assert [len(trial.segments) for trial in sweep.history.trials.values()] == [2, 1]
    workers = [segment.worker for trial in sweep.history.trials.values() for segment in trial.segments]
    assert all(worker and worker.rpartition(":")[2].isdecimal() for worker in workers[1:]), workers
    assert not any(b"SECRET123" in path.read_bytes() for path in sweep.folder.rglob("*") if path.is_file())
    nobody_is_left(workplace)


def mlflow_runs(workplace: Path) -> dict[str, tuple[str, dict[str, str], dict[str, str], list[Any]]]:
    """Status, parameters, tags and losses by name, read from MLflow's files."""
    runs = {}
    for run in (workplace / "mlruns").glob("*/*/meta.yaml"):
        facts = dict(line.split(": ", 1) for line in run.read_text().splitlines() if ": " in line)
        params, tags = ({file.name: file.read_text() for file in (run.parent / kind).iterdir()} for kind in _KINDS)
        rows = [line.split() for line in (run.parent / "metrics" / "loss").read_text().splitlines()]
        points = [(int(step), float(value)) for _, value, step in rows]
        runs[facts["run_name"]] = (_STATUS[facts["status"]], params, tags, points)
    return runs


_KINDS = ("params", "tags")
_STATUS = {"1": "RUNNING", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}


def wandb_runs(sweep: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and what stands in the files of runs that were never sent anywhere."""
    for file in sweep.rglob("*.wandb"):
        run: dict[str, Any] = {"config": {}, "history": [], "over": False}
        name = ""
        for record in wandb_records(file.read_bytes()):
            updates = [*record.run.config.update, *record.config.update]
            run["config"] |= {each.key: json.loads(each.value_json) for each in updates if each.key}
            if record.HasField("run"):
                name, run["project"] = record.run.display_name, record.run.project
            if record.HasField("history"):
                row = {each.key or each.nested_key[0]: json.loads(each.value_json) for each in record.history.item}
                run["history"].append(row)
            run["over"] |= record.HasField("exit")
        yield name, run


def wandb_records(content: bytes) -> Iterator[Any]:
    """The records of a log in LevelDB's format: blocks of 32 KiB, each piece with checksum, length and kind."""
    from wandb.proto.wandb_internal_pb2 import Record

    place, begun = 7, b""
    while place + 7 <= len(content):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        length, kind = int.from_bytes(content[place + 4 : place + 6], "little"), content[place + 6]
        begun += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last piece
            record = Record()
            record.ParseFromString(begun)
            yield record
            begun = b""
