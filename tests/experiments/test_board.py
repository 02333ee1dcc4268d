"""`sweep board` serves the curves of a sweep, on loopback, until Ctrl+C."""

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from experiments import open_sweep
from experiments._sweep.command_line import main


@pytest.mark.slow
def test_board_serves_the_ledgers_values(tmp_path: Path) -> None:
    """Every trial is a run; its curve is what the ledger says, also after the curves were deleted."""
    storage = str(tmp_path)
    assert main(["run", "digits_mlp", "--here", "--trials", "3", "--epochs", "2", "--storage", storage]) == 0
    sweep = open_sweep("digits_mlp", storage=storage)
    for curves in (sweep.folder / "tensorboard").rglob("events*"):
        curves.unlink()
    (sweep.folder / "tensorboard").rename(tmp_path / "gone")
    board = subprocess.Popen(
        [str(Path(sys.executable).parent / "sweep"), "board", "--storage", storage], stdout=subprocess.PIPE, text=True
    )
    try:
        assert board.stdout is not None
        said = board.stdout.readline()
        address = re.search(r"TensorBoard shows digits_mlp at (http://127\.0\.0\.1:\d+/)", said)
        assert address, said
        for trial in sweep.trials:
            url = f"{address[1]}data/plugin/scalars/scalars?run={trial.trial:04d}&tag=val_loss"
            served = _json_once_loaded(url)
            assert [(step, value) for _, step, value in served] == [
                (record["epoch"], pytest.approx(record["val_loss"], rel=1e-6)) for record in trial.records
            ]
    finally:
        board.send_signal(signal.SIGINT)
        board.communicate(timeout=20)
    assert board.returncode == 0


def _json_once_loaded(url: str) -> list[list[float]]:
    """TensorBoard answers 404 until it has read the files for the first time."""
    for _ in range(200):
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - a loopback address
                found: list[list[float]] = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            error.close()
    pytest.fail(f"nothing at {url}")
