"""Checkpoints are whole or not there, and the right ones are kept."""

from __future__ import annotations

import json
import math
import os
import platform
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trainables import CheckpointFolder, find_checkpoint, open_checkpoint
from trainables._training.checkpoint_files import Manifest, write_checkpoint

STATE = {
    "model": {"weight": torch.arange(6.0).reshape(2, 3)},
    "optimizer": {0: {"step": torch.tensor(3.0)}},
    "n": [1, "a"],
}


def _save(folder: CheckpointFolder, epoch: int, **metrics: float) -> Path:
    return folder.save(epoch, {"epoch": epoch, **metrics}, STATE)


def _epochs(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.glob("*/*"))


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    """Record and state come back as they were, NaN and infinities included."""
    record = {"epoch": 1, "loss": 0.1 + 0.2, "nan": math.nan, "inf": math.inf, "minus": -math.inf, "n": 3}
    path = CheckpointFolder(tmp_path / "trial").save(1, record, STATE)
    saved = CheckpointFolder(tmp_path / "trial").newest()
    assert saved is not None
    assert (saved.epoch, saved.folder) == (1, path)
    assert path == tmp_path / "trial" / "segment-001" / "epoch-00001"
    assert repr(saved.record) == repr(record)  # as text, because NaN differs from itself
    state = saved.state()
    assert torch.equal(state["model"]["weight"], STATE["model"]["weight"])
    assert state["n"] == [1, "a"]


def test_what_it_was_made_by_is_kept(tmp_path: Path) -> None:
    """A checkpoint says on what it was computed, and not where: no host, no user, no path."""
    path = CheckpointFolder(tmp_path).save(1, {"epoch": 1}, STATE)
    made_by = open_checkpoint(path).made_by
    assert made_by is not None
    assert made_by["device"] == (torch.cuda.get_device_name() if torch.cuda.is_initialized() else "cpu")
    assert (made_by["torch"], made_by["threads"]) == (torch.__version__, torch.get_num_threads())
    assert (made_by["numpy"], made_by["python"]) == (np.__version__, platform.python_version())
    assert made_by["processor"]
    told = json.dumps(made_by)
    assert not any(word in told for word in (socket.gethostname(), str(Path.home()), str(tmp_path)))


def test_a_checkpoint_of_an_older_version_opens(tmp_path: Path) -> None:
    """One that does not say what it was made by is as good as any other."""
    folder = tmp_path / "segment-001" / "epoch-00001"
    folder.parent.mkdir()
    write_checkpoint(folder, Manifest(epoch=1, record={"epoch": 1, "loss": 0.5}, state=None), None)
    assert "made_by" not in json.loads((folder / "checkpoint.json").read_text())
    assert open_checkpoint(folder).made_by is None
    assert find_checkpoint(tmp_path, 1, "loss", 0.5) == folder


def test_a_copy_opens_under_any_name(tmp_path: Path) -> None:
    """A checkpoint that somebody has copied is opened by its folder, whatever that is called."""
    path = CheckpointFolder(tmp_path / "trial").save(3, {"epoch": 3}, STATE)
    saved = open_checkpoint(shutil.copytree(path, tmp_path / "copy"))
    assert (saved.epoch, saved.record, saved.folder) == (3, {"epoch": 3}, tmp_path / "copy")
    assert torch.equal(saved.state()["model"]["weight"], STATE["model"]["weight"])


def test_no_checkpoint(tmp_path: Path) -> None:
    """A folder that is empty or not there has no newest checkpoint."""
    assert CheckpointFolder(tmp_path).newest() is None
    assert CheckpointFolder(tmp_path / "none").newest() is None


def test_without_state(tmp_path: Path) -> None:
    """A trainable may save its record alone."""
    path = CheckpointFolder(tmp_path).save(1, {"epoch": 1}, None)
    saved = CheckpointFolder(tmp_path).newest()
    assert saved is not None
    assert saved.state() is None
    assert [file.name for file in path.iterdir()] == ["checkpoint.json"]


def test_record_of_another_epoch_is_refused(tmp_path: Path) -> None:
    """Each checkpoint contains its own epoch's record."""
    with pytest.raises(ValueError, match="checkpoint of epoch 2: its record is of epoch 1; save its own record"):
        CheckpointFolder(tmp_path).save(2, {"epoch": 1}, STATE)


@pytest.mark.parametrize("options", [{"segment": 0}, {"keep": 0}, {"mode": "maximum"}])
def test_options_are_checked(options: dict[str, Any], tmp_path: Path) -> None:
    """Options out of range are refused with the range."""
    with pytest.raises(ValueError, match="segment and keep are at least 1, mode is 'min' or 'max'"):
        CheckpointFolder(tmp_path, **options)


def test_leftovers_of_a_killed_writer(tmp_path: Path) -> None:
    """What a killed writer left beside the checkpoints is ignored, and removed by the next save."""
    first = _save(CheckpointFolder(tmp_path), 1)
    leftover = first.parent / ".epoch-00002-abcdefgh"
    shutil.copytree(first, leftover)
    folder = CheckpointFolder(tmp_path, segment=2)
    newest = folder.newest()
    assert newest is not None
    assert newest.folder == first
    assert folder.damaged == []
    _save(folder, 2)
    assert _epochs(tmp_path) == ["segment-001/epoch-00001", "segment-002/epoch-00002"]


