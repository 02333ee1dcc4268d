"""The checkpoints of a sweep's trials, for those who read them, in its folder or in its store.

What is read of a sweep in a store is brought to its working copy, or looked at from afar: a checkpoint's manifest says
which epoch of which data it is, and is small.
"""

from __future__ import annotations

import contextlib
import errno
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from experiments._sweep.ledger.files import reported_folder, trial_folder
from experiments._sweep.store.checkpoints import Stored, fetch, forget, stored_in, stored_of, trial_key
from experiments._sweep.store.objects import Objects
from experiments._sweep.store.patience import BRIEF_S, PATIENCE_S
from experiments._sweep.store.places import url_of
from experiments._sweep.store.reported import fetch_reported
from experiments._sweep.store.scratch import scratch
from trainables import CheckpointFolder, find_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from experiments._sweep.ledger.trial_history import TrialHistory

_ANY_SEGMENT = 10**12
_LISTED_ONE_BY_ONE = 3
_AT_A_TIME = 8


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a checkpoint lies, for a process on whatever node."""

    folder: str
    """Its folder; for one in a store, relative to the sweep's address."""
    store: str | None = None
    """The sweep's address in a store, None where all nodes reach the folder."""
    patience_s: float | Callable[[], float] = PATIENCE_S
    """How long the store is waited for."""

    @contextlib.contextmanager
    def at_hand(self) -> Iterator[Path]:
        """Its folder on this node, for as long as the context lasts.

        Raises:
            OSError: The store does not answer, or the checkpoint is not there any more.
        """
        if self.store is None:
            yield Path(self.folder)
            return
        store = Objects(self.store, patience_s=self.patience_s)
        with scratch() as place:
            for stored in stored_in(store.keys(f"{self.folder}/")):
                if stored.whole:
                    yield fetch(store, stored, place)
                    return
            raise FileNotFoundError(errno.ENOENT, "the checkpoint is not there any more", f"{self.store}/{self.folder}")


def best_checkpoint(sweep: Path, trial: TrialHistory) -> Path | None:
    """The checkpoint of a trial's best epoch, verified, in the sweep's folder or brought there; None without one.

    Raises:
        OSError: The sweep's store does not answer.
    """
    if trial.epoch is None or trial.value is None:
        return None
    url, record = url_of(sweep), trial.epochs[trial.epoch - 1]
    store = None if url is None else Objects(url, patience_s=BRIEF_S)
    if record.checkpoint is not None:
        folder = reported_folder(sweep, record.checkpoint)
        if store is not None:
            folder = fetch_reported(store, record.checkpoint, sweep)
        return folder if folder is not None and folder.is_dir() else None
    wanted = (trial_folder(sweep, trial.number), trial.epoch, trial.metric, trial.value)
    found = find_checkpoint(*wanted)
    if found is None and store is not None:
        _bring(store, sweep, trial.number, trial.epoch)
        found = find_checkpoint(*wanted)
    return found


def last_checkpoint(sweep: Path, trial: TrialHistory) -> Path | None:
    """The checkpoint of a trial's last epoch, verified, in the sweep's folder or brought there; None without one.

    Raises:
        OSError: The sweep's store does not answer.
    """
    url, last = url_of(sweep), len(trial.epochs)
    if url is not None:
        _bring(Objects(url, patience_s=BRIEF_S), sweep, trial.number, last)
    segment = _ANY_SEGMENT if url else max(1, len(trial.segments))
    newest = CheckpointFolder(trial_folder(sweep, trial.number), segment=segment).newest()
    return newest.folder if newest is not None and newest.epoch == last else None


def _bring(store: Objects, sweep: Path, trial: int, epoch: int) -> None:
    for each in stored_of(store, trial):
        if each.epoch == epoch:
            forget(each, sweep)  # what is here was found wanting
            with contextlib.suppress(FileNotFoundError):  # a driver has removed it since
                fetch(store, each, sweep)


def best_places(
    sweep: Path, trials: Sequence[TrialHistory], patience_s: float | Callable[[], float] = PATIENCE_S
) -> dict[int, Place]:
    """Where the checkpoints of the best epochs of trials lie; trials without one are left out.

    Of those in a store, which is waited for so long, the manifests are looked at, not the states.

    Raises:
        OSError: The sweep's store does not answer.
    """
    url = url_of(sweep)
    if url is None:
        found = {trial.number: best_checkpoint(sweep, trial) for trial in trials}
        return {number: Place(folder=str(folder)) for number, folder in found.items() if folder is not None}
    places = {}
    wanted = {trial.number: (trial.epoch, trial.metric, trial.value) for trial in trials}
    store = Objects(url, patience_s=patience_s)
    with _manifests(store, lambda each: each.epoch == wanted[each.trial][0], list(wanted)) as root:
        for number, (epoch, metric, value) in wanted.items():
            if epoch is None or value is None:
                continue
            folder = find_checkpoint(root / trial_key(number), epoch, metric, value, whole=False)
            if folder is not None:
                places[number] = Place(folder=folder.relative_to(root).as_posix(), store=url)
    return places


@contextlib.contextmanager
def newest_known(
    sweep: Path, trials: Sequence[TrialHistory], *, ahead: int = 1
) -> Iterator[Callable[[TrialHistory], CheckpointFolder]]:
    """For each of the trials a `CheckpointFolder` to ask for its newest checkpoint and what data it was trained on.

    Args:
        sweep: The sweep's folder.
        trials: Of it.
        ahead: How many epochs it may be ahead of the ledger.

    Raises:
        OSError: The sweep's store does not answer.
    """
    until, url = {trial.number: len(trial.epochs) + ahead for trial in trials}, url_of(sweep)
    if url is None:
        yield lambda trial: CheckpointFolder(
            trial_folder(sweep, trial.number), segment=max(1, len(trial.segments)), until=until[trial.number]
        )
        return
    store = Objects(url, patience_s=BRIEF_S)
    with _manifests(store, lambda each: each.epoch <= until[each.trial], list(until), newest_only=True) as root:
        yield lambda trial: CheckpointFolder(root / trial_key(trial.number), segment=_ANY_SEGMENT, whole=False)


@contextlib.contextmanager
def _manifests(
    store: Objects, wanted: Callable[[Stored], bool], trials: Sequence[int], *, newest_only: bool = False
) -> Iterator[Path]:
    """A folder with the manifests of checkpoints of some trials, and nothing else of them."""
    if len(trials) <= _LISTED_ONE_BY_ONE:
        every = [each for trial in trials for each in stored_of(store, trial)]
    else:
        every = [each for each in stored_in(store.keys("trials/")) if each.whole and each.trial in set(trials)]
    found: dict[int, list[Stored]] = {}
    for each in filter(wanted, every):
        found.setdefault(each.trial, []).append(each)
    those = [each for several in found.values() for each in (several[:1] if newest_only else several)]

    with scratch() as root, ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="manifests") as pool:

        def bring(each: Stored) -> None:
            with contextlib.suppress(FileNotFoundError):  # a driver has removed it since
                fetch(store, each, root, whole=False)

        list(pool.map(bring, those))
        yield root
