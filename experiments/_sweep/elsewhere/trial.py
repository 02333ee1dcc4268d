"""What a callback of Ray Tune's sees of a trial: the attributes of `ray.tune.experiment.Trial` that loggers look at."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.ledger.files import trial_folder
from experiments._sweep.ledger.records import SUCCESSES
from experiments._sweep.ledger.trial_history import flat, value_of

if TYPE_CHECKING:
    from experiments._sweep.ledger.records import EpochReported
    from experiments._sweep.ledger.trial_history import TrialHistory

PENDING, RUNNING, PAUSED, TERMINATED, ERROR = "PENDING", "RUNNING", "PAUSED", "TERMINATED", "ERROR"


@dataclass(frozen=True, kw_only=True)
class SweepFacts:
    """What all trials of a sweep have in common."""

    folder: Path
    name: str
    experiment: str
    """The experiment's name."""
    identity: str
    """Tells the sweep from every other one of its name; the same for all its drivers."""
    trainable: str
    metric: str
    mode: str
    last_counts: bool
    num_trials: int


class ToldTrial:
    """A trial of a sweep as Ray's `Trial`, one object for all its segments."""

    PENDING, RUNNING, PAUSED, TERMINATED, ERROR = PENDING, RUNNING, PAUSED, TERMINATED, ERROR

    def __init__(self, sweep: SweepFacts, known: TrialHistory) -> None:
        """The trial that the ledger knows as `known`, of which nothing was told yet."""
        self.number = known.number
        self.trial_id = f"{sweep.identity}-{known.number:04d}"
        self.trainable_name = sweep.trainable
        self.experiment_dir_name = sweep.name
        self.experiment_tag = f"{known.number:04d}"
        self.config = dict(known.config)
        self.evaluated_params = flat(self.config)
        self.local_path = self.path = str(trial_folder(sweep.folder, known.number))
        self.local_experiment_path = str(sweep.folder)
        self.status = PENDING
        self.last_result: dict[str, Any] = {}
        self.checkpoint = None
        self.error_file = None
        self.ending, self.why = "", ""
        """How the trial ended, as the ledger says; empty while it has not."""
        self._name = f"{sweep.name}_{known.number:04d}"
        self._sweep = sweep
        self._best: float | None = None
        self._seconds = 0.0
        self._segment, self._heard, self._worker = 0, 0.0, ""

    def __str__(self) -> str:
        return self._name

    def init_local_path(self) -> None:
        """Makes the trial's folder, where it is not there yet."""
        Path(self.local_path).mkdir(parents=True, exist_ok=True)

    def is_finished(self) -> bool:
        """Whether its state is final."""
        return self.status in (TERMINATED, ERROR)

    def result(self, record: EpochReported, began: float) -> dict[str, Any]:
        """An epoch as Ray Tune hands it to callbacks; `best_METRIC` is its best value until then.

        Args:
            record: The epoch; each has to come, in its order.
            began: When its segment started, by the same clock as `record.t`.
        """
        since = self._heard if record.segment == self._segment else began
        took = max(0.0, record.t - since)
        self._segment, self._heard, self._seconds = record.segment, record.t, self._seconds + took
        self._worker = record.worker or self._worker
        host, _, process = self._worker.rpartition(":")
        self.last_result = {
            **self._best_until(record.metrics),
            **record.metrics,
            "training_iteration": record.epoch,
            "time_this_iter_s": took,
            "time_total_s": self._seconds,
            "timestamp": int(time.time()),
            "trial_id": self.trial_id,
            "experiment_tag": self.experiment_tag,
            **({"hostname": host, "pid": int(process)} if process.isdecimal() else {}),
            "done": record.ending is not None,
            "config": self.config,
        }
        return self.last_result

    def _best_until(self, metrics: dict[str, Any]) -> dict[str, float]:
        """Trackers show the last value of a metric; what the trial stands for needs a name of its own."""
        value, lower = value_of(metrics, self._sweep.metric), self._sweep.mode == "min"
        if value is not None and (self._best is None or (value < self._best if lower else value > self._best)):
            self._best = value
        if self._best is None or self._sweep.last_counts or self._sweep.metric.startswith("best_"):
            return {}
        return {f"best_{self._sweep.metric}": self._best}

    def ended(self, ending: str, why: str) -> bool:
        """Takes its ending down; whether that is a failure."""
        self.ending, self.why = ending, why
        self.status = TERMINATED if ending in SUCCESSES else ERROR
        return ending not in SUCCESSES
