"""What a ledger says: the state of a sweep, folded record by record.

The driver folds what it writes, a reader what it reads: both see the same.
"""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING, Any

from experiments._sweep.ledger.records import (
    SUCCESSES,
    Answered,
    DriverEnded,
    DriverStarted,
    EpochReported,
    SegmentInterrupted,
    SegmentStarted,
    SweepOpened,
    TestMeasured,
    TestSplitUsed,
    TrialEnded,
    TrialProposed,
)
from experiments._sweep.ledger.trial_history import SegmentHistory, TrialHistory, value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from experiments._sweep.ledger.records import Entry, Record

    Place = tuple[tuple[int, float], int]
    """What a trial is ranked by, and its number."""

_NOT_FINAL = frozenset({"running", "held", "interrupted"})


class History:
    """A sweep's state."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        """Folds `entries`, the whole ledger from its first line."""
        self.opened: SweepOpened | None = None
        self.drivers: list[DriverStarted] = []
        self.end: DriverEnded | None = None
        """How the newest driver let go, None while it has not."""
        self.trials: dict[int, TrialHistory] = {}
        self._open: dict[int, TrialHistory] = {}
        """Those that have not ended; a long sweep asks for them again and again."""
        self.losses: dict[int, dict[int, float]] = {}
        """Epoch to trial to its finite loss there."""
        self._ranking: list[Place] = []
        """The places of those who are able, the best first; kept up, for limits ask for the best at each epoch."""
        self._places: dict[int, Place] = {}
        """Trial to its place there."""
        self._endings: list[int] = []
        """The counters of the lines that ended trials."""
        self.turns: list[int] = []
        """A trial's number once when it came and once when it ended, in the order of the ledger."""
        self.looks: list[TestSplitUsed] = []
        """How often the test split was used to judge this sweep's trials."""
        self.tests: dict[int, TestMeasured] = {}
        """In a confirmation: trial to what it scored on the test split."""
        self.answer: dict[str, Any] | None = None
        """In a confirmation or a replay: what it has found."""
        self.t = 0.0
        """Seconds since the newest driver started, as of the newest record."""
        self._before_s = 0.0
        self.began_s: dict[int, float] = {}
        """Driver to how long those before it were at work, all together."""
        for entry in entries:
            self.apply(entry)

    @property
    def sweep(self) -> SweepOpened:
        """The first line."""
        if self.opened is None:
            raise ValueError("the ledger is empty: the sweep was cut before its first line")
        return self.opened

    @property
    def driver(self) -> int:
        """Number of the newest driver, 0 where there is none."""
        return self.drivers[-1].driver if self.drivers else 0

    @property
    def seconds(self) -> float:
        """How long all its drivers were at work."""
        return self._before_s + self.t

    @property
    def asks(self) -> dict[str, Any]:
        """What the sweep asks now: as it began, or as a resumed sweep was changed to."""
        return self._newest("asks") or self.sweep.asks

    def asks_of(self, driver: int) -> dict[str, Any]:
        """What it asked while that driver was at work."""
        then = [each.asks for each in self.drivers if each.driver <= driver and each.asks]
        return then[-1] if then else self.sweep.asks

    @property
    def overrides(self) -> dict[str, Any]:
        """What the command line changes of the experiment's file."""
        changed = [each.overrides for each in self.drivers if each.overrides is not None]
        return changed[-1] if changed else self.sweep.overrides

    @property
    def versions(self) -> dict[str, str]:
        """What it ran with last."""
        return self._newest("versions") or self.sweep.versions

    @property
    def code(self) -> dict[str, str] | None:
        """What its trainable was made of last; None where nothing is known of it."""
        return self._newest("code") or self.sweep.code

    @property
    def limits(self) -> dict[str, Any]:
        """The limits that replace those it began with."""
        return self._newest("limits") or {}

    @property
    def settings(self) -> dict[str, Any]:
        """What its newest driver was told."""
        return self.drivers[-1].settings or {} if self.drivers else {}

    def _newest(self, field: str) -> Any:
        return next((given for driver in reversed(self.drivers) if (given := getattr(driver, field))), None)

    def in_state(self, *states: str) -> Iterator[TrialHistory]:
        """The trials in one of the states, by number."""
        among = self._open if _NOT_FINAL.issuperset(states) else self.trials
        return iter([trial for trial in among.values() if trial.state in states])

    @property
    def last_counts(self) -> bool:
        """Whether the last value of a trial stands for it: an estimate from all its epochs, such as folds."""
        return bool(self.sweep.asks.get("counts") == "last")

    @property
    def ranked(self) -> list[TrialHistory]:
        """Those who are able, the best first; the lower number where two are equal.

        Where the last value counts, those that got further come first: an estimate from more folds says more.
        """
        return [*self.by_rank()]

    def by_rank(self) -> Iterator[TrialHistory]:
        """Those of `ranked`, one after the other."""
        return (self.trials[number] for _, number in self._ranking)

    @property
    def best(self) -> TrialHistory | None:
        """The first of `ranked`."""
        return next(self.by_rank(), None)

    def ended_since(self, counter: int) -> int:
        """How many trials have ended after a line of the ledger."""
        return len(self._endings) - bisect.bisect_right(self._endings, counter)

    def standing(self, trial: TrialHistory) -> tuple[int, float]:
        """What a trial that has a value is ranked by: lower is better, and the same where two are equal."""
        value = trial.value or 0.0
        return -(trial.epoch or 0) if trial.last_counts else 0, value if trial.mode == "min" else -value

    def apply(self, entry: Entry) -> None:
        """Folds one entry in."""
        record = entry.record
        match record:
            case SweepOpened():
                self.opened = record
            case DriverStarted():
                self._driver_started(record)
            case TrialProposed():
                self.turns.append(record.trial)
                self.trials[record.trial] = self._open[record.trial] = TrialHistory(
                    number=record.trial,
                    config=record.config,
                    origin=record.origin,
                    made_at=record.made_at,
                    bracket=record.bracket,
                    details=record.details,
                    metric=self.sweep.asks["metric"],
                    mode=self.sweep.asks["mode"],
                    last_counts=self.last_counts,
                )
            case SegmentStarted():
                trial = self.trials[record.trial]
                trial.state = "running"
                segment = SegmentHistory(
                    number=record.segment, driver=self.driver, started=record.t, ended=record.t, rung=record.rung
                )
                trial.segments.append(segment)
            case EpochReported():
                self._epoch_reported(record, entry.n)
            case SegmentInterrupted():
                trial = self.trials[record.trial]
                trial.state = "interrupted"
                segment = trial.segments[-1]
                segment.ended, segment.cause, segment.why = record.t, record.cause, record.why
            case TrialEnded():
                trial = self.trials[record.trial]
                if trial.state == "running":  # one that was held, or is lost, has not trained until now
                    trial.segments[-1].ended = record.t
                trial.traceback, trial.stopped_at = record.traceback, record.rung
                self._ended(trial, record.ending, record.why, entry.n)
            case DriverEnded():
                self.end = record
            case _:
                self._found(record)
        self.t = getattr(record, "t", self.t)

    def _found(self, record: Record) -> None:
        """What was measured after the trials; it changes none of them."""
        match record:
            case TestSplitUsed():
                self.looks.append(record)
            case TestMeasured():
                self.tests[record.trial] = record
            case Answered():
                self.answer = record.answer

    def driver_lost(self) -> None:
        """What runs is interrupted: its driver is gone, or another one takes over."""
        for trial in self.in_state("running"):
            trial.state = "interrupted"
            trial.segments[-1].cause, trial.segments[-1].why = "driver", "the driver was lost"

    def _driver_started(self, record: DriverStarted) -> None:
        self.driver_lost()
        self.drivers.append(record)
        self._before_s = self.began_s[record.driver] = self.seconds
        self.end, self.t = None, 0.0

    def _epoch_reported(self, record: EpochReported, n: int) -> None:
        trial = self.trials[record.trial]
        trial.epochs.append(record)
        segment = trial.segments[-1]
        segment.ended = record.t
        segment.first_epoch = segment.first_epoch or record.epoch
        segment.worker = segment.worker or record.worker
        value = value_of(record.metrics, trial.metric)
        if value is not None:
            loss = trial.losses[record.epoch] = value if trial.mode == "min" else -value
            self.losses.setdefault(record.epoch, {})[record.trial] = loss
            if trial.better(value):
                trial.value, trial.epoch, trial.value_at = value, record.epoch, n
                self._rank(trial)
        if record.ending:
            self._ended(trial, record.ending, record.why, n)
        elif record.action == "hold":
            trial.state = "held"

    def _ended(self, trial: TrialHistory, ending: str, why: str, n: int) -> None:
        trial.state, trial.why, trial.ended_at = ending, why, n
        self._open.pop(trial.number, None)
        self._endings.append(n)
        self.turns.append(trial.number)
        self._rank(trial)

    def _rank(self, trial: TrialHistory) -> None:
        """Gives the trial its place among those who have a value and did not fail."""
        before = self._places.pop(trial.number, None)
        if before is not None:
            del self._ranking[bisect.bisect_left(self._ranking, before)]
        if trial.value is not None and (trial.state in SUCCESSES or not trial.ended):
            self._places[trial.number] = self.standing(trial), trial.number
            bisect.insort(self._ranking, self._places[trial.number])
