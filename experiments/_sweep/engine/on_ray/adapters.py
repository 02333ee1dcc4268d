"""The three places where Ray Tune calls us: its searcher, its scheduler and its callback.

To Ray every segment is a trial of its own under FIFO. Each method is guarded: an exception here becomes a recorded
fault and a drained sweep, never a trial that runs again.
"""

from __future__ import annotations

import functools
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ray.tune import Callback
from ray.tune.result import AUTO_RESULT_KEYS, DONE, HOSTNAME, PID, SHOULD_CHECKPOINT, TRAINING_ITERATION, TRIAL_ID
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from experiments._sweep.engine.deciding.measurements import as_reported
from experiments._sweep.engine.faults import Fault
from experiments._sweep.engine.leaving import LEAVES
from experiments._sweep.engine.losses import TOLD_TO_LEAVE, KernelKills, loss_told
from experiments._sweep.engine.on_ray.processes import end_process
from experiments._sweep.engine.reported import CHECKPOINT
from experiments._sweep.engine.storage import with_remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ray.tune.experiment import Trial

    from experiments._sweep.engine.deciding.conductor import Conductor
    from experiments._sweep.engine.losses import Loss
    from experiments._sweep.engine.on_ray.nodes.slots import Slots
    from experiments._sweep.engine.on_ray.stalls import Stalls
    from experiments._sweep.engine.signals import Drain

NOT_METRICS = {*AUTO_RESULT_KEYS, DONE, SHOULD_CHECKPOINT, TRIAL_ID, "experiment_tag", CHECKPOINT}


class CutShort(BaseException):
    """Ends Tune's loop in mid-epoch."""


