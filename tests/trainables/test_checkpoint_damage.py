"""A damaged checkpoint is noticed and skipped, and a write that fails leaves the others as they were."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest
import torch

from trainables import CheckpointFolder, find_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STATE = {"model": {"weight": torch.arange(6.0).reshape(2, 3)}, "n": [1, "a"]}


def _save(folder: CheckpointFolder, epoch: int) -> Path:
    return folder.save(epoch, {"epoch": epoch}, STATE)


def _tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


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


def test_damaged_checkpoint_is_not_found(tmp_path: Path) -> None:
    """The best epoch's checkpoint is only given when it is whole."""
    path = _save(CheckpointFolder(tmp_path), 2)
    assert find_checkpoint(tmp_path, 2, "epoch", 2) == path
    _flip(path / "state.pt")
    assert find_checkpoint(tmp_path, 2, "epoch", 2) is None


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
    assert sorted(path.name for path in tmp_path.glob("*/*")) == ["epoch-00001"]
    _save(folder, 2)
    assert sorted(path.name for path in tmp_path.glob("*/*")) == ["epoch-00002"]
