"""Checkpoints are whole or not there, and the right ones are kept."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import torch

from trainables import CheckpointFolder, find_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STATE = {
    "model": {"weight": torch.arange(6.0).reshape(2, 3)},
    "optimizer": {0: {"step": torch.tensor(3.0)}},
    "n": [1, "a"],
}


def _save(folder: CheckpointFolder, epoch: int, **metrics: float) -> Path:
    return folder.save(epoch, {"epoch": epoch, **metrics}, STATE)


def _tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


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
    assert repr(saved.record) == repr(dict(sorted(record.items()))) or repr(saved.record) == repr(record)
    state = saved.state()
    assert torch.equal(state["model"]["weight"], STATE["model"]["weight"])
    assert state["n"] == [1, "a"]


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


def _truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-7])


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _list(file: Path) -> None:
    file.write_text("[]")


@pytest.mark.parametrize("damage", [_truncate, _flip, _empty, _list, os.unlink])
@pytest.mark.parametrize("name", ["checkpoint.json", "state.pt"])
def test_damaged_checkpoint_is_skipped(name: str, damage: Callable[[Path], object], tmp_path: Path) -> None:
    """A checkpoint that is cut, changed or incomplete is skipped and named; the one before it counts."""
    folder = CheckpointFolder(tmp_path)
    _save(folder, 1)
    second = _save(folder, 2)
    damage(second / name)
    newest = folder.newest()
    assert newest is not None
    assert newest.epoch == 1
    assert folder.damaged == [second]
    later = CheckpointFolder(tmp_path, segment=2)
    _save(later, 2)
    saved = later.newest()
    assert saved is not None
    assert saved.folder.parent.name == "segment-002"
    assert later.damaged == []


def test_all_damaged(tmp_path: Path) -> None:
    """When no checkpoint is whole there is none, and all are named."""
    folder = CheckpointFolder(tmp_path)
    paths = [_save(folder, 1), _save(folder, 2)]
    for path in paths:
        (path / "checkpoint.json").unlink()
    assert folder.newest() is None
    assert folder.damaged == paths[::-1]


def test_every_flipped_byte_of_the_manifest_is_noticed(tmp_path: Path) -> None:
    """No byte of a manifest can change unnoticed, but for its white space."""
    folder = CheckpointFolder(tmp_path)
    path = folder.save(1, {"epoch": 1, "loss": 0.25}, None) / "checkpoint.json"
    content = path.read_bytes()
    for position in range(len(content)):
        path.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        saved = folder.newest()
        assert saved is None or saved.record == {"epoch": 1, "loss": 0.25}


def test_changed_after_it_was_found(tmp_path: Path) -> None:
    """A state that changed since its checkpoint was found is not loaded, and the message says what to do."""
    folder = CheckpointFolder(tmp_path)
    path = _save(folder, 1)
    saved = folder.newest()
    _flip(path / "state.pt")
    assert saved is not None
    with pytest.raises(ValueError, match=r"state.pt is not what was written.*delete the folder"):
        saved.state()


def test_booby_trapped_state_is_not_run(tmp_path: Path) -> None:
    """A state that would run code when unpickled is refused."""
    canary = tmp_path / "canary"

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (os.mkdir, (str(canary),))

    CheckpointFolder(tmp_path).save(1, {"epoch": 1}, {"trap": Trap()})
    saved = CheckpointFolder(tmp_path).newest()
    assert saved is not None
    with pytest.raises(Exception, match="Weights only load failed"):
        saved.state()
    assert not canary.exists()


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
    """The checkpoint of an epoch is found by its record, in whatever segment; a damaged one or another is not."""
    _save(CheckpointFolder(tmp_path, segment=1), 1, loss=math.nan)
    path = _save(CheckpointFolder(tmp_path, segment=2), 2, loss=0.5)
    assert find_checkpoint(tmp_path, 2, {"loss": 0.5, "epoch": 2}) == path
    assert find_checkpoint(tmp_path, 1, {"epoch": 1, "loss": math.nan}) is not None
    assert find_checkpoint(tmp_path, 2, {"epoch": 2, "loss": 0.6}) is None
    assert find_checkpoint(tmp_path, 3, {"epoch": 3}) is None
    _flip(path / "state.pt")
    assert find_checkpoint(tmp_path, 2, {"loss": 0.5, "epoch": 2}) is None


@pytest.mark.parametrize("share", [0, 0.001, 0.5, 0.8, 0.999, 2])
def test_full_disk_leaves_the_previous_ones(share: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the disk becomes full, the previous checkpoints stay byte-identical and nothing half-written stays."""
    folder = CheckpointFolder(tmp_path, keep=1)
    _save(folder, 1)
    before = _tree(tmp_path)
    real_write, real_fsync, left = os.write, os.fsync, [int(share * sum(map(len, before.values())))]

    def write(descriptor: int, content: bytes) -> int:
        if left[0] <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = real_write(descriptor, content[: left[0]])
        left[0] -= written
        return written

    def fsync(descriptor: int) -> None:
        if share == 2:  # the fault that comes late
            raise OSError(errno.ENOSPC, "No space left on device")
        real_fsync(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", write)
        patched.setattr(os, "fsync", fsync)
        with pytest.raises(OSError, match="No space left"):
            _save(folder, 2)
    assert _tree(tmp_path) == before
    assert _epochs(tmp_path) == ["segment-001/epoch-00001"]
    _save(folder, 2)
    assert _epochs(tmp_path) == ["segment-001/epoch-00002"]


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
        f"assert find_checkpoint({str(tmp_path)!r}, 1, {{'epoch': 1}}); "
        "assert not {'torch', 'ray', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