def guarded(instead: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Turns an exception of the method into a fault of the sweep and the answer `instead`."""

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return method(self, *args, **kwargs)
            except Exception as error:  # noqa: BLE001 - recorded and drained, see above
                self.conductor.stop("fault", fault_text(error))
                return instead

        return call

    return decorate


def fault_text(error: Exception) -> str:
    """A disk error in a sentence, anything else with its traceback: it is a fault of the package."""
    if isinstance(error, OSError):
        return with_remedy(error)
    return "".join(traceback.format_exception(error)).rstrip()


class _Adapter:
    """Shared by the three: they are never pickled with what they hold."""

    conductor: Conductor

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune pickles what it is given; nothing is ever read back


def _segment_of(trial: Trial) -> tuple[int, int]:
    return trial.config["trial"], trial.config["segment"]


def trial_name(trial: Trial) -> str:
    """`0017-003`: trial 17, segment 3."""
    return f"{trial.config['trial']:04d}-{trial.config['segment']:03d}"


class SegmentSearcher(_Adapter, Searcher):  # type: ignore[misc]
    """Hands out segments as fast as there are slots."""

    def __init__(self, conductor: Conductor, slots: Slots, drain: Drain) -> None:
        super().__init__()
        self.conductor = conductor
        self._slots = slots
        self._drain = drain

    @guarded(instead=Searcher.FINISHED)
    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """The next segment as Tune's configuration of a new trial."""
        self._drain.look(self.conductor)  # Tune may ask for minutes without coming to its callbacks
        slots = self._slots.now
        if self._slots.given_up:
            self.conductor.stop("fault", self._slots.given_up)
            self._drain.cut_short()  # nothing runs that could report
        running = sum(1 for _ in self.conductor.history.in_state("running"))
        if running >= slots and self.conductor.halt is None:  # what could not be recorded stays running there
            return None
        segment = self.conductor.next_segment()
        if segment == "wait":
            return None
        if segment == "done":
            return str(Searcher.FINISHED)
        return {
            "trial": segment.trial,
            "segment": segment.number,
            "config": segment.config,
            "checkpoint": segment.checkpoint,
            "epochs_known": segment.epochs_known,
        }

    def on_trial_complete(self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False) -> None:
        """Nothing: the scheduler adapter has recorded it."""

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Nothing: the ledger is the state."""


class LedgerScheduler(_Adapter, FIFOScheduler):  # type: ignore[misc]
    """Records each result with its decision before Ray learns of it."""

    def __init__(self, conductor: Conductor, driver_folder: str, stalls: Stalls) -> None:
        super().__init__()
        self.conductor = conductor
        self._driver_folder = driver_folder
        self._stalls = stalls
        self._kernel = KernelKills()
        self._seen: dict[str, int] = {}
        """Segment to the results it has told."""
        self._undecided: set[str] = set()
        """Segments whose result could not be recorded."""

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: Mapping[str, Any]) -> str:
        """Whether the trial goes on; where deciding failed, the segment is left as it is, for the next driver."""
        self._seen[trial_name(trial)] = result.get(TRAINING_ITERATION, 0)
        decision = self._decide(trial, result)
        if decision is None:
            self._undecided.add(trial_name(trial))
        return decision or str(TrialScheduler.STOP)

    @guarded(instead=None)
    def _decide(self, trial: Trial, result: Mapping[str, Any]) -> str:
        number, segment = _segment_of(trial)
        if LEAVES in result:
            self.conductor.lost(number, segment, TOLD_TO_LEAVE, "preempted")
            return str(TrialScheduler.CONTINUE)  # its process ends now, and is not used again
        fault = Fault.in_report(result)
        if fault is not None:
            self.conductor.failed(number, segment, fault)
            return str(TrialScheduler.CONTINUE if fault.fresh_process else TrialScheduler.STOP)
        reported = as_reported(result)
        if reported is None:
            reported = {
                key: value for key, value in result.items() if key not in NOT_METRICS and not key.startswith("config/")
            }
        name = result.get("checkpoint_dir_name")
        kept = f"{self._driver_folder}/{trial_name(trial)}/{name}" if name else None
        checkpoint = result.get(CHECKPOINT) or kept
        goes_on = self.conductor.report(number, segment, reported, checkpoint, worker=worker_of(result))
        self._stalls.heard(trial_name(trial), number)
        return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)

    @guarded(instead=None)
    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: Mapping[str, Any]) -> None:
        """The function returned, or was stopped by a decision that is recorded already."""
        self._stalls.over(trial_name(trial))
        if trial_name(trial) in self._undecided:
            return
        if result.get(TRAINING_ITERATION, 0) > self._seen.pop(trial_name(trial), 0):
            self._decide(trial, result)  # a result with `done`, which Ray does not show a scheduler
        self.conductor.returned(*_segment_of(trial))

    @guarded(instead=None)
    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """The process died, or an exception passed that was not the trainable's."""
        self._stalls.over(trial_name(trial))
        loss = self._kernel.explain(loss_of(trial))
        self.conductor.lost(*_segment_of(trial), loss.evidence, loss.cause)

    @guarded(instead=None)
    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """The trial was taken away before it ran."""
        self.conductor.lost(*_segment_of(trial), "removed before it ran")


def worker_of(result: Mapping[str, Any]) -> str | None:
    """Who reported a result, `HOST:PID`, as Tune tells; None where it does not."""
    return f"{result[HOSTNAME]}:{result[PID]}" if HOSTNAME in result and PID in result else None


def loss_of(trial: Trial) -> Loss:
    """How a trial's process was lost, by the file that Tune keeps of its errors."""
    try:
        return loss_told(Path(trial.error_file).read_text(encoding="utf-8"))
    except (OSError, TypeError):
        return loss_told("")


class Clock(_Adapter, Callback):  # type: ignore[misc]
    """Called at each step of Tune's loop: views refresh, limits and signals take effect."""

    def __init__(self, conductor: Conductor, drain: Drain, stalls: Stalls) -> None:
        self.conductor = conductor
        self._drain = drain
        self._stalls = stalls

    @guarded(instead=None)
    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Its process is there and trains from now on."""
        self._stalls.began(trial_name(trial), trial)

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Looks at the clock."""
        self._give_up_failed(trials)
        self._end_silent()
        self._drain.look(self.conductor)
        self.conductor.journal.tick()
        if self._drain.overdue:
            raise CutShort

    @guarded(instead=None)
    def _give_up_failed(self, trials: list[Trial]) -> None:
        """Tune tells nobody when a process could not be used again for the next trial."""
        for trial in trials:  # those that are not forgotten (forgetting.py)
            if trial.status == trial.ERROR and self.conductor.owns(*_segment_of(trial)):
                loss = loss_of(trial)
                self.conductor.lost(*_segment_of(trial), loss.evidence, loss.cause)

    @guarded(instead=None)
    def _end_silent(self) -> None:
        """First the ledger, then the process: what it still says is said to nobody."""
        for trial, why in self._stalls.late():
            if self.conductor.owns(*_segment_of(trial)):
                self.conductor.stalled(*_segment_of(trial), why)
                end_process(trial)
