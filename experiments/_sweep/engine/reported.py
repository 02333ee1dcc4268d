"""The checkpoints that a plain Ray function reports: given back to it, and in a store uploaded before they are told."""

from __future__ import annotations

import contextlib
import errno
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.ledger.files import reported_folder
from experiments._sweep.store.objects import Objects
from experiments._sweep.store.patience import PATIENCE_S
from experiments._sweep.store.places import url_of
from experiments._sweep.store.reported import fetch_reported, is_stored, reported_key, upload_reported
from experiments._sweep.store.scratch import scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from experiments._sweep.engine.segment import Workplace

CHECKPOINT = "raysweeps_checkpoint"
"""Key under which a trial's process tells a checkpoint that it has uploaded itself."""


def is_there(sweep: Path, checkpoint: str, patience_s: float | Callable[[], float] = PATIENCE_S) -> bool:
    """Whether a reported checkpoint of a sweep is where the ledger says; `patience_s`: how long a store is waited for.

    Raises:
        OSError: The sweep's store does not answer.
    """
    url = url_of(sweep)
    if url is None:
        return (sweep / checkpoint).is_dir()
    return reported_folder(sweep, checkpoint) is not None and is_stored(Objects(url, patience_s=patience_s), checkpoint)


@contextlib.contextmanager
def reporting(session: Any, config: dict[str, Any], workplace: Workplace) -> Iterator[None]:
    """While it lasts, `tune.get_checkpoint()` gives the newest checkpoint, and one that is reported is kept.

    Args:
        session: Ray's, through which the function reports.
        config: Of the segment.
        workplace: Of the sweep. Without a store, Ray itself copies what is reported into the sweep's folder.

    Raises:
        OSError: The sweep's store does not answer.
    """
    if workplace.store is None:
        if config["checkpoint"] is not None:
            session.loaded_checkpoint = _from(Path(workplace.sweep) / config["checkpoint"])
        yield
        return
    with scratch() as place:
        store = Objects(workplace.store)
        if config["checkpoint"] is not None:
            begun = fetch_reported(store, config["checkpoint"], place)
            if begun is None:
                damaged = "a checkpoint is damaged; remove it there, to go on from the one before"
                raise OSError(errno.EIO, damaged, f"{store.url}/{config['checkpoint']}")
            session.loaded_checkpoint = _from(begun)
        _upload_first(session, store, reported_key(config["trial"], workplace.driver, config["segment"]), place)
        yield


def _upload_first(session: Any, store: Objects, key: str, place: Path) -> None:
    """Has the session upload each checkpoint, then report the metrics with its key; Ray gets none to copy."""
    theirs, count = session.report, 0

    def report(metrics: Any, checkpoint: Any = None) -> None:
        nonlocal count
        if checkpoint is not None and isinstance(metrics, dict):
            own = place / f"reported-{count % 2}"  # the one before it may be in use
            shutil.rmtree(own, ignore_errors=True)
            checkpoint.to_directory(own)
            name = f"{key}/checkpoint_{count:06d}"
            upload_reported(store, name, own)
            session.loaded_checkpoint = _from(own)
            metrics, count = {**metrics, CHECKPOINT: name}, count + 1
        theirs(metrics)

    session.report = report


def _from(folder: Path) -> Any:
    from ray import tune

    return tune.Checkpoint.from_directory(str(folder))
