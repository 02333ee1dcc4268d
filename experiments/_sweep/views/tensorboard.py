"""TensorBoard's files: one run folder per trial, the epoch as step. A picture of the ledger, made anew from it.

Written with TensorBoard's own writer: tensorboardX imports torch where there is one, half a gigabyte of the driver's
memory. A driver that resumes a sweep writes the curves of all trials again, so that nothing is missing or doubled after
a crash.
"""

from __future__ import annotations

import importlib
import math
import shutil
import threading
import time
from typing import TYPE_CHECKING, Any

from experiments._sweep.ledger.records import DriverStarted, EpochReported, TrialEnded
from experiments._sweep.views.words import clean

if TYPE_CHECKING:
    from pathlib import Path

    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.records import Entry

FOLDER = "tensorboard"
WRITER = "tensorboard.summary.writer.event_file_writer"


class Curves:
    """An observer that writes the scalars of each trial."""

    def __init__(self, sweep: Path) -> None:
        self._folder = sweep / FOLDER
        # While Ray starts: importing it takes half a second, which the first epoch must not wait for.
        self._import = threading.Thread(target=importlib.import_module, args=(WRITER,), daemon=True)
        self._import.start()
        self._writers: dict[int, Any] = {}

    def saw(self, entry: Entry, history: History) -> None:
        """Writes an epoch; closes a trial's file when it has ended."""
        record = entry.record
        if isinstance(record, DriverStarted):
            self.redraw(history)
        elif isinstance(record, EpochReported):
            self._write(record, time.time())
            if record.ending:
                self._close(record.trial)
        elif isinstance(record, TrialEnded):
            self._close(record.trial)

    def noted(self, text: str, history: History) -> None:
        """Nothing: it is no curve."""

    def tick(self, history: History) -> None:
        """Nothing: each file is flushed by its own writer within a few seconds."""

    def close(self, history: History) -> None:
        """Closes all files."""
        for trial in list(self._writers):
            self._close(trial)

    def redraw(self, history: History) -> None:
        """Writes the curves of all trials anew."""
        self.close(history)
        shutil.rmtree(self._folder, ignore_errors=True)
        began = {driver.driver: driver.at for driver in history.drivers}
        for trial in history.trials.values():
            drivers = {segment.number: segment.driver for segment in trial.segments}
            for epoch in trial.epochs:
                self._write(epoch, began[drivers[epoch.segment]] + epoch.t)
            self._close(trial.number)

    def _write(self, record: EpochReported, at: float) -> None:
        self._import.join()  # two threads must not import a package with cycles at the same time
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [
            Summary.Value(tag=clean(name), simple_value=float(value))
            for name, value in record.metrics.items()
            if isinstance(value, (int, float)) and math.isfinite(value) and name != "epoch"
        ]
        self._writer(record.trial).add_event(Event(wall_time=at, step=record.epoch, summary=Summary(value=values)))

    def _writer(self, trial: int) -> Any:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        if trial not in self._writers:
            self._writers[trial] = EventFileWriter(str(self._folder / f"{trial:04d}"), flush_secs=2)
        return self._writers[trial]

    def _close(self, trial: int) -> None:
        writer = self._writers.pop(trial, None)
        if writer is not None:
            writer.close()
