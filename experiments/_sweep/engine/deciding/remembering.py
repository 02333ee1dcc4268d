"""Gives Ray Tune's own searchers and schedulers back what a lost driver's copies of them knew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments._sweep.engine.deciding.observing import Observed
from experiments._sweep.foreign import ForeignScheduler, ForeignSearcher, adapted
from experiments._sweep.ledger.history import History
from experiments._sweep.ledger.records import EpochReported, SegmentInterrupted, TrialEnded, TrialProposed
from experiments._sweep.ledger.trial_history import value_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments._sweep.engine.journal import Journal
    from experiments._sweep.experiment import Experiment
    from experiments._sweep.ledger.records import Entry
    from experiments._sweep.ledger.trial_history import TrialHistory


def remembering(experiment: Experiment, journal: Journal) -> Experiment:
    """The experiment with Ray's objects in adapters of this driver's own, which know what the ledger says.

    The experiment is as it is where the searcher and the scheduler are ours. The ledger is told line by line, as it
    came about: an object that is a function of what it is told is as it was.
    """
    experiment = adapted(experiment)
    search, scheduler = experiment.search, experiment.scheduler
    if isinstance(search, ForeignSearcher):
        journal.note(search.caveat)
        _tell_searcher(search, experiment, journal.found)
    if isinstance(scheduler, ForeignScheduler):
        if scheduler.caveat:
            journal.note(scheduler.caveat)
        _tell_scheduler(scheduler, experiment, journal.found)
        scheduler.seconds_of = lambda number: _seconds(journal.history.trials[number], journal.t)
    return experiment


def _tell_searcher(search: ForeignSearcher, experiment: Experiment, entries: Sequence[Entry]) -> None:
    """Asks for each trial's configuration again, with what was known when it was proposed."""
    proposals = {made.made_at: made for entry in entries if isinstance(made := entry.record, TrialProposed)}
    history, space = History(), experiment.searched
    observed = Observed(history)
    for entry in entries:
        proposed = proposals.get(entry.n)
        if proposed is not None and proposed.trial >= len(experiment.start_points):
            known = list(observed.trials().values())
            again = search.propose(space, known, trial=proposed.trial, seed=experiment.seed)
            if again is None or space.values_of(again.config) != space.values_of(proposed.config):
                search.disown(proposed.trial)
        history.apply(entry)


def _tell_scheduler(scheduler: ForeignScheduler, experiment: Experiment, entries: Sequence[Entry]) -> None:
    """Asks for each decision again; what was recorded stays."""
    history, now = History(), 0.0
    observed = Observed(history)
    scheduler.seconds_of = lambda number: _seconds(history.trials[number], now)
    for entry in entries:
        record, now = entry.record, getattr(entry.record, "t", 0.0)
        if isinstance(record, EpochReported):
            trial = history.trials[record.trial]
            value = value_of(record.metrics, experiment.metric)
            if value is not None and record.epoch < experiment.budget(trial.config):
                decision = scheduler.decide(
                    observed.trials(),
                    trial=record.trial,
                    epoch=record.epoch,
                    loss=value if experiment.mode == "min" else -value,
                    epochs=experiment.epochs,
                )
                if decision.action != record.action:
                    scheduler.correct(record.trial, record.action)  # type: ignore[arg-type]
        history.apply(entry)
        if isinstance(record, EpochReported | TrialEnded | SegmentInterrupted):
            scheduler.follow(observed.trials())


def _seconds(trial: TrialHistory, now: float) -> float:
    """Training time until now, `now` in seconds since the driver started."""
    if trial.state != "running":
        return trial.seconds
    earlier = sum(segment.seconds for segment in trial.segments[:-1])
    return earlier + max(0.0, now - trial.segments[-1].started)
