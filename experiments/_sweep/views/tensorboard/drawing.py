"""The runs of a sweep, trial by trial, from the ledger's records: as a driver writes them, or all of them anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments._sweep.ledger.records import SUCCESSES
from experiments._sweep.ledger.trial_history import value_of
from experiments._sweep.views.tensorboard import events
from experiments._sweep.views.tensorboard.columns import ENDING, SWEEP, Columns, endings
from experiments._sweep.views.tensorboard.files import ROOT, Runs, run_of
from experiments._sweep.views.tensorboard.measures import curve, measures_of
from experiments._sweep.views.words import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from experiments._sweep.ledger.records import EpochReported
    from experiments._sweep.views.tensorboard.columns import Column
    from experiments._sweep.views.tensorboard.snapshots import Snapshot

_KEPT = 256
"""Events that are written together at most; so many are in memory."""


@dataclass
class _Drawn:
    """What stands in a trial's run, and what the next epoch needs of it."""

    epochs: int = 0
    ended: bool = False
    value: float | None = None
    epoch: int | None = None
    metrics: Mapping[str, Any] | None = None
    """Those of the epoch that stands for it."""
    before: float = 0.0
    """Seconds of its earlier segments."""
    segment: tuple[int, float] = (0, 0.0)
    """Number and start of its newest segment."""
    seconds: float = 0.0


class Drawing:
    """Draws the runs of one sweep into a folder."""

    def __init__(
        self,
        runs: Runs,
        name: str,
        now: Snapshot,
        described: Mapping[str, str],
        *,
        shared: Sequence[Column] | None = None,
    ) -> None:
        """Draws nothing yet.

        Args:
            runs: The folder.
            name: The sweep's.
            now: What there is to draw.
            described: Metric to what it means, as far as it is known.
            shared: Where sweeps are shown together, the columns that they have in common: somebody else says what
                they are.
        """
        self._runs, self._name, self._now = runs, name, now
        self._measures = measures_of(now.asks, described)
        self._columns = Columns(now.asks, [trial.config for trial in now.trials])
        self._together = shared is not None
        if shared is not None:
            self._columns.shared(shared)
        self._trials: dict[int, _Drawn] = {}
        self._parts: dict[str, bytes] = {}
        self._kept = 0
        self._best: float | None = None
        self._ended = 0
        self._schema_due = shared is None

    def anew(self) -> None:
        """Puts what there is in the place of all that the folder had.

        Raises:
            OSError: It cannot be written.
        """
        self._runs.begin()
        try:
            if self._schema_due:
                self._open(reported_by(self._now))
            self.catch_up(self._now)
            self._runs.settle()
        except OSError:
            self._runs.give_up()
            raise

    def catch_up(self, now: Snapshot) -> None:
        """Draws what is new.

        A trial's ending is a cell of the HParams tab where it is known before the trial's first event: cells can be
        given only once.

        Raises:
            OSError: It cannot be written.
        """
        endings_known = now.endings
        for trial in sorted(now.trials, key=lambda trial: trial.until):
            starts = {number: (began, started) for number, began, started in trial.segments}
            if trial.number not in self._trials:
                began, started = starts[min(starts)] if starts else (trial.until, 0.0)
                self.started(trial.number, trial.config, began + started, endings_known.get(trial.number))
            drawn = self._trials[trial.number]
            for record in trial.epochs[drawn.epochs :]:
                began, started = starts[record.segment]
                self.segment(trial.number, record.segment, started)
                self.epoch(record, began + record.t)
            if trial.ended and not drawn.ended:
                self.ended(trial.number, trial.state, trial.until)
        self.flush()

    def started(self, number: int, config: Mapping[str, Any], at: float, ending: str | None = None) -> None:
        """A trial begins."""
        if number in self._trials:
            return
        self._trials[number] = _Drawn()
        cells = {SWEEP: self._name} | ({ENDING: clean(ending)} if ending else {}) | self._columns.of(config)
        # Of a long title the tab shows the beginning: the number is what tells trials apart.
        title = f"{run_of(number)} {self._name}" if self._together else ""
        self._add(run_of(number), events.session_started(cells, at, title))

    def segment(self, number: int, segment: int, started: float) -> None:
        """A stretch of a trial's training begins, that many seconds after its driver."""
        drawn = self._trials[number]
        if drawn.segment[0] != segment:
            drawn.before, drawn.segment = drawn.seconds, (segment, started)

    def epoch(self, record: EpochReported, at: float) -> None:
        """A result; and the trial's standing with it."""
        drawn = self._trials[record.trial]
        drawn.epochs = record.epoch
        drawn.seconds = drawn.before + max(0.0, record.t - drawn.segment[1])
        value = value_of(record.metrics, self._measures.metric)
        if value is not None and (
            self._measures.last_counts or drawn.value is None or self._better(value, drawn.value)
        ):
            drawn.value, drawn.epoch, drawn.metrics = value, record.epoch, record.metrics
        standing = self._measures.standing(
            drawn.metrics, drawn.epoch, epochs=record.epoch, seconds=round(drawn.seconds, 3)
        )
        if self._schema_due:
            self._open(record.metrics)
        self._add(run_of(record.trial), events.scalars(curve(record.metrics) | standing, record.epoch, at))

    def ended(self, number: int, ending: str, at: float) -> None:
        """A trial has ended for good; what the sweep has reached is drawn in the run above all of them."""
        drawn = self._trials[number]
        drawn.ended = True
        self._ended += 1
        success = ending in SUCCESSES
        self._add(run_of(number), events.session_ended(success=success, at=at))
        counts = success and not (self._measures.last_counts and ending != "completed")
        if counts and drawn.value is not None and (self._best is None or self._better(drawn.value, self._best)):
            self._best = drawn.value
        if self._best is not None:
            title = self._measures.objective.title.replace(" ", "_")
            self._add(ROOT, events.scalars({f"sweep/{title}": self._best}, self._ended, at))

    def flush(self) -> None:
        """Writes what was drawn.

        Raises:
            OSError: It cannot be written.
        """
        parts, self._parts, self._kept = self._parts, {}, 0
        if parts:
            self._runs.add(parts, events.beginning(self._now.at))

    def _open(self, reported: Iterable[str]) -> None:
        """Says what the columns are, once it is known what trials report: it can be said only once."""
        names = [*dict.fromkeys([*self._measures.described, *reported])]
        if not names and not self._now.settled:
            return
        self._schema_due = False
        ended = self._now.endings.values()
        columns = [*([endings(ended)] if ended else []), *self._columns.columns]
        measures = self._measures.shown(names)
        self._add(
            ROOT, events.schema(columns, measures, name=self._name, question=clean(self._now.question), at=self._now.at)
        )

    def _better(self, value: float, than: float) -> bool:
        return value < than if self._measures.mode == "min" else value > than

    def _add(self, run: str, event: bytes) -> None:
        self._parts[run] = self._parts.get(run, b"") + event
        self._kept += 1
        if self._kept >= _KEPT:
            self.flush()


def reported_by(now: Snapshot) -> list[str]:
    """What the first of a sweep's trials have reported."""
    return [name for trial in now.trials[:_KEPT] if trial.epochs for name in trial.epochs[-1].metrics]
