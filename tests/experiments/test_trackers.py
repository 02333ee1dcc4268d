"""MLflow, Weights & Biases and Ray's own loggers in a sweep, by their own files; and what docs/elsewhere.md shows."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from ray.tune.logger import CSVLoggerCallback, JsonLoggerCallback
from ray.tune.logger.mlflow import MLflowLoggerCallback

from experiments._sweep.command_line import main
from tests.experiments.conftest import experiment
from tests.experiments.told import Interrupted, run


@pytest.fixture
def mlflow_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """MLflow keeps its runs as files, which takes no database to be made; the tracking URI."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    uri = f"file://{tmp_path}/mlruns"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return uri


def runs_of(uri: str, experiment_name: str) -> dict[str, Any]:
    """MLflow's runs by their names, with their results by step in `data.steps`."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(experiment_name)
    runs = {}
    for each in client.search_runs([found.experiment_id]):
        history = client.get_metric_history(each.info.run_id, "loss")
        runs[each.info.run_name] = (each.info.status, each.data, [(point.step, point.value) for point in history])
    return runs


def test_mlflow_has_one_run_a_trial_over_two_drivers(tmp_path: Path, mlflow_files: str) -> None:
    """Interrupted, it is KILLED; resumed, the same run goes on and ends; what an earlier driver missed is told now."""
    train = Interrupted(5)

    def asked() -> Any:
        return experiment(train, num_trials=2, callbacks=[MLflowLoggerCallback(tracking_uri=mlflow_files)])

    _, said = run(asked(), tmp_path)
    killed = runs_of(mlflow_files, "mine")["mine_0001"]
    assert (killed[0], killed[1].tags["ending"], len(killed[2])) == ("KILLED", "interrupted", 1), said
    _unend(mlflow_files, "mine_0000")
    sweep, said = run(asked(), tmp_path)
    runs = runs_of(mlflow_files, "mine")
    assert sorted(runs) == ["mine_0000", "mine_0001"], said
    for trial in sweep.trials:
        status, data, points = runs[f"mine_{trial.trial:04d}"]
        assert (status, data.tags["ending"]) == ("FINISHED", "completed"), said
        assert points == [(record["epoch"], pytest.approx(record["loss"])) for record in trial.records]
        assert data.metrics["best_loss"] == pytest.approx(trial.value)
        assert float(data.params["x"]) == pytest.approx(trial.config["x"])


def _unend(uri: str, name: str) -> None:
    """Leaves a run as a driver leaves it that was killed."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name("mine")
    [run_id] = [each.info.run_id for each in client.search_runs([found.experiment_id]) if each.info.run_name == name]
    client.update_run(run_id, status="RUNNING")
    client.delete_tag(run_id, "ending")


def test_wandb_is_left_out_where_there_is_no_ray(tmp_path: Path) -> None:
    """It logs from Ray's processes, and would start a cluster by itself."""
    import ray
    from ray.air.integrations.wandb import WandbLoggerCallback

    _, said = run(experiment(num_trials=1, callbacks=[WandbLoggerCallback(project="p")]), tmp_path)
    assert "WandbLoggerCallback is left out: it logs from processes of Ray's, and --here is without Ray" in said
    assert not ray.is_initialized()


def test_rays_own_loggers_write_their_files(tmp_path: Path) -> None:
    """A table and lines of JSON in each trial's folder, with a row for each epoch."""
    sweep, said = run(experiment(num_trials=2, callbacks=[CSVLoggerCallback(), JsonLoggerCallback()]), tmp_path)
    assert "failed" not in said
    for trial in sweep.trials:
        folder, losses = sweep.folder / "trials" / f"{trial.trial:04d}", [each["loss"] for each in trial.records]
        rows = [*csv.DictReader((folder / "progress.csv").read_text().splitlines())]
        lines = [json.loads(line) for line in (folder / "result.json").read_text().splitlines()]
        assert [float(row["loss"]) for row in rows] == [line["loss"] for line in lines] == losses
        assert json.loads((folder / "params.json").read_text()) == trial.config


PAGE = Path(__file__).parents[2] / "docs" / "elsewhere.md"
DOCUMENTED = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.usefixtures("fresh_imports")
@pytest.mark.parametrize("block", DOCUMENTED, ids=["trackers", "own"])
def test_what_the_page_shows_runs(
    block: str, tmp_path: Path, mlflow_files: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each of its experiments, for an epoch and without Ray: runs in MLflow, or the board's lines."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(block)
    assert main(["run", "mine.py", "--here", "--trials", "2", "--epochs", "1"]) == 0
    said = capsys.readouterr().out
    if "mlflow" in block:
        runs = runs_of(mlflow_files, "mine")
        assert sorted(runs) == ["mine_0000", "mine_0001"], said
        assert {(status, data.tags["team"]) for status, data, _ in runs.values()} == {("FINISHED", "vision")}
        assert "WandbLoggerCallback is left out" in said
    else:
        lines = (tmp_path / "board.txt").read_text().splitlines()
        assert [line.split()[:2] for line in lines] == [["mine_0000", "completed"], ["mine_0001", "completed"]]
