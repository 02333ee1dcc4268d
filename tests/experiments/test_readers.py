"""Whoever shows a sweep changes nothing in its folder: no name, no byte, no time."""

from collections.abc import Callable
from pathlib import Path

import pytest

from experiments import open_sweep
from experiments._sweep.command_line import main
from experiments._sweep.ledger.files import LEDGER
from tests.experiments.conftest import experiment


def snapshot(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file and folder with its mode, the time it was changed, and its content."""
    found = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        told = path.lstat()
        found[str(path.relative_to(folder))] = (
            told.st_mode,
            told.st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
    return found


SHOWN: dict[str, Callable[[Path], object]] = {
    "trials": lambda sweep: main(["trials", str(sweep)]),
    "trials-json": lambda sweep: main(["trials", str(sweep), "--json"]),
    "trial": lambda sweep: main(["trials", str(sweep), "1"]),
    "trial-json": lambda sweep: main(["trials", str(sweep), "1", "--json"]),
    "best": lambda sweep: main(["best", str(sweep)]),
    "best-json": lambda sweep: main(["best", str(sweep), "--json"]),
    "export-csv": lambda sweep: main(["export", str(sweep), "--csv", "-"]),
    "export-by-epoch": lambda sweep: main(["export", str(sweep), "--csv", "-", "--by-epoch"]),
    "show": lambda sweep: main(["show", "digits_mlp", "--storage", str(sweep.parent)]),
    "python": lambda sweep: [
        (found := open_sweep(sweep)).trials,
        found.best,
        found.frame(),
        found.confirmed,
        found.history,
    ],
}


@pytest.mark.parametrize("torn", [False, True], ids=["whole", "torn"])
@pytest.mark.parametrize("shown", SHOWN)
def test_g7_showing_a_sweep_changes_nothing(
    tmp_path: Path, shown: str, torn: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a sweep that has ended, and of one whose driver was killed in the middle of a line."""
    sweep = experiment(num_trials=3).run(name="mine", storage=tmp_path, here=True)
    if torn:
        ledger = sweep.folder / LEDGER
        ledger.write_bytes(ledger.read_bytes()[:-200])
    before = snapshot(tmp_path)
    assert shown == "python" or capsys.readouterr()
    SHOWN[shown](sweep.folder)
    assert snapshot(tmp_path) == before
