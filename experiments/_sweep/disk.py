"""What a sweep takes on the disk at most, and whether there is so much.

An object store has room; there the nodes' folders of temporary files take the checkpoints that are on their way.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.checks.corners import configuration_with, extremes
from experiments._sweep.engine.on_ray.entry.session import local_slots
from experiments._sweep.engine.on_ray.nodes.capacity import resources_of
from experiments._sweep.errors import EngineError
from experiments._sweep.ledger.files import trial_folder
from experiments._sweep.ledger.records import EpochReported
from experiments._sweep.store.places import url_of
from trainables import ConfigurationError, Trainable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from experiments._sweep.experiment import Experiment
    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.records import Entry
    from experiments._sweep.options import RunOptions

EPOCH_BYTES = 3_000
"""What an epoch leaves in the ledger and in TensorBoard's files."""
_UNENDED = 3
"""Checkpoints of a trial that has not ended: the two newest and the best."""
_UNDER_WAY = 2
"""Checkpoints of a running trial in its node's scratch: the one that was saved last, and the one being saved."""
_LOOKED_AT = 100
"""Epochs after which a trainable that has saved nothing is taken for one that never does."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a sweep takes."""

    checkpoint: int
    """Bytes of one, at most."""
    smallest: int
    """Bytes of one, at least."""
    trials: int
    running: int
    """Trials at a time."""
    unended: int
    """Checkpoints of a trial that has not ended: the two newest and the best, or all that a plain Ray function may
    have reported; and one more while it is written."""
    held: int
    """Trials that may be held, beside those that run."""
    kept: int
    """Ended trials that keep checkpoints, at most."""
    kept_each: int
    records: int
    """Bytes of ledger and curves, at most."""

    @property
    def most(self) -> int:
        """Bytes at most: all trials are as large as the largest, and as many as may be are there at a time."""
        checkpoints = self.running * (self.unended + 1) + self.held * self.unended + self.kept * self.kept_each
        return self.checkpoint * checkpoints + self.records

    @property
    def least(self) -> int:
        """Bytes below which it cannot come to its end: all trials are as small as the smallest, one after another."""
        return self.smallest * (self.kept + 1)

    @property
    def scratch(self) -> int:
        """Bytes that the running trials take on their nodes, at most, where the sweep lies in an object store."""
        return self.running * _UNDER_WAY * self.checkpoint

    def in_words(self) -> str:
        """What it is made of."""
        each = f"{size(self.checkpoint)} each at most, and {size(self.records)} of records"
        if self.kept_each > 1:
            return f"the checkpoints of {_trials(self.trials)}, {each}"
        live = f"those of {self.running} running" if not self.held else "those of all that are held or running"
        return f"the best checkpoint of {_trials(self.kept)} and {live}, {each}"


def _trials(count: int) -> str:
    return f"{count} trial{'' if count == 1 else 's'}"


def estimated(experiment: Experiment, options: RunOptions, checkpoint: int | None = None) -> Estimate | None:
    """What the experiment takes as a sweep; None where the size of a checkpoint is not known.

    Args:
        experiment: The experiment.
        options: Where and how much.
        checkpoint: Bytes of one that was seen, where nothing else is known of them.
    """
    largest, smallest = checkpoint or _extreme(experiment, max), checkpoint or _extreme(experiment, min)
    if largest is None or smallest is None:
        return None
    trials = experiment.num_trials
    unended = _UNENDED if hasattr(experiment.trainable, "epochs") else experiment.epochs
    running = min(trials, _slots(experiment, options) or trials)
    return Estimate(
        checkpoint=largest,
        smallest=smallest,
        trials=trials,
        running=running,
        held=trials - running if getattr(experiment.scheduler, "holds", False) else 0,
        kept=trials if options.keep is None else min(options.keep, trials),
        unended=unended,
        kept_each=unended if options.keep is None else 1,
        records=EPOCH_BYTES * trials * experiment.epochs,
    )


def _slots(experiment: Experiment, options: RunOptions) -> int | None:
    if options.here:
        return 1
    if options.address != "local":
        return options.concurrent
    slots = local_slots(resources_of(experiment))
    return min(slots, options.concurrent or slots)


def _extreme(experiment: Experiment, pick: Callable[[list[int]], int]) -> int | None:
    """The largest or smallest checkpoint, one searched value after the other taken to where it is so."""
    changes: dict[Any, Any] = {}
    best = _bytes(experiment, changes)
    for dimension in experiment.searched.dimensions:
        for value in extremes(dimension):
            tried = {**changes, **dict(dimension.when), dimension.path: value}
            found = _bytes(experiment, tried)
            if found is not None and (best is None or pick([found, best]) != best):
                best, changes = found, tried
    return best


