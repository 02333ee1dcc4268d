"""What MLflow and Weights & Biases need beyond what every callback is told: endings by name, and runs that go on."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from experiments._sweep.elsewhere.listener import Listener
from experiments._sweep.elsewhere.trial import ERROR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from experiments._sweep.elsewhere.trial import SweepFacts, ToldTrial

SWEEP_TAG = "raysweeps.sweep"
LONGEST_TAG = 500
HASTY_S = 4
"""Seconds that Weights & Biases may still upload when somebody waits for the driver."""
_PAGE = 1000


class MLflow(Listener):
    """Ray's `MLflowLoggerCallback`: runs of an earlier driver are found by their tags and go on."""

    def begin(self, sweep: SweepFacts, trials: Mapping[int, ToldTrial], past: Mapping[int, Sequence[Any]]) -> None:
        """Sets it up; trials whose end an earlier driver could not tell any more are told now."""
        theirs = self.callback
        for noisy in ("mlflow", "alembic"):  # they announce each table of a new database
            logging.getLogger(noisy).setLevel(logging.WARNING)
        theirs.tracking_uri = theirs.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")  # else MLflow unsets it
        if theirs.experiment_name is None and not os.environ.get("MLFLOW_EXPERIMENT_NAME"):
            theirs.experiment_name = sweep.experiment
        theirs.tags = {**(theirs.tags or {}), SWEEP_TAG: sweep.identity}
        self._untold: list[int] = []
        super().begin(sweep, trials, past)
        for number in self._untold:
            failed = trials[number].status == ERROR
            status = trials[number].status
            self.start(trials[number], past[number])
            trials[number].status = status
            self.end(trials[number], failed=failed)

    def look_back(self, trials: Mapping[int, ToldTrial], past: Mapping[int, Sequence[Any]]) -> None:
        """Until the last step of each run; where the sweep has runs, those that it lacks are made up for."""
        client, util = self._client(), self.callback.mlflow_util
        where, page = f"tags.`{SWEEP_TAG}` = '{self.callback.tags[SWEEP_TAG]}'", None
        runs: dict[str | None, Any] = {}
        while True:
            found = client.search_runs([util.experiment_id], where, max_results=_PAGE, page_token=page)
            runs |= {run.data.tags.get("trial_name"): run.info for run in found}
            page = found.token
            if not page:
                break
        for number, trial in trials.items() if runs else ():
            run = runs.get(str(trial))
            if run is not None:
                self.callback._trial_runs[trial] = run.run_id  # noqa: SLF001 - the only way to go on with a run
            if trial.ending and (run is None or run.status not in ("FINISHED", "FAILED")):
                self._untold.append(number)
            if run is not None and (not trial.ending or number in self._untold):
                steps = client.get_metric_history(run.run_id, "training_iteration")
                self.known[number] = max((each.step for each in steps), default=0)

    def start(self, trial: ToldTrial, past: Sequence[dict[str, Any]] = ()) -> None:
        """As ever; a run that was interrupted runs again."""
        run = self._run(trial)
        if run is not None and trial.number not in self.begun:
            self.attempt("going on with a run", self._client().update_run, run, status="RUNNING")
        super().start(trial, past)

    def end(self, trial: ToldTrial, *, failed: bool) -> None:
        """`FINISHED` or `FAILED`, with the tags `ending` and `why`."""
        self._tag(trial, trial.ending, trial.why)
        super().end(trial, failed=failed)

    def leave(self, trial: ToldTrial) -> None:
        """`KILLED`: Ray's callback knows no other end than the two."""
        self._tag(trial, "interrupted", "sweep resume goes on with it")
        super().leave(trial)
        run = self._run(trial)
        if run is not None:
            self.attempt("closing a trial", self._client().set_terminated, run, status="KILLED")

    def _tag(self, trial: ToldTrial, ending: str, why: str) -> None:
        run = self._run(trial)
        for key, value in (("ending", ending), ("why", why[:LONGEST_TAG])) if run is not None else ():
            self.attempt("tagging a run", self._client().set_tag, run, key, value)

    def _run(self, trial: ToldTrial) -> str | None:
        return getattr(self.callback, "_trial_runs", {}).get(trial)

    def _client(self) -> Any:
        from mlflow import MlflowClient

        return MlflowClient()  # of the tracking URI that the callback's setup has set


class WeightsAndBiases(Listener):
    """Ray's `WandbLoggerCallback`: it logs through processes of Ray's, two for each trial that runs."""

    def begin(self, sweep: SweepFacts, trials: Mapping[int, ToldTrial], past: Mapping[int, Sequence[Any]]) -> None:
        """Sets it up; a run of this sweep's that is there already goes on."""
        theirs = self.callback
        if not theirs.project and not os.environ.get("WANDB_PROJECT_NAME"):
            theirs.project = sweep.experiment
        theirs.kwargs.setdefault("resume", "allow")
        theirs._logger_actor_cls = until_written(theirs._logger_actor_cls)  # noqa: SLF001 - the place to put another
        if theirs.upload_checkpoints:
            self.say(f"{self.name} uploads no checkpoints: they stay in the sweep's folder")
            theirs.upload_checkpoints = False
        super().begin(sweep, trials, past)

    def look_back(self, trials: Mapping[int, ToldTrial], past: Mapping[int, Sequence[Any]]) -> None:
        """Nothing: steps that a run has already are left out there, so a trial that goes on is told from its start."""

    def end(self, trial: ToldTrial, *, failed: bool) -> None:
        """As ever, with `ending` and `why` in the run's configuration."""
        self._note(trial, trial.ending, trial.why)
        super().end(trial, failed=failed)

    def leave(self, trial: ToldTrial) -> None:
        """As ever."""
        self._note(trial, "interrupted", "sweep resume goes on with it")
        super().leave(trial)

    def _note(self, trial: ToldTrial, ending: str, why: str) -> None:
        step = {"training_iteration": self.known.get(trial.number, 0)}
        told = {**step, "config": {"ending": ending, "why": why[:LONGEST_TAG]}}
        self.attempt("noting an ending", self.callback.log_trial_result, 0, trial, told)

    def finish(self, *, hasty: bool) -> None:
        """Waits for what is still being uploaded, for as long as the callback says."""
        if hasty:
            self.callback._upload_timeout = HASTY_S  # noqa: SLF001 - no method takes it
        for trial in list(self.trials):
            self.leave(trial)
        if self.callback._trial_logging_futures:  # noqa: SLF001 - without any, Ray's own code raises
            self.attempt("ending", self.callback.on_experiment_end, self.trials)


def until_written(logging: Any) -> Any:
    """Ray's process that logs a trial, which ends no sooner than what it has is written or sent.

    Ray kills it as soon as it has said that the run is over, and with it the process that writes the run: of a run that
    is not sent at once, nothing may be left then.
    """

    class UntilWritten(logging):  # type: ignore[misc] # made in a function: its processes need not know this module
        def run(self) -> None:
            super().run()
            self._wandb.teardown()

    return UntilWritten


TRACKERS = {"MLflowLoggerCallback": MLflow, "WandbLoggerCallback": WeightsAndBiases}
"""Class of Ray's to what tells it."""
NEEDS_RAY = ("WandbLoggerCallback",)


def kind_of(callback: Any) -> str:
    """The name of the class, its own or one above it, that is known here; empty where none is."""
    return next((each.__name__ for each in type(callback).__mro__ if each.__name__ in TRACKERS), "")


def listener_of(callback: Any, say: Any) -> Listener:
    """What tells the callback."""
    return TRACKERS.get(kind_of(callback), Listener)(callback, say)
