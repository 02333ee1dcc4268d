"""The study that `sweep export --optuna` writes, opened in Optuna's own dashboard in a browser."""

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from experiments import open_sweep
from experiments._sweep.command_line import main
from tests.browser import browsing, opened
from tests.experiments.hostile import HOSTILE, hostile_sweep

STORED = Path(__file__).parents[1] / "stored" / "format-2" / "wells"
STATES = {"completed": "Complete", "stopped": "Pruned", "diverged": "Fail", "error": "Fail", "interrupted": "Running"}

pytestmark = pytest.mark.slow


@contextmanager
def dashboard(database: Path) -> Iterator[str]:
    """Serve a study as its user would, on a port that is free; its address."""
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        port = asking.getsockname()[1]
    program = Path(sys.executable).with_name("optuna-dashboard")
    command = [sys.executable, "-u", str(program), f"sqlite:///{database}", "--port", str(port), "--server", "wsgiref"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as served:
        try:
            assert served.stdout is not None
            assert any("Listening" in line for line in served.stdout)
            yield f"http://127.0.0.1:{port}"
        finally:
            served.terminate()


def read(url: str) -> Any:
    """Read JSON as the page does."""
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own server
        return json.load(answer)


@dataclass
class Served:
    """A dashboard with two studies, and a browser in front of it."""

    address: str
    browser: Browser


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a stored sweep, and one with a script in every field, out of one file."""
    folder = tmp_path_factory.mktemp("studies")
    hostile_sweep(folder / "hostile", HOSTILE["script"])
    for sweep in (STORED, folder / "hostile"):
        assert main(["export", str(sweep), "--optuna", f"sqlite:///{folder}/study.db"]) == 0
    with dashboard(folder / "study.db") as address, browsing() as browser:
        yield Served(address, browser)


def test_the_dashboard_shows_the_trials_of_the_ledger(served: Served) -> None:
    """Each trial's number and state on the page, value and parameters behind it; the browser complains of nothing."""
    trials = open_sweep(STORED).trials
    told = read(f"{served.address}/api/studies/1")["trials"]
    with opened(served.browser, f"{served.address}/dashboard/studies/1/trials") as seen:
        seen.page.wait_for_selector("text=Trial 0 (trial_id=1)")
        shown = seen.page.inner_text("body")
    assert seen.complaints == []
    assert all(request.startswith((served.address, "data:", "blob:")) for request in seen.requests)
    assert [each["state"] for each in told] == [STATES[trial.ending] for trial in trials]
    for each, trial in zip(told, trials, strict=True):
        params = {param["name"]: param["param_external_value"] for param in each["params"]}
        assert params == {"x": str(trial.config["x"]), "kind": trial.config["kind"]}
        if trial.ending in ("completed", "stopped"):
            assert [float(value) for value in each["values"]] == [trial.value]
        curve = {one["step"]: one["value"] for one in each["intermediate_values"]}
        assert list(curve) == [*range(1, trial.epochs + 1)]
        assert all(curve[n] == record["loss"] for n, record in enumerate(trial.records, 1) if record["loss"] < 10)
    for number, state in enumerate(STATES[trial.ending] for trial in trials):
        assert f"Trial {number}\n{state}" in shown
    assert f"x {trials[0].config['x']}" in shown


def test_s11_the_texts_of_a_hostile_sweep_run_nothing_there(served: Served) -> None:
    """No dialog, and no request to anybody else."""
    with opened(served.browser, f"{served.address}/dashboard/studies/2/trials") as seen:
        seen.page.wait_for_selector("text=Trial 0 (trial_id=")
        assert "<script>alert(1)</script>" in seen.page.inner_text("body")
    assert not [each for each in seen.complaints if each.startswith("a dialog")]
    assert all(request.startswith((served.address, "data:", "blob:")) for request in seen.requests)