def test_segments_see_what_came_before_them(tmp_path: Path) -> None:
    """A segment continues from the highest epoch up to its own, of equals the later one, and sees none after it."""
    _save(CheckpointFolder(tmp_path, segment=1, keep=9), 1)
    _save(CheckpointFolder(tmp_path, segment=1, keep=9), 2)
    _save(CheckpointFolder(tmp_path, segment=3, keep=9), 9)
    for segment, path in (
        (1, "segment-001/epoch-00002"),
        (2, "segment-001/epoch-00002"),
        (3, "segment-003/epoch-00009"),
    ):
        saved = CheckpointFolder(tmp_path, segment=segment).newest()
        assert saved is not None
        assert saved.folder == tmp_path / path
    again = _save(CheckpointFolder(tmp_path, segment=2, keep=9), 2)
    saved = CheckpointFolder(tmp_path, segment=2).newest()
    assert saved is not None
    assert saved.folder == again


@pytest.mark.parametrize(
    ("metric", "mode", "values", "kept"),
    [
        (None, "min", [3, 1, 2, 2, 2], [4, 5]),
        ("loss", "min", [3, 1, 2, 2, 2], [2, 4, 5]),
        ("loss", "max", [3, 1, 2, 2, 2], [1, 4, 5]),
        ("loss", "min", [1, 1, 1, 1, 1], [1, 4, 5]),
        ("loss", "min", [math.nan, math.nan, 5, math.nan, math.nan], [3, 4, 5]),
        ("loss", "max", [math.nan, math.inf, 5, 4, 3], [2, 4, 5]),
        ("loss", "min", [math.nan] * 5, [4, 5]),
        ("other", "min", [1, 2, 3, 4, 5], [4, 5]),
    ],
)
def test_what_is_kept(metric: str | None, mode: Any, values: list[float], kept: list[int], tmp_path: Path) -> None:
    """Kept are the newest two and the best, the first of equals; NaN is never best; segments do not matter."""
    for epoch, value in enumerate(values, start=1):
        _save(CheckpointFolder(tmp_path, segment=1 + epoch // 3, metric=metric, mode=mode), epoch, loss=value)
    assert [int(path[-5:]) for path in _epochs(tmp_path)] == kept


def test_best_is_found(tmp_path: Path) -> None:
    """The checkpoint of an epoch is found by its record's value, in whatever segment; another one is not."""
    folder = CheckpointFolder(tmp_path, segment=1)
    nested = folder.save(1, {"epoch": 1, "val": {"loss": 0.7}}, None)
    path = _save(CheckpointFolder(tmp_path, segment=2), 2, loss=0.5)
    assert find_checkpoint(tmp_path, 2, "loss", 0.5) == path
    assert find_checkpoint(tmp_path, 1, "val/loss", 0.7) == nested
    assert find_checkpoint(tmp_path, 2, "loss", 0.6) is None
    assert find_checkpoint(tmp_path, 2, "accuracy", 0.5) is None
    assert find_checkpoint(tmp_path, 3, "loss", 0.5) is None


def test_epochs_that_nobody_knows_of_are_left_aside(tmp_path: Path) -> None:
    """With `until`, training continues from the newest checkpoint up to that epoch."""
    for epoch in (1, 2, 3):
        _save(CheckpointFolder(tmp_path, keep=3), epoch)
    newest = CheckpointFolder(tmp_path, segment=2, until=2).newest()
    assert newest is not None
    assert newest.epoch == 2
    assert CheckpointFolder(tmp_path, segment=2, until=0).newest() is None


def test_saved_again_in_the_same_segment(tmp_path: Path) -> None:
    """An epoch saved again in its segment replaces what is there, such as a damaged one."""
    path = _save(CheckpointFolder(tmp_path), 1)
    (path / "state.pt").unlink()
    assert _save(CheckpointFolder(tmp_path), 1) == path
    assert CheckpointFolder(tmp_path).newest() is not None


def test_private(tmp_path: Path) -> None:
    """Checkpoints are for their owner alone, whatever the umask allows."""
    root = tmp_path / "trial"
    old = os.umask(0)
    try:
        _save(CheckpointFolder(root), 1)
    finally:
        os.umask(old)
    modes = {path.stat().st_mode & 0o777 for path in (root, *root.rglob("*")) if path.is_dir()}
    assert modes == {0o700}
    assert {path.stat().st_mode & 0o777 for path in root.rglob("*") if path.is_file()} == {0o600}


def test_manifest_is_plain_json(tmp_path: Path) -> None:
    """`checkpoint.json` says epoch, record and checksums to anything that reads JSON."""
    path = CheckpointFolder(tmp_path).save(2, {"epoch": 2, "loss": 0.5}, STATE)
    manifest = json.loads((path / "checkpoint.json").read_text())
    assert manifest["epoch"] == 2
    assert manifest["record"] == {"epoch": 2, "loss": 0.5}
    assert manifest["state"]["bytes"] == (path / "state.pt").stat().st_size


def test_verifying_does_not_import_torch(tmp_path: Path) -> None:
    """The driver finds and verifies checkpoints without importing torch."""
    _save(CheckpointFolder(tmp_path), 1)
    program = (
        "import sys; from trainables import CheckpointFolder, find_checkpoint; "
        f"assert CheckpointFolder({str(tmp_path)!r}).newest().epoch == 1; "
        f"assert find_checkpoint({str(tmp_path)!r}, 1, 'epoch', 1); "
        "assert not {'torch', 'ray', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
