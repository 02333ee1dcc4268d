"""The brain of a running sweep: which trial goes next, what happens at an epoch, how a trial ended.

It knows nothing of Ray. Every decision is written to the ledger, durably, before it takes effect; everything it
decides from is folded from the ledger, so a resumed sweep goes on as if nothing had happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from experiments._sweep.engine.deciding.assignments import Halt, Reason, Segment
from experiments._sweep.engine.deciding.failures import (
    SAME_EXCEPTION,
    STALLED,
    all_failed_alike,
    all_stalled,
    ran_out_of_memory,
    records_of_loss,
)
from experiments._sweep.engine.deciding.limits import limit_reached
from experiments._sweep.engine.deciding.measurements import read_metrics
from experiments._sweep.engine.deciding.numbering import Numbering
from experiments._sweep.engine.deciding.observing import Observed
from experiments._sweep.engine.deciding.proposer import Proposer
from experiments._sweep.engine.deciding.remembering import remembering
from experiments._sweep.engine.deciding.verdicts import verdict_of, verdict_on
from experiments._sweep.engine.leaving import was_told_to_leave
from experiments._sweep.engine.losses import TOLD_TO_LEAVE
from experiments._sweep.engine.reported import is_there
from experiments._sweep.engine.storage import REMEDY
from experiments._sweep.ledger.records import (
    EpochReported,
    SegmentInterrupted,
    SegmentStarted,
    TrialEnded,
)
from experiments._sweep.store.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from experiments._sweep.engine.deciding.measurements import Measurement
    from experiments._sweep.engine.faults import Fault
    from experiments._sweep.engine.journal import Journal
    from experiments._sweep.engine.losses import Cause
    from experiments._sweep.experiment import Experiment
    from experiments._sweep.ledger.records import TrialProposed
    from experiments._sweep.ledger.trial_history import TrialHistory


class Conductor:
    """Decides for one driver of one sweep."""

    def __init__(
        self,
        experiment: Experiment,
        journal: Journal,
        folder: Path,
        patience_s: float | Callable[[], float] = PATIENCE_S,
    ) -> None:
        """A conductor of the sweep in `folder`, whose ledger `journal` writes.

        `patience_s`: for how long an object store is asked what it has.
        """
        self._patience_s = patience_s
        self.experiment = remembering(experiment, journal)
        self.journal = journal
        self.history = journal.history
        self._folder = folder
        self.halt: Halt | None = None
        self._observed = Observed(self.history)
        self._proposer = Proposer(self.experiment, journal, self._observed)
        self._numbering = Numbering(numbered=hasattr(experiment.trainable, "epochs"))
        self._metric_seen = any(trial.losses for trial in self.history.trials.values())

    @property
    def shortfall(self) -> str:
        """Why there are fewer trials than were asked for, empty where that is not known to be so."""
        return self._proposer.shortfall

    # What goes next

    def next_segment(self) -> Segment | Literal["wait", "done"]:
        """The next stretch of training: interrupted trials first, then promoted ones, then a new one."""
        if self._halting():
            return "done"
        segment = self._interrupted() or self._promoted() or self._new()
        if segment is None and self._proposer.exhausted:  # learned just now: no bracket waits for more trials
            segment = self._promoted()
        if segment is not None:
            return segment
        if any(self.history.in_state("running")):
            return "wait"
        self._release_held()
        return "done"

    def _interrupted(self) -> Segment | None:
        trial = next(self.history.in_state("interrupted"), None)
        return None if trial is None else self._start(trial.number)

    def _promoted(self) -> Segment | None:
        """Ends the held trials that are judged to stop; of those judged to go on, the next stretch of the best."""
        held = {trial.number: len(trial.epochs) for trial in self.history.in_state("held")}
        if not held:
            return None
        fates = self.experiment.scheduler.judge(
            self._observed.trials(), held, epochs=self.experiment.epochs, more_to_come=self._proposer.more_to_come
        )
        going = []
        for trial in [self.history.trials[number] for number in fates if number in held]:
            verdict = verdict_of(self.experiment, fates[trial.number], bracket=trial.bracket)
            if verdict.action == "stop":
                self._end(trial, "stopped", verdict.why, rung=verdict.rung)
            elif verdict.action == "continue":
                going.append((fates[trial.number].rank or 0, trial.number, verdict.rung))
        if not going:
            return None
        _, number, rung = min(going, key=lambda each: each[:2])
        return self._start(number, rung=rung)

    def _new(self) -> Segment | None:
        proposed = self._proposer.next()
        return None if proposed is None else self._start(proposed.trial, proposed)

    def _start(self, number: int, *proposed: TrialProposed, rung: dict[str, Any] | None = None) -> Segment:
        known = self.history.trials.get(number)
        segment = len(known.segments) + 1 if known else 1
        self.journal.write(*proposed, SegmentStarted(trial=number, segment=segment, rung=rung, t=self.journal.t))
        trial = self.history.trials[number]
        reported = (each for each in reversed(trial.epochs) if each.checkpoint)
        newest = next((each for each in reported if self._is_there(each)), None)
        self._numbering.begin(number, newest.epoch if newest else 0)
        return Segment(
            trial=number,
            number=segment,
            config=trial.config,
            epochs_known=len(trial.epochs),
            checkpoint=newest.checkpoint if newest else None,
        )

    def _is_there(self, reported: EpochReported) -> bool:
        return is_there(self._folder, reported.checkpoint or "", self._patience_s)

    def _release_held(self) -> None:
        for trial in list(self.history.in_state("held")):
            self._end(trial, "stopped", f"held at epoch {len(trial.epochs)} when the sweep ended")

    # What happened

    def owns(self, trial: int, segment: int) -> bool:
        """Whether the segment is the one that may report for its trial."""
        known = self.history.trials[trial]
        return known.state == "running" and known.segments[-1].number == segment

    def report(
        self,
        trial: int,
        segment: int,
        reported: Mapping[str, Any],
        checkpoint: str | None = None,
        *,
        worker: str | None = None,
    ) -> bool:
        """Records a result of `worker` (`HOST:PID`) with its decision; whether the trial goes on training."""
        if not self.owns(trial, segment):
            return False
        known = self.history.trials[trial]
        measured = read_metrics(reported, self.experiment.metric)
        epoch, again = self._numbering.epoch_of(known, measured)
        if again:
            return not self._drained(known)
        if measured.fault or epoch != len(known.epochs) + 1:
            told = measured.metrics.get("epoch", epoch)
            gap = f"reported epoch {told!r} after epoch {len(known.epochs)}; epochs are numbered 1, 2, 3 ..."
            self._refuse(known, measured, measured.fault or gap)
            return False
        self._metric_seen = True
        self._record(known, epoch, measured, checkpoint, worker)
        return known.state == "running" and not self._drained(known)

    def _refuse(self, trial: TrialHistory, measured: Measurement, why: str) -> None:
        self._end(trial, "error", why)
        if measured.missing and not self._metric_seen:
            self.stop("failed", f"{why} Correct `metric`, or report it.")

    def _record(
        self, trial: TrialHistory, epoch: int, measured: Measurement, checkpoint: str | None, worker: str | None
    ) -> None:
        verdict = verdict_on(
            self.experiment,
            self._observed.trials(),
            trial=trial.number,
            epoch=epoch,
            value=measured.value,
            budget=self.experiment.budget(trial.config),
        )
        self.journal.write(
            EpochReported(
                trial=trial.number,
                segment=trial.segments[-1].number,
                epoch=epoch,
                metrics=measured.metrics,
                action=verdict.action,
                ending=verdict.ending,
                why=verdict.why,
                rung=verdict.rung,
                checkpoint=checkpoint,
                worker=None if trial.segments[-1].first_epoch else worker,
                t=self.journal.t,
            )
        )

    def returned(self, trial: int, segment: int) -> None:
        """The trainable returned by itself."""
        if not self.owns(trial, segment):
            return
        known = self.history.trials[trial]
        if known.epochs:
            self._end(known, "completed", f"finished by itself after epoch {len(known.epochs)}")
        else:
            self._end(known, "error", f"finished without reporting {self.experiment.metric}")

    def failed(self, trial: int, segment: int, fault: Fault) -> None:
        """The trainable raised."""
        if not self.owns(trial, segment):
            return
        if fault.storage:
            self._interrupt(self.history.trials[trial], "fault", fault.summary)
            self.stop("fault", f"{fault.summary}. {REMEDY}")
            return
        if fault.ending == "out_of_memory" and not ran_out_of_memory(self.history.trials[trial]):
            self._interrupt(self.history.trials[trial], "out_of_memory", fault.summary)
            return
        self._end(self.history.trials[trial], fault.ending, fault.summary, fault.traceback)
        if trial < SAME_EXCEPTION and all_failed_alike(self.history):
            self.stop("failed", f"the first {SAME_EXCEPTION} trials all ended with: {fault.summary}")

    def lost(self, trial: int, segment: int, evidence: str, cause: Cause = "lost") -> None:
        """The trial's process or node died."""
        if not self.owns(trial, segment):
            return
        if cause == "lost" and was_told_to_leave(self._folder, trial, self.history.driver, segment):
            cause, evidence = "preempted", f"{TOLD_TO_LEAVE}; {evidence}"
        self.journal.write(*records_of_loss(self.history.trials[trial], cause, evidence, self.journal.t))

    def stalled(self, trial: int, segment: int, why: str) -> None:
        """The trial fell silent: it has timed out."""
        if not self.owns(trial, segment):
            return
        self._end(self.history.trials[trial], "timed_out", why)
        if trial < STALLED and all_stalled(self.history):
            self.stop("fault", f"the first {STALLED} trials all timed out: {why}. A longer time: --stall-timeout.")

    def _end(
        self, trial: TrialHistory, ending: str, why: str, traceback: str = "", rung: dict[str, Any] | None = None
    ) -> None:
        t = self.journal.t
        self.journal.write(TrialEnded(trial=trial.number, ending=ending, why=why, traceback=traceback, rung=rung, t=t))

    # How it stops early

    def stop(self, reason: Reason, why: str) -> None:
        """Drains the sweep: nothing new starts, running trials stop at their next report. The first reason stays."""
        self.halt = self.halt or Halt(reason=reason, why=why)

    def cut(self, why: str) -> None:
        """Gives up what is running in mid-epoch; each such trial goes on from its newest checkpoint later."""
        for trial in list(self.history.in_state("running")):
            self._interrupt(trial, "cut", why)

    def _halting(self) -> bool:
        """Whether the sweep ends; a limit in the metric may have been reached by what was recorded last."""
        self.halt = self.halt or limit_reached(self.history, self.experiment)
        return self.halt is not None

    def _drained(self, trial: TrialHistory) -> bool:
        if not self._halting():
            return False
        assert self.halt is not None  # noqa: S101 - says so
        self._interrupt(trial, "drained", self.halt.why)
        return True

    def _interrupt(self, trial: TrialHistory, cause: str, why: str) -> None:
        self.journal.write(
            SegmentInterrupted(
                trial=trial.number, segment=trial.segments[-1].number, cause=cause, why=why, t=self.journal.t
            )
        )