def _bytes(experiment: Experiment, changes: dict[Any, Any]) -> int | None:
    config = configuration_with(experiment, changes)
    if config is None or not isinstance(experiment.trainable, Trainable):
        return None
    try:
        return experiment.trainable.bytes_of(config)
    except ConfigurationError:  # these values do not go together
        return None


def free_bytes(folder: Path) -> int | None:
    """What is free where the folder is, or will be made; None where it stands for a place in an object store."""
    return None if url_of(folder) else _free(folder)


def _free(folder: Path) -> int:
    there = folder.absolute()
    while not there.exists():
        there = there.parent
    return shutil.disk_usage(there).free


def disk_lines(estimate: Estimate | None, folder: Path) -> list[str]:
    """What a sweep takes in a folder, for `sweep show`."""
    if url := url_of(folder):
        return list(_store_lines(estimate, url))
    free = _free(folder)
    if estimate is None:
        return [f"not known before the first checkpoint is there; {size(free)} free"]
    lines = [f"at most {size(estimate.most)}: {estimate.in_words()}; {size(free)} free"]
    return lines if estimate.most <= free else [*lines, f"It may not fit. {REMEDY}"]


def _store_lines(estimate: Estimate | None, url: str) -> Iterator[str]:
    if estimate is None:
        yield f"not known before the first checkpoint is there, in {url}"
        return
    yield f"at most {size(estimate.most)} in {url}: {estimate.in_words()}"
    free = _free(Path(tempfile.gettempdir()))
    yield f"on its way there at most {size(estimate.scratch)} in the nodes' TMPDIR; {size(free)} free in this one's"


REMEDY = "Keep fewer checkpoints (--keep), write elsewhere (--storage), or make room."


def refuse_too_large(experiment: Experiment, options: RunOptions, folder: Path) -> None:
    """Lets pass what can fit, or of which nothing is known.

    Raises:
        EngineError: With what it takes and what is free.
    """
    estimate = estimated(experiment, options)
    if url_of(folder):
        _refuse_small_scratch(estimate, options)
        return
    free = _free(folder)
    if estimate is not None and estimate.least > free:
        raise EngineError(
            f"the sweep takes at least {size(estimate.least)} on the disk, and {size(free)} are free in {folder}: "
            f"{estimate.kept + 1} checkpoints of {size(estimate.smallest)} or more. {REMEDY}"
        )


def _refuse_small_scratch(estimate: Estimate | None, options: RunOptions) -> None:
    place = Path(tempfile.gettempdir())
    free, takes = _free(place), _UNDER_WAY * (estimate.smallest if estimate else 0)
    if takes > free and (options.here or options.address == "local"):
        raise EngineError(
            f"a trial takes at least {size(takes)} on the disk before its checkpoints are in the store, and "
            f"{size(free)} are free in {place}. Make room there, or let TMPDIR name another folder."
        )


def size(count: int) -> str:
    """`31 kB`, `1.2 GB`: bytes in words."""
    amount, units = float(count), ["bytes", "kB", "MB", "GB", "TB"]
    while amount >= 999.5 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{amount:.0f} {units[0]}" if amount >= 10 or units[0] == "bytes" else f"{amount:.1f} {units[0]}"


class FirstCheckpoint:
    """An observer that looks at the first checkpoint where nothing was known of its size, and says what follows."""

    def __init__(self, sweep: Path, experiment: Experiment, options: RunOptions, say: Callable[[str], None]) -> None:
        """Of a sweep in a folder; `say` takes the sentence."""
        self._sweep, self._experiment, self._options, self._say = sweep, experiment, options, say
        known = url_of(sweep) is not None or _extreme(experiment, max) is not None
        self._looks = 0 if known else _LOOKED_AT

    def saw(self, entry: Entry, history: History) -> None:
        """Looks, at an epoch."""
        record = entry.record
        if not self._looks or not isinstance(record, EpochReported):
            return
        self._looks -= 1
        found = self._size(record)
        if found:
            self._looks = 0
            estimate = estimated(self._experiment, self._options, found)
            self._say(f"disk: a checkpoint has {size(found)}; {'. '.join(disk_lines(estimate, self._sweep))}")

    def _size(self, record: EpochReported) -> int:
        if record.checkpoint is not None:
            folders = [self._sweep / record.checkpoint]
        else:
            folders = list(trial_folder(self._sweep, record.trial).glob(f"segment-*/epoch-{record.epoch:05d}"))
        return sum(path.stat().st_size for folder in folders[:1] for path in folder.rglob("*") if path.is_file())

    def noted(self, text: str, history: History) -> None:
        """Nothing: it is no checkpoint."""

    def tick(self, history: History) -> None:
        """Nothing: it waits for epochs."""

    def close(self, history: History) -> None:
        """Nothing: it holds nothing."""
