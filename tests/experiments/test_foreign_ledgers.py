"""Ledgers that are whole but were not written by this package: refused with the line, never followed."""

import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from experiments import open_sweep
from experiments._sweep.command_line import main
from experiments._sweep.ledger.files import LEDGER, LedgerError, LedgerWriter
from tests.experiments.conftest import driver, experiment, opened
from tests.experiments.test_ledger import epoch, proposed, segment, written


def forged(folder: Path, at: int, **changes: Any) -> Path:
    """A short sweep in the folder with a line of it changed, its checksum right; the ledger ends there."""
    path = written(folder, [opened(experiment()), driver(), proposed(0), segment(0), epoch(0, 1, 0.5)])
    lines = path.read_bytes().splitlines()[: at + 1]
    body = {**json.loads(lines[at]), **changes}
    del body["crc"]
    head = json.dumps(body).encode()[:-1]
    lines[at] = head + f',"crc":"{zlib.crc32(head):08x}"}}'.encode()
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


@pytest.mark.parametrize(
    ("at", "changes", "said"),
    [
        (0, {"schema": "x"}, "line 1: "),
        (0, {"kind": "driver"}, "line 1: "),
        (1, {"settings": 3}, "line 2: driver.settings is of type int"),
        (2, {"trial": "../../x"}, "line 3: trial.trial is of type str"),
        (2, {"trial": -1}, "line 3: does not fit what is before it (ValueError: trial -1 after 0 trials)"),
        (2, {"config": [1]}, "line 3: trial.config is of type list"),
        (3, {"trial": 7}, "line 4: does not fit what is before it (KeyError: 7)"),
        (4, {"epoch": 9}, "line 5: does not fit what is before it (ValueError: epoch 9 after 0 epochs)"),
        (4, {"metrics": 3}, "line 5: epoch.metrics is of type int"),
    ],
)
def test_g6_a_line_that_makes_no_sense_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], at: int, changes: dict[str, Any], said: str
) -> None:
    """Also the last one, which a reader would leave out and a writer cut off if its bytes were lost."""
    path = forged(tmp_path, at, **changes)
    before = path.read_bytes()
    assert main(["trials", str(tmp_path)]) == 3
    told = capsys.readouterr().err
    assert said in told and "restore the file from a copy" in told and "Traceback" not in told
    if "does not fit" not in said:
        with pytest.raises(LedgerError):
            LedgerWriter(path)
    assert path.read_bytes() == before


def test_g6_a_line_of_many_levels_is_refused(tmp_path: Path) -> None:
    """JSON of any depth can be written; it is no reason for a traceback."""
    path = written(tmp_path, [opened(experiment())])
    head = b'{"n":1,"kind":"trial","config":' + b"[" * 200_000
    with path.open("ab") as file:
        file.write(head + f',"crc":"{zlib.crc32(head):08x}"}}\n'.encode())
    with pytest.raises(LedgerError, match="line 2: "):
        open_sweep(tmp_path)


@pytest.mark.parametrize("checkpoint", ["../elsewhere", "ray/../../elsewhere", "/elsewhere", "trials/0000"])
def test_s9_a_checkpoint_outside_rays_folder_is_none(tmp_path: Path, checkpoint: str) -> None:
    """A ledger may name any path; that of a plain Ray function's checkpoint leads nowhere else."""
    for folder in (tmp_path / "elsewhere", tmp_path / "sweep" / "trials" / "0000"):
        folder.mkdir(parents=True)
    given = str(tmp_path / checkpoint[1:]) if checkpoint.startswith("/") else checkpoint
    forged(tmp_path / "sweep", 4, checkpoint=given)
    assert open_sweep(tmp_path / "sweep").best.checkpoint is None


def test_g6_an_emptied_ledger_is_no_new_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A copy that failed leaves nothing or zeros: trials that are there must not become those of another sweep."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results" / "digits_mlp"
    (folder / "trials" / "0000").mkdir(parents=True)
    for content in (b"", bytes(100)):
        (folder / LEDGER).write_bytes(content)
        for command in (["trials"], ["resume"], ["run", "digits_mlp", "--here", "--resume-if-exists"]):
            assert main(command) == 3
            assert "the ledger was lost. Restore it from a copy" in capsys.readouterr().err
        assert (folder / LEDGER).read_bytes() == content
