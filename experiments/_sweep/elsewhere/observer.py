"""The observer that tells callbacks of Ray Tune's what the ledger says, in a thread of its own.

A tracker may be slow, or gone: neither may hold up a decision, so the driver only puts what happened into a queue.
"""

from __future__ import annotations

import dataclasses
import hashlib
import queue
import threading
import time
from typing import TYPE_CHECKING, Any

from experiments._sweep.checks.callbacks import callback_settings, is_callback
from experiments._sweep.elsewhere.trackers import NEEDS_RAY, kind_of, listener_of
from experiments._sweep.elsewhere.trial import SweepFacts, ToldTrial
from experiments._sweep.ledger.records import (
    LIMIT_REASONS,
    DriverStarted,
    EpochReported,
    SegmentStarted,
    TrialEnded,
)
from experiments._sweep.redaction import Redactor, Secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from experiments._sweep.elsewhere.listener import Listener
    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.records import Entry
    from experiments._sweep.ledger.trial_history import TrialHistory

LONGEST_S = 600
"""How long a driver waits at its end until all is told."""
HASTY_S = 6
"""The same, where somebody waits for the driver."""
SAY_AFTER_S = 3


class Elsewhere:
    """Tells callbacks; an observer of the ledger."""

    def __init__(
        self,
        given: Sequence[Any],
        say: Callable[[str], None],
        hurried: Callable[[], bool],
        *,
        folder: Path,
        experiment: str,
        here: bool,
    ) -> None:
        """Tells `given`: callbacks, or functions that make them.

        Args:
            given: As in `Experiment.callbacks`.
            say: Takes a sentence for whoever watches.
            hurried: Whether somebody waits for the driver to end.
            folder: The sweep's.
            experiment: The experiment's name.
            here: Whether the sweep runs without Ray.
        """
        self._say, self._hurried, self._folder, self._experiment = say, hurried, folder, experiment
        self._unsaid: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        made = self._made(given, here=here)
        self._redactor = Redactor(Secrets.of(callback_settings(made)))
        self._listeners = [self._listener(each) for each in made]
        self._names = ", ".join(each.name for each in self._listeners)
        self._trials: dict[int, ToldTrial] = {}
        self._sweep: SweepFacts | None = None
        self._thread = threading.Thread(target=self._run, name="callbacks", daemon=True)
        self._over = not self._listeners

    def _made(self, given: Sequence[Any], *, here: bool) -> list[Any]:
        """The callbacks; a function that fails, or one that needs a Ray that is not there, is said and left out."""
        made = []
        for each in given:
            try:
                callback = each if is_callback(each) else each()
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a missing library must not end a sweep
                self._unsaid.put(f"a callback could not be made ({type(error).__name__}: {error}); it is left out")
                continue
            if here and kind_of(callback) in NEEDS_RAY:
                name = type(callback).__name__
                self._unsaid.put(f"{name} is left out: it logs from processes of Ray's, and --here is without Ray")
                continue
            made.append(callback)
        return made

    def _listener(self, callback: Any) -> Listener:
        return listener_of(callback, self._unsaid.put)

    # What the driver calls

    def saw(self, entry: Entry, history: History) -> None:
        """Puts what a record says into the queue."""
        record = entry.record
        if self._over:
            return
        if isinstance(record, DriverStarted):
            self._sweep = self._facts(history)
            known = [_kept(trial) for trial in history.trials.values()]
            self._events.put((self._begin, known))
        elif isinstance(record, SegmentStarted):
            self._events.put((self._start, _kept(history.trials[record.trial])))
            self._set_going()
        elif isinstance(record, EpochReported):
            began = history.trials[record.trial].segments[-1].started
            self._events.put((self._report, record, began))
        if isinstance(record, EpochReported | TrialEnded) and record.ending:
            self._events.put((self._end, record.trial, record.ending, record.why))
            self._set_going()

    def _set_going(self) -> None:
        """Not before Ray is there: a callback that asks Ray for anything would start one of its own."""
        if self._thread.ident is None:
            self._thread.start()

    def noted(self, text: str, history: History) -> None:
        """Nothing: it is no result."""

    def tick(self, history: History) -> None:
        """Says what the thread has to say; views are not to be called from there."""
        while not self._unsaid.empty():
            self._say(self._redactor.text(self._unsaid.get()))

    def close(self, history: History) -> None:
        """The driver ends; somebody waits for that, where it was cut short."""
        waited_for = history.end is None or history.end.reason not in ("finished", *LIMIT_REASONS)
        self.finish(history, hasty=lambda: waited_for or self._hurried())

    def finish(self, history: History, *, hasty: Callable[[], bool]) -> None:
        """Waits until all is told: while Ray is there, for some callbacks need it; a second call does nothing."""
        if not self._over and self._thread.is_alive():
            self._over = True
            self._events.put((self._finish, hasty))
            self._wait(history, hasty)
        self._over = True
        self.tick(history)

    def _wait(self, history: History, hasty: Callable[[], bool]) -> None:
        began, hurried_since, said = time.monotonic(), None, False
        while self._thread.is_alive():
            self._thread.join(0.05)
            now = time.monotonic()
            self.tick(history)
            if hasty():
                hurried_since = hurried_since or now
            late = hurried_since is not None and now - hurried_since > HASTY_S
            if late or now - began > LONGEST_S:
                for each in self._listeners:  # what it would still be told may ask for a Ray that is gone by then
                    each.given_up = True
                self._say(f"{self._names} had not everything when the driver ended")
                return
            if not said and now - began > SAY_AFTER_S:
                said = True
                self._say(f"waiting until {self._names} has everything (Ctrl+C ends that)")

    def _facts(self, history: History) -> SweepFacts:
        opened = history.sweep
        return SweepFacts(
            folder=self._folder,
            name=opened.name,
            experiment=self._experiment,
            identity=hashlib.sha256(f"{opened.name} {opened.at!r}".encode("utf-8", "replace")).hexdigest()[:10],
            trainable=str(history.asks["trainable"]),
            metric=history.asks["metric"],
            mode=history.asks["mode"],
            last_counts=history.last_counts,
            num_trials=history.asks["num_trials"],
        )

    # What the thread does

    def _run(self) -> None:
        while True:
            call, *given = self._events.get()
            try:
                call(*given)
            except Exception as error:  # noqa: BLE001 - said; a fault of ours ends no sweep either
                self._unsaid.put(f"telling {self._names} failed ({type(error).__name__}: {error})")
            if call == self._finish:
                return

    def _begin(self, known: list[TrialHistory]) -> None:
        assert self._sweep is not None  # noqa: S101 - set before the thread starts
        self._trials = {trial.number: ToldTrial(self._sweep, trial) for trial in known}
        past = {trial.number: self._past(trial) for trial in known}
        for listener in self._listeners:
            listener.begin(self._sweep, self._trials, past)
        self._before = past

    def _past(self, trial: TrialHistory) -> list[dict[str, Any]]:
        told = self._trials[trial.number]
        began = {segment.number: segment.started for segment in trial.segments}
        results = [told.result(record, began[record.segment]) for record in trial.epochs]
        if trial.ended:
            told.ended(trial.state, trial.why)
        return results

    def _start(self, known: TrialHistory) -> None:
        assert self._sweep is not None  # noqa: S101 - set before the thread starts
        trial = self._trials.setdefault(known.number, ToldTrial(self._sweep, known))
        for listener in self._listeners:
            listener.start(trial, self._before.get(trial.number, ()))

    def _report(self, record: EpochReported, began: float) -> None:
        trial = self._trials[record.trial]
        result = trial.result(record, began)
        for listener in self._listeners:
            listener.report(trial, result)

    def _end(self, number: int, ending: str, why: str) -> None:
        trial = self._trials[number]
        for listener in self._listeners:
            listener.start(trial, self._before.get(number, ()))  # one that was held when this driver began
        failed = trial.ended(ending, why)
        for listener in self._listeners:
            listener.end(trial, failed=failed)

    def _finish(self, hasty: Callable[[], bool]) -> None:
        for listener in self._listeners:
            listener.finish(hasty=hasty())


def _kept(trial: TrialHistory) -> TrialHistory:
    """The trial as it is now: the driver goes on with its own."""
    return dataclasses.replace(trial, epochs=[*trial.epochs], segments=[*trial.segments])
