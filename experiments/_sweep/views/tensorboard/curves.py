"""The observer that draws a sweep's runs while it goes on, in a thread of its own: the driver only hands over."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from experiments._sweep.ledger.records import DriverStarted, EpochReported, SegmentStarted, TrialEnded
from experiments._sweep.views.tensorboard import events
from experiments._sweep.views.tensorboard.drawing import Drawing
from experiments._sweep.views.tensorboard.files import FOLDER, Runs, stamp
from experiments._sweep.views.tensorboard.snapshots import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.records import Entry

_CLOSE_S = 10.0
"""How long a driver that ends waits for what is not written yet; `sweep board` draws again what was cut."""
_REDRAWN = 10_000
"""Epochs up to which a sweep that has ended is drawn once more, so that its endings are a column; about a second."""


class Curves:
    """An observer that writes the scalars of each trial, and what the HParams tab needs."""

    def __init__(self, sweep: Path, described: Mapping[str, str] | None = None) -> None:
        """Begins to import what it needs.

        Args:
            sweep: The sweep's folder.
            described: Metric to what it means, as the trainable says.
        """
        self._folder, self._name = sweep / FOLDER, sweep.name
        self._described = described or {}
        self._drawing: Drawing | None = None
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._fault: BaseException | None = None
        # While Ray starts: importing takes half a second, which the first epoch must not wait for.
        self._thread = threading.Thread(target=self._write, name="tensorboard", daemon=True)
        self._thread.start()

    def saw(self, entry: Entry, history: History) -> None:
        """Hands a record over.

        Raises:
            OSError: What was handed over before could not be written.
        """
        self._check()
        record = entry.record
        match record:
            case DriverStarted():
                self._redraw(history, settled=False)
            case SegmentStarted():
                config, at = history.trials[record.trial].config, self._at(record, history)
                self._work.put(lambda: self._started(record, config, at))
            case EpochReported():
                at = self._at(record, history)
                self._work.put(lambda: self._reported(record, at))
            case TrialEnded():
                config, at = history.trials[record.trial].config, self._at(record, history)
                self._work.put(lambda: self._ended(record, config, at))

    def noted(self, text: str, history: History) -> None:
        """Nothing: it is no curve."""

    def tick(self, history: History) -> None:
        """Nothing: what is handed over is written at once."""

    def close(self, history: History) -> None:
        """Waits until all is written.

        Raises:
            OSError: It could not be written.
        """
        if self._is_settled(history):
            self._redraw(history, settled=True)
        self._work.put(None)
        self._thread.join(_CLOSE_S)
        self._check()

    def redraw(self, history: History) -> None:
        """Draws all trials anew and waits until that is done.

        Raises:
            OSError: They cannot be written.
        """
        self._check()
        done = threading.Event()
        self._redraw(history, settled=True)
        self._work.put(done.set)
        while not done.wait(0.05) and self._thread.is_alive():
            continue
        self._check()

    def _check(self) -> None:
        if self._fault is not None:
            raise self._fault

    def _is_settled(self, history: History) -> bool:
        """Whether the sweep has come to its end, and is not too long to be drawn once more."""
        if history.end is None or history.end.reason in ("interrupted", "fault") or self._fault is not None:
            return False
        return sum(len(trial.epochs) for trial in history.trials.values()) <= _REDRAWN

    def _redraw(self, history: History, *, settled: bool) -> None:
        now = snapshot(history, settled=settled)

        def drawn() -> None:
            self._drawing = drawing = Drawing(Runs(self._folder), self._name, now, self._described)
            drawing.anew()
            if settled:
                stamp(self._folder, now.counts)

        self._work.put(drawn)

    def _at(self, record: Any, history: History) -> float:
        return history.drivers[-1].at + float(record.t)

    def _started(self, record: SegmentStarted, config: Mapping[str, Any], at: float) -> None:
        if self._drawing is not None:
            self._drawing.started(record.trial, config, at)
            self._drawing.segment(record.trial, record.segment, record.t)

    def _reported(self, record: EpochReported, at: float) -> None:
        if self._drawing is not None:
            self._drawing.epoch(record, at)
            if record.ending:
                self._drawing.ended(record.trial, record.ending, at)

    def _ended(self, record: TrialEnded, config: Mapping[str, Any], at: float) -> None:
        if self._drawing is not None:
            self._drawing.started(record.trial, config, at)  # one that was ended before it began
            self._drawing.ended(record.trial, record.ending, at)

    def _write(self) -> None:
        """What the thread does: all that is handed over, written whenever nothing more waits."""
        try:
            events.load()
            while (piece := self._work.get()) is not None:
                piece()
                if self._drawing is not None and self._work.empty():
                    self._drawing.flush()
            if self._drawing is not None:
                self._drawing.flush()
        except BaseException as error:  # noqa: BLE001 - it is raised where the driver hands over, and the view is left out
            self._fault = error
