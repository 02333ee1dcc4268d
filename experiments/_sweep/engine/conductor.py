"""The brain of a running sweep: which trial goes next, what happens at an epoch, how a trial ended.

It knows nothing of Ray. Every decision is written to the ledger, durably, before it takes effect; everything it
decides from is folded from the ledger, so a resumed sweep goes on as if nothing had happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from experiments._sweep.engine.assignments import Halt, Reason, Segment, trial_seed
from experiments._sweep.engine.faults import cause_of
from experiments._sweep.engine.limits import limit_reached
from experiments._sweep.engine.measurements import Measurement, read_metrics
from experiments._sweep.engine.observing import Observed
from experiments._sweep.engine.remembering import remembering
from experiments._sweep.engine.verdicts import verdict_of, verdict_on
from experiments._sweep.ledger.records import (
    EpochReported,
    SegmentInterrupted,
    SegmentStarted,
    TrialEnded,
    TrialProposed,
)
from experiments._sweep.proposing import next_proposal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from experiments._sweep.engine.faults import Fault
    from experiments._sweep.engine.journal import Journal
    from experiments._sweep.experiment import Experiment
    from experiments._sweep.ledger.history import TrialHistory

LOSSES_ALLOWED = 3
"""How often the process or node of a trial may be lost before the trial ends as `lost`."""
SAME_EXCEPTION = 3
"""The same exception in so many first trials stops the sweep: it is the code, not the configuration."""


class Conductor:
    """Decides for one driver of one sweep."""

    def __init__(self, experiment: Experiment, journal: Journal, folder: Path) -> None:
        """A conductor of the sweep in `folder`, whose ledger `journal` writes."""
        self.experiment = remembering(experiment, journal)
        self.journal = journal
        self.history = journal.history
        self._folder = folder
        self.halt: Halt | None = None
        self._exhausted = False
        self._observed = Observed(self.history)
        self._counts_epochs = not hasattr(experiment.trainable, "epochs")
        self._reported: dict[int, int] = {}
        """Trial to results of its present segment, for plain functions, which do not number their epochs."""
        self._told: dict[int, int] = {}
        """Trial to the last epoch that its present segment has told, 0 before the first."""
        self._metric_seen = any(trial.losses for trial in self.history.trials.values())

    # What goes next

    def next_segment(self) -> Segment | Literal["wait", "done"]:
        """The next stretch of training: interrupted trials first, then promoted ones, then a new one."""
        if self._halting():
            return "done"
        segment = self._interrupted() or self._promoted() or self._new()
        if segment is None and self._exhausted:  # learned just now: no bracket waits for more trials
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
            self._observed.trials(), held, epochs=self.experiment.epochs, more_to_come=self._more_to_come()
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
        proposed = self._propose() if self._more_to_come() else None
        return None if proposed is None else self._start(proposed.trial, proposed)

    def _more_to_come(self) -> bool:
        return len(self.history.trials) < self.experiment.num_trials and not self._exhausted

    def _propose(self) -> TrialProposed | None:
        experiment, number = self.experiment, len(self.history.trials)
        made_at = self.journal.counter
        proposal = next_proposal(
            experiment.search,
            experiment.searched,
            list(self._observed.trials().values()),
            start_points=experiment.start_points,
            trial=number,
            seed=experiment.seed,
        )
        if proposal is None:
            forever = getattr(experiment.search, "exhausted", True)  # Ray's searchers may mean "not now"
            self._exhausted = forever or not any(self.history.in_state("running"))
            return None
        return TrialProposed(
            trial=number,
            config=self._completed(proposal.config, number),
            origin=proposal.origin,
            bracket=experiment.scheduler.bracket(self._observed.trials(), epochs=experiment.epochs),
            details=proposal.details,
            made_at=made_at,
            t=self.journal.t,
        )

    def _completed(self, config: dict[str, Any], number: int) -> dict[str, Any]:
        """The configuration with budget and seed, where the trainable takes them and the space does not say."""
        added = {"epochs": self.experiment.epochs, "seed": trial_seed(self.experiment.seed, number)}
        takes = self.experiment.takes
        return config | {name: value for name, value in added.items() if takes(name) and name not in config}

    def _start(self, number: int, *proposed: TrialProposed, rung: dict[str, Any] | None = None) -> Segment:
        known = self.history.trials.get(number)
        segment = len(known.segments) + 1 if known else 1
        self.journal.write(*proposed, SegmentStarted(trial=number, segment=segment, rung=rung, t=self.journal.t))
        trial = self.history.trials[number]
        checkpointed = [each for each in trial.epochs if each.checkpoint and (self._folder / each.checkpoint).is_dir()]
        newest = checkpointed[-1] if checkpointed else None
        self._reported[number] = newest.epoch if newest else 0
        self._told[number] = 0
        return Segment(
            trial=number,
            number=segment,
            config=trial.config,
            epochs_known=len(trial.epochs),
            checkpoint=newest.checkpoint if newest else None,
        )

    def _release_held(self) -> None:
        for trial in list(self.history.in_state("held")):
            self._end(trial, "stopped", f"held at epoch {len(trial.epochs)} when the sweep ended")

    # What happened

    def owns(self, trial: int, segment: int) -> bool:
        """Whether the segment is the one that may report for its trial."""
        known = self.history.trials[trial]
        return known.state == "running" and known.segments[-1].number == segment

    def report(self, trial: int, segment: int, reported: Mapping[str, Any], checkpoint: str | None = None) -> bool:
        """Records a result with its decision; whether the trial goes on training."""
        if not self.owns(trial, segment):
            return False
        known = self.history.trials[trial]
        measured = read_metrics(reported, self.experiment.metric)
        epoch = self._epoch_of(known, measured)
        last, self._told[trial] = self._told[trial], epoch
        if max(1, last + 1) <= epoch <= len(known.epochs):  # a checkpoint's record, told again at a segment's start
            return not self._drained(known)
        if measured.fault or epoch != len(known.epochs) + 1:
            told = measured.metrics.get("epoch", epoch)
            gap = f"reported epoch {told!r} after epoch {len(known.epochs)}; epochs are numbered 1, 2, 3 ..."
            self._refuse(known, measured, measured.fault or gap)
            return False
        self._metric_seen = True
        self._record(known, epoch, measured, checkpoint)
        return known.state == "running" and not self._drained(known)

    def _epoch_of(self, trial: TrialHistory, measured: Measurement) -> int:
        if not self._counts_epochs:
            epoch = measured.metrics.get("epoch", len(trial.epochs) + 1)
            return int(epoch) if isinstance(epoch, (int, float)) and float(epoch).is_integer() else 0
        self._reported[trial.number] += 1
        return self._reported[trial.number]

    def _refuse(self, trial: TrialHistory, measured: Measurement, why: str) -> None:
        self._end(trial, "error", why)
        if measured.missing and not self._metric_seen:
            self.stop("failed", f"{why} Correct `metric`, or report it.")

    def _record(self, trial: TrialHistory, epoch: int, measured: Measurement, checkpoint: str | None) -> None:
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
            self.stop("fault", f"{fault.summary}. Make room or restore access, then resume.")
            return
        self._end(self.history.trials[trial], fault.ending, fault.summary, fault.traceback)
        first = [self.history.trials.get(number) for number in range(SAME_EXCEPTION)]
        causes = {cause_of(each.traceback) if each and each.state == "error" else "" for each in first}
        if trial < SAME_EXCEPTION and len(causes) == 1 and "" not in causes:
            self.stop("failed", f"the first {SAME_EXCEPTION} trials all ended with: {fault.summary}")

    def lost(self, trial: int, segment: int, evidence: str) -> None:
        """The trial's process or node died."""
        if not self.owns(trial, segment):
            return
        known = self.history.trials[trial]
        t = self.journal.t
        loss = SegmentInterrupted(trial=trial, segment=segment, cause="lost", why=evidence, t=t)
        times = 1 + sum(each.cause == "lost" for each in known.segments)
        why = f"its process was lost {times} times, the last time: {evidence}"
        end = [TrialEnded(trial=trial, ending="lost", why=why, t=t)] if times > LOSSES_ALLOWED else []
        self.journal.write(loss, *end)

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
