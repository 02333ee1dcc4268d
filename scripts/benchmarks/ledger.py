"""Epochs recorded a second, durably, with the decision on each; and what of a real sweep's time that takes.

Many trials run at once and report one after the other, as Ray hands their results on: each result is checked, ASHA
decides on it, and the line with both is on the disk before the next one is looked at. A trial that ends makes room for
a new one, whose own lines are not counted. Beside it the plain way: a JSON line and an fsync, nothing checked, nothing
decided.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import ASHA, Random
from experiments._sweep.engine.deciding.conductor import Conductor
from experiments._sweep.engine.journal import Journal
from experiments._sweep.ledger.files import LEDGER, LedgerWriter
from experiments._sweep.ledger.records import SCHEMA, DriverStarted, SweepOpened
from experiments._sweep.registry import find
from experiments._sweep.views.tensorboard import events
from trainables import image_classifier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiments._sweep.engine.deciding.assignments import Segment

RATE_TARGET = 2000.0
"""Epochs recorded a second, at least, however many trials run."""
SHARE_TARGET = 0.02
"""What the ledger may take of a sweep's time."""

_RUNNING = (64, 1000)
_REPORTS = 2000
_TRIALS = 32
"""Of the real sweep."""


def measure(folder: Path | None) -> int:
    """Print rates and share; return 0 when both targets are reached, else 1.

    Args:
        folder: Where the ledgers are written, on the disk that counts; None: a temporary folder.
    """
    with tempfile.TemporaryDirectory(dir=folder) as place:
        below = Path(place)
        rates = [_rate(running, below / f"{running}") for running in _RUNNING]
        share = _share(below / "digits")
    reached = [
        _verdict(f"{min(rates):,.0f} epochs recorded a second", min(rates) >= RATE_TARGET, f"{RATE_TARGET:,.0f}"),
        _verdict(
            f"the ledger takes {share:.1%} of a sweep's time", share <= SHARE_TARGET, f"at most {SHARE_TARGET:.0%}"
        ),
    ]
    return 0 if all(reached) else 1


def _verdict(what: str, is_reached: bool, target: str) -> bool:
    print(f"{what} (target {target}): {'reached' if is_reached else 'MISSED'}")
    return is_reached


def _rate(running: int, folder: Path) -> float:
    folder.mkdir()
    conductor = _conductor(folder)
    live: list[tuple[Segment, int]] = [(_taken(conductor), 0) for _ in range(running)]
    recording = starting = 0.0
    reports = started = 0
    results = _results()
    while reports < _REPORTS:
        for place, (segment, epoch) in enumerate(live):
            result = {"epoch": epoch + 1, **next(results)}
            begun = time.perf_counter()
            goes_on = conductor.report(segment.trial, segment.number, result)
            recording += time.perf_counter() - begun
            reports += 1
            if goes_on:
                live[place] = segment, epoch + 1
                continue
            begun = time.perf_counter()
            live[place] = _taken(conductor), 0
            starting += time.perf_counter() - begun
            started += 1
    conductor.journal.close()
    plain = _plain(folder / "plain.jsonl", reports)
    print(
        f"{running:,} trials at a time: {reports / recording:,.0f} epochs recorded a second; a JSON line with its "
        f"fsync alone {plain:,.0f}; a new trial takes {starting / max(1, started) * 1000:.1f} ms "
        f"({len(conductor.history.trials):,} in the end)",
        flush=True,
    )
    return reports / recording


def _conductor(folder: Path) -> Conductor:
    asked = replace(find("digits_mlp").experiment, search=Random(), scheduler=ASHA(), num_trials=100_000, epochs=81)
    journal = Journal(LedgerWriter(folder / LEDGER), [])
    opened = SweepOpened(
        schema=SCHEMA,
        name="bench",
        question="",
        source={"kind": "python", "name": "bench"},
        overrides={},
        asks=asked.asks(),
        versions={},
        at=time.time(),
    )
    journal.write(opened, DriverStarted(driver=1, host="bench", pid=os.getpid(), at=time.time()))
    return Conductor(asked, journal, folder)


def _taken(conductor: Conductor) -> Segment:
    segment = conductor.next_segment()
    if isinstance(segment, str):
        raise TypeError("there are more trials than the benchmark asks for")
    return segment


def _results() -> Iterator[dict[str, Any]]:
    """Yield what an image classifier reports: twelve metrics."""
    rng, names = np.random.default_rng(0), [name for name in image_classifier.metrics if name != "val_loss"]
    while True:
        yield {"val_loss": float(rng.random()), **dict(zip(names, rng.random(len(names)).tolist(), strict=True))}


def _plain(path: Path, lines: int) -> float:
    """Return the lines a second of the plain way."""
    results = _results()
    with path.open("wb") as file:
        begun = time.perf_counter()
        for line in range(lines):
            file.write(json.dumps({"trial": line % 64, "epoch": 1, **next(results)}).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return lines / (time.perf_counter() - begun)


def _share(storage: Path) -> float:
    """Return what the ledger takes of a sweep of digits_mlp in one process; print it with what follows from a line."""
    asked = replace(find("digits_mlp").experiment, num_trials=_TRIALS)
    next(iter(image_classifier.epochs({"dataset": "digits", "epochs": 1})))  # imports, and whatever else is done once
    events.load()  # a sweep imports it while Ray starts
    with contextlib.ExitStack() as stack:
        ledger = stack.enter_context(_timed(LedgerWriter, "append"))
        written = stack.enter_context(_timed(Journal, "write"))
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))  # its lines are written, and not shown here
        begun = time.perf_counter()
        sweep = asked.run(storage=storage, name="digits", here=True)
        seconds = time.perf_counter() - begun
    epochs = sum(trial.epochs for trial in sweep.trials)
    print(
        f"digits_mlp, {_TRIALS} trials, one at a time: {seconds:.1f} s, {epochs} epochs; ledger {ledger[0]:.2f} s, "
        f"with folding, curves, lines and removed checkpoints {written[0]:.2f} s ({written[0] / seconds:.1%})",
        flush=True,
    )
    return ledger[0] / seconds


@contextlib.contextmanager
def _timed(kind: type, name: str) -> Iterator[list[float]]:
    """Give the seconds spent in a method, added up for as long as the context lasts."""
    spent, method = [0.0], getattr(kind, name)

    def timed(*given: Any) -> Any:
        begun = time.perf_counter()
        try:
            return method(*given)
        finally:
            spent[0] += time.perf_counter() - begun

    setattr(kind, name, timed)
    try:
        yield spent
    finally:
        setattr(kind, name, method)
