"""The checkpoints of one trial: ROOT/segment-003/epoch-00005/{checkpoint.json,state.pt}.

A segment is one stretch of a trial between two stops. Each writes into its own folder, so that a process that outlived
its driver overwrites nothing, and reads what the segments up to its own have saved.
"""

from __future__ import annotations

import io
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from trainables._training.checkpoint_files import (
    ChangedDataError,
    DamagedCheckpointError,
    Manifest,
    describe,
    read_manifest,
    read_state,
    remove_checkpoint,
    remove_leftovers,
    write_checkpoint,
)
from trainables._training.made_by import made_by

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A checkpoint whose checksums were right when it was found."""

    epoch: int
    """Epoch after which it was saved, from 1."""

    record: dict[str, Any]
    """The record of that epoch."""

    folder: Path
    """Where it is."""

    _manifest: Manifest

    @property
    def data(self) -> str | None:
        """Digest of the data that were trained on; None where it is not known."""
        return self._manifest.data

    @property
    def made_by(self) -> dict[str, Any] | None:
        """Processor, device, threads and versions that it was made with; None where an older version saved it."""
        return self._manifest.made_by

    def refuse_other_data(self, data: str | None) -> None:
        """Raise ChangedDataError where both digests are known and differ."""
        if None not in (data, self._manifest.data) and data != self._manifest.data:
            message = (
                f"{self.folder} was trained on other data: their files have changed since this trial began. A trial "
                "neither goes on nor is tested with other data; put the files back as they were, or start a new sweep"
            )
            raise ChangedDataError(message)

    def state(self, map_location: Any = "cpu") -> Any:
        """Return what was saved, with its tensors on `map_location`; None when nothing was.

        Raises:
            ValueError: The file changed since the checkpoint was found.
        """
        content = read_state(self.folder, self._manifest)
        if content is None:
            return None
        import torch

        return torch.load(io.BytesIO(content), map_location=map_location, weights_only=True)


class CheckpointFolder:
    """The checkpoints of one trial, as one of its segments reads and writes them.

    Kept are the `keep` newest epochs and the best one by `metric` (the first of equals; NaN is never best). Where
    `until` is given, later epochs are as if they were not there: whoever decides knows nothing of them. Not `whole`, it
    looks at the manifests only: the states lie elsewhere.
    """

    data: str | None = None
    """Digest of the data that are trained on: written into each checkpoint; one of other data is refused."""

    damaged: list[Path]
    """What `newest` skipped when it was last called: damaged, cut or without a manifest."""

    def __init__(
        self,
        root: str | os.PathLike[str],
        segment: int = 1,
        *,
        keep: int = 2,
        metric: str | None = None,
        mode: Literal["min", "max"] = "min",
        until: int | None = None,
        whole: bool = True,
    ) -> None:
        if segment < 1 or keep < 1 or mode not in {"min", "max"}:
            message = (
                f"CheckpointFolder: segment={segment}, keep={keep}, mode={mode!r}; segment and keep are at least 1, "
                "mode is 'min' or 'max'"
            )
            raise ValueError(message)
        self.root, self.segment, self.keep, self.metric, self.mode = Path(root), segment, keep, metric, mode
        self.until, self.whole = until, whole
        self.damaged = []
        self._verified: dict[Path, Saved] = {}
        self._leftovers_removed = False

    def newest(self) -> Saved | None:
        """Return the newest checkpoint that is what was saved: the highest epoch, of equals the highest segment.

        Raises:
            ChangedDataError: It was trained on other data than those of now.
        """
        self.damaged = []
        for folder in _folders(self.root, self.segment):
            saved = _verify(folder, self.whole)
            if saved is None:
                self.damaged.append(folder)
            elif self.until is None or saved.epoch <= self.until:
                saved.refuse_other_data(self.data)
                return saved
        return None

    def save(self, epoch: int, record: dict[str, Any], state: Any) -> Path:
        """Save an epoch, all or nothing, then drop what need not be kept; return its folder.

        Args:
            epoch: Counted from 1; `record["epoch"]` must be the same.
            record: Plain numbers and strings; NaN and infinities come back as they are.
            state: Tensors and plain values in dicts and lists, as `torch.load(weights_only=True)` reads them, or None.

        Raises:
            OSError: It could not be written; the checkpoints before it are untouched.
        """
        if record.get("epoch") != epoch:
            message = (
                f"checkpoint of epoch {epoch}: its record is of epoch {record.get('epoch')!r}; save its own record"
            )
            raise ValueError(message)
        content = None if state is None else _serialized(state)
        state_file = None if content is None else describe(content)
        manifest = Manifest(epoch=epoch, record=record, state=state_file, data=self.data, made_by=made_by())
        folder = self.root / f"segment-{self.segment:03d}" / f"epoch-{epoch:05d}"
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        write_checkpoint(folder, manifest, content)
        self._verified[folder] = Saved(epoch=epoch, record=dict(record), folder=folder, _manifest=manifest)
        self._drop_old()
        return folder

    def _drop_old(self) -> None:
        by_epoch: dict[int, Saved] = {}
        unneeded: list[Path] = []
        for folder in _folders(self.root, self.segment):
            saved = self._verified.get(folder) or _verify(folder, self.whole)
            if saved is None:
                continue  # evidence of what went wrong; it is never read
            self._verified[folder] = saved
            if by_epoch.setdefault(saved.epoch, saved) is not saved:
                unneeded.append(folder)
        best = self._best(list(by_epoch.values()))
        unneeded += [saved.folder for saved in list(by_epoch.values())[self.keep :] if saved is not best]
        for folder in unneeded:
            remove_checkpoint(folder)
            del self._verified[folder]
        if not self._leftovers_removed:
            for _, segment in _numbered(self.root, "segment", self.segment):
                remove_leftovers(segment)
            self._leftovers_removed = True

    def _best(self, candidates: list[Saved]) -> Saved | None:
        sign = 1 if self.mode == "min" else -1
        best, best_value = None, math.nan
        for saved in sorted(candidates, key=lambda saved: saved.epoch):
            value = _at(saved.record, self.metric) if self.metric else None
            if not isinstance(value, int | float) or math.isnan(value):
                continue
            if best is None or sign * value < sign * best_value:
                best, best_value = saved, value
        return best


def open_checkpoint(folder: str | os.PathLike[str], *, whole: bool = True) -> Saved:
    """Return the checkpoint in a folder, its checksums verified.

    Args:
        folder: .../epoch-00005, or a copy of it under any name.
        whole: Verify the state as well; otherwise it need not be there.

    Raises:
        ValueError: There is none, or it is not what was saved; names the file and says what to do.
    """
    folder = Path(folder)
    if not folder.is_dir():
        message = f"{folder} is not there; give the folder of a checkpoint, such as TRIAL/segment-001/epoch-00005"
        raise DamagedCheckpointError(message)
    manifest = read_manifest(folder)
    if whole:
        read_state(folder, manifest)
    return Saved(epoch=manifest.epoch, record=manifest.record, folder=folder, _manifest=manifest)


def find_checkpoint(
    root: str | os.PathLike[str], epoch: int, metric: str, value: float, *, whole: bool = True
) -> Path | None:
    """Return the folder of the verified checkpoint of `epoch` whose record has `metric` at `value`; or None.

    Args:
        root: The trial's folder; all segments in it are looked at.
        epoch: From 1.
        metric: By name; a metric inside a dict by its path, as in `val/loss`.
        value: What the record must say, to the bit.
        whole: Verify the state as well; otherwise it need not be there.
    """
    for folder in _folders(Path(root)):
        saved = _verify(folder, whole) if folder.name == f"epoch-{epoch:05d}" else None
        if saved is not None and _at(saved.record, metric) == value:
            return folder
    return None


def _at(record: dict[str, Any], metric: str) -> Any:
    """The metric, which may lie inside a dict."""
    if metric in record:
        return record[metric]
    outer, _, inner = metric.partition("/")
    return _at(record[outer], inner) if inner and isinstance(record.get(outer), dict) else None


def _folders(root: Path, last_segment: int | None = None) -> list[Path]:
    """Return the folders of all epochs, newest first: by epoch, then by segment."""
    found = [
        (epoch, number, folder)
        for number, segment in _numbered(root, "segment", last_segment)
        for epoch, folder in _numbered(segment, "epoch")
    ]
    return [folder for _, _, folder in sorted(found, reverse=True)]


def _numbered(parent: Path, name: str, last: int | None = None) -> Iterator[tuple[int, Path]]:
    for folder in parent.iterdir() if parent.is_dir() else ():
        match = re.fullmatch(rf"{name}-(\d+)", folder.name)
        if match and folder.is_dir() and (last is None or int(match[1]) <= last):
            yield int(match[1]), folder


def _verify(folder: Path, whole: bool) -> Saved | None:
    try:
        saved = open_checkpoint(folder, whole=whole)
    except DamagedCheckpointError:
        return None
    return saved if folder.name == f"epoch-{saved.epoch:05d}" else None


def _serialized(state: Any) -> bytes:
    import torch

    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()
