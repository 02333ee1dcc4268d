"""What really happened, told outside the sweep's folder by those who did it: one line each, appended in one write.

An epoch that begins, one that was trained (told before it is saved), and every kill, by whoever kills. The order of the
lines is the order of time. Nothing is told where `CHAOS_WITNESS` does not say where.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.chaos_runs.orders import obeying

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trainables import Checkpoints, Record, Trainable

WITNESS = "CHAOS_WITNESS"
"""Environment variable with the witness file's path."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """A line of the witness file."""

    what: str
    """`begins`, `trained` or `kill`."""
    pid: int
    """Of the process that trains, or that was killed."""
    driver: int
    """The driver that it belongs to, which leads its session."""
    seed: int | None = None
    """Tells the trial: each has a seed of its own. Of a kill: the trial whose process was killed, if any."""
    epoch: int = 0
    target: str = ""
    """Of a kill: `driver`, `trial` or `both`."""
    phase: str = ""
    point: str = ""


def tell(told: Told) -> None:
    """Appends a line."""
    place = os.environ.get(WITNESS)
    if place:
        append(Path(place), told)


def append(path: Path, told: Told) -> None:
    """Appends a line to the witness file at `path`."""
    line = json.dumps({name: value for name, value in vars(told).items() if value not in ("", None)})
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, f"{line}\n".encode())
    finally:
        os.close(handle)


def read(path: Path) -> list[Told]:
    """Everything that was told so far."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [Told(**json.loads(line)) for line in lines]


def witnessed(trainable: Any) -> Trainable[Any]:
    """The trainable, telling each epoch that it begins and trains, and obeying orders to die in a save."""
    told: Trainable[Any] = replace(trainable, train=partial(_train, trainable.train))
    return told


class _Watched:
    """A trial's checkpoints; what is saved was trained."""

    def __init__(self, checkpoints: Checkpoints, seed: int) -> None:
        self._checkpoints = checkpoints
        self._seed = seed
        self.data = checkpoints.data

    def newest(self) -> Any:
        return self._checkpoints.newest()

    def save(self, epoch: int, record: Record, state: Any) -> object:
        tell(Told(what="trained", pid=os.getpid(), driver=os.getsid(0), seed=self._seed, epoch=epoch))
        with obeying(lambda target, point: tell(_died_saving(self._seed, epoch, target, point))):
            return self._checkpoints.save(epoch, record, state)


def _died_saving(seed: int, epoch: int, target: str, point: str) -> Told:
    return Told(
        what="kill",
        pid=os.getpid(),
        driver=os.getsid(0),
        seed=seed,
        epoch=epoch,
        target=target,
        phase="checkpoint",
        point=point,
    )


def _train(
    train: Callable[[Any, Checkpoints | None], Iterator[Record]], config: Any, checkpoints: Checkpoints | None
) -> Iterator[Record]:
    saved = checkpoints.newest() if checkpoints else None
    records = train(config, _Watched(checkpoints, config.seed) if checkpoints else None)
    epoch = 0
    if saved is not None:  # its record is told again, which is not training
        epoch = saved.record["epoch"]
        yield next(records)
    while epoch < config.epochs:
        epoch += 1
        tell(Told(what="begins", pid=os.getpid(), driver=os.getsid(0), seed=config.seed, epoch=epoch))
        record = next(records, None)
        if record is None:
            return
        yield record
