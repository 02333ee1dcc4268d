"""One callback of Ray Tune's and how it is told what happens: whatever it raises is said, and never ends a sweep."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from experiments._sweep.elsewhere.trial import PAUSED, RUNNING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from experiments._sweep.elsewhere.trial import SweepFacts, ToldTrial

FAILURES = 10
"""After so many failures in a row a callback is left out."""


class Listener:
    """Any callback: it is told every trial that starts from now on, and of others what is new."""

    def __init__(self, callback: Any, say: Callable[[str], None]) -> None:
        """Wraps `callback`; `say` takes a sentence for whoever watches."""
        self.callback = callback
        self.name = type(callback).__name__
        self.given_up = False
        self.say = say
        self._failures = 0
        self._failed: set[str] = set()
        self._results = 0
        self.known: dict[int, int] = {}
        """Trial to its last epoch that is known there."""
        self.begun: set[int] = set()
        self.trials: list[ToldTrial] = []

    def attempt(self, doing: str, call: Callable[..., Any], *args: Any, needed: bool = False, **given: Any) -> None:
        """Calls a method of the callback, unless it was given up; `needed`: it is given up where that fails."""
        if self.given_up:
            return
        try:
            call(*args, **given)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a tracker that fails must not harm the sweep
            self._failures += 1
            what = f"failed while {doing} ({type(error).__name__}: {str(error).strip().partition(chr(10))[0][:300]})"
            if needed or self._failures == FAILURES:
                self.given_up = True
                often = "" if needed else f", {FAILURES} times in a row"
                self.say(f"{self.name} {what}{often}: it is left out; the ledger has everything")
            elif doing not in self._failed:
                self._failed.add(doing)
                self.say(f"{self.name} {what}: the sweep goes on, and there may be something missing there")
        else:
            self._failures = 0

    # What happens, in this order; the observer's thread calls these

    def begin(self, sweep: SweepFacts, trials: Mapping[int, ToldTrial], past: Mapping[int, Sequence[Any]]) -> None:
        """A driver begins; `past` has the results of the trials that the ledger knew before."""
        asked = {"stop": None, "num_samples": sweep.num_trials, "total_num_samples": sweep.num_trials}
        given = asked if inspect.signature(self.callback.setup).parameters else {}
        self.attempt("being set up", self.callback.setup, needed=True, **given)
        self.attempt("looking for earlier runs", self.look_back, trials, past)

    def look_back(self, trials: Mapping[int, ToldTrial], past: Mapping[int, Sequence[Any]]) -> None:
        """Finds out until which epoch trials of an earlier driver are known there: all of their epochs are."""
        self.known = {number: len(past[number]) for number in trials}

    def start(self, trial: ToldTrial, past: Sequence[dict[str, Any]] = ()) -> None:
        """A trial begins to train, or goes on; once for each driver."""
        if trial.number in self.begun:
            return
        self.begun.add(trial.number)
        trial.status = RUNNING
        self.trials.append(trial)
        trial.init_local_path()
        self.attempt("starting a trial", self.callback.on_trial_start, self._results, self.trials, trial)
        for result in past:
            self.report(trial, result)

    def report(self, trial: ToldTrial, result: dict[str, Any]) -> None:
        """An epoch; one that it knows is left out."""
        if result["training_iteration"] <= self.known.get(trial.number, 0):
            return
        self.known[trial.number] = result["training_iteration"]
        self._results += 1
        told = {**result}  # callbacks change what they get
        call = self.callback.on_trial_result
        self.attempt("logging a result", call, self._results, self.trials, trial, told)

    def end(self, trial: ToldTrial, *, failed: bool) -> None:
        """A trial has ended for good."""
        call = self.callback.on_trial_error if failed else self.callback.on_trial_complete
        self.attempt("ending a trial", call, self._results, self.trials, trial)
        self.trials.remove(trial)

    def leave(self, trial: ToldTrial) -> None:
        """The driver ends before the trial: a logger closes what it has open; other callbacks are told nothing."""
        trial.status = PAUSED
        close = getattr(self.callback, "log_trial_end", None)
        if close is not None:
            self.attempt("closing a trial", close, trial, failed=False)

    def finish(self, *, hasty: bool) -> None:
        """The driver ends; `hasty`: somebody waits for that."""
        for trial in list(self.trials):
            self.leave(trial)
        self.attempt("ending", self.callback.on_experiment_end, self.trials)
