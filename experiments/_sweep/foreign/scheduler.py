"""A `TrialScheduler` of Ray Tune's, asked as ours are: CONTINUE, PAUSE and STOP become continue, hold and stop."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from experiments._sweep.foreign.asking import asking
from experiments._sweep.foreign.kinds import scheduler_refusal
from experiments._sweep.foreign.stage import (
    ERROR,
    PAUSED,
    PENDING,
    RUNNING,
    TERMINATED,
    StageController,
    StageTrial,
)
from experiments._sweep.policy import Decision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from experiments._sweep.policy import Action, Observation

_TIMES = (None, "training_iteration", "time_total_s")
_WELL = ("completed", "stopped")


class ForeignScheduler:
    """Tells a copy of the object what happened since it was last asked, in the order of trial numbers, then asks it.

    All trials of the sweep are added at the start, in their order, as Ray adds what waits for a slot: a
    `HyperBandScheduler` fills its brackets with them, however few train at a time. Its results are those that Ray
    shows it, with the metric, `training_iteration` (the epoch) and `time_total_s` (training time); values that are not
    finite are not shown, their trials end as `diverged`.
    """

    def __init__(self, theirs: Any, *, metric: str, mode: str, num_trials: int) -> None:
        self.name = type(theirs).__name__
        self.seconds_of: Callable[[int], float] = lambda _: 0.0
        """The training time of a trial until now; the engine knows."""
        self._original = theirs
        self._theirs: Any = None
        self._metric, self._mode = metric, mode
        self._sign = 1.0 if mode == "min" else -1.0
        self._num_trials = num_trials
        self._controller = StageController(self._stopped_by_theirs)
        self._live: dict[int, StageTrial] = {}
        """Trials whose ending the object does not know."""

    def __str__(self) -> str:
        return self.name

    def faults(self, epochs: int, num_trials: int) -> list[str]:
        """What is wrong with it, tried out on a copy."""
        if refusal := scheduler_refusal(self._original):
            return [refusal]
        if self._mode not in ("min", "max"):
            return []  # which is a fault of its own
        faults = [*self._time_faults(), *self._metric_faults()]
        if faults:
            return faults
        try:
            ForeignScheduler(self._original, metric=self._metric, mode=self._mode, num_trials=1).follow({})
        except RuntimeError as error:
            return [f"scheduler: {error}."]
        return []

    def _time_faults(self) -> Iterator[str]:
        time_attr = getattr(self._original, "_time_attr", None)
        if time_attr not in _TIMES:
            yield (
                f"scheduler: {self.name} measures time by {time_attr!r}; here there are 'training_iteration' (epochs) "
                "and 'time_total_s'. Give it time_attr='training_iteration'."
            )

    def _metric_faults(self) -> Iterator[str]:
        for word, mine in (("metric", self._metric), ("mode", self._mode)):
            given = getattr(self._original, f"_{word}", None)
            if given not in (None, mine):
                yield (
                    f"scheduler: {self.name} compares trials by {word} {given!r}, the experiment by {mine!r}. Leave "
                    f"the {word} of the scheduler out."
                )

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """Every epoch below the budget: it is asked after each."""
        return () if self._compares_nothing else tuple(range(1, epochs))

    def in_words(self, epochs: int, num_trials: int) -> list[str]:
        """Whose it is, and what cannot be promised."""
        if self._compares_nothing:
            return [f"Nobody is compared: all trials train the whole budget of {epochs} epochs."]
        most = getattr(self._original, "_max_t", getattr(self._original, "_max_t_attr", epochs))
        other = [f"Its max_t is {most}, the budget {epochs} epochs: give it max_t={epochs}."] if most != epochs else []
        return [f"{self.name} of Ray Tune is asked after each epoch.", *other, self.caveat]

    @property
    def holds(self) -> bool:
        """Whether trials may wait, stopped, and go on later: most of Ray's schedulers pause."""
        kinds = {kind.__name__ for kind in type(self._original).__mro__}
        return not self._compares_nothing and "AsyncHyperBandScheduler" not in kinds

    @property
    def caveat(self) -> str:
        """What cannot be promised, in one line; empty where nothing is compared."""
        if self._compares_nothing:
            return ""
        return (
            f"{self.name} keeps its state in memory: after a lost driver the recorded epochs are told to it anew, and "
            "it may decide otherwise than it would have."
        )

    def bracket(self, trials: Mapping[int, Observation], *, epochs: int) -> int | None:
        """None: what brackets there are is the object's own affair."""
        return None

    def decide(
        self, trials: Mapping[int, Observation], *, trial: int, epoch: int, loss: float, epochs: int
    ) -> Decision:
        """What the object says to the result.

        Raises:
            RuntimeError: The object raised.
        """
        self.follow(trials)
        mine = self._trial(trial)
        if mine.disowned:
            return Decision(action="continue")
        mine.status = RUNNING
        answer = self._show(mine, epoch, loss)
        if answer == "STOP":
            self._complete(mine)
            return Decision(action="stop")
        if answer == "PAUSE":
            mine.status = PAUSED
            return Decision(action="hold")
        return Decision(action="continue")

    def judge(
        self, trials: Mapping[int, Observation], held: Mapping[int, int], *, epochs: int, more_to_come: bool
    ) -> dict[int, Decision]:
        """The held trials that the object has stopped since, and the one that it would let go on next."""
        self.follow(trials)
        for number in held:
            if self._trial(number).status == RUNNING:
                self._trial(number).status = PAUSED
        if not more_to_come:
            self._no_more()
        stopped = {number for number in held if self._trial(number).is_finished()}
        decisions = {number: Decision(action="stop") for number in stopped}
        with asking(self.name, "scheduler"):
            chosen = self._theirs.choose_trial_to_run(self._controller)
        if chosen is not None and chosen.status == PAUSED and chosen.number in held:
            decisions[chosen.number] = Decision(action="continue")
            chosen.status = RUNNING
        decisions |= {number: Decision(action="continue") for number in held if self._trial(number).disowned}
        return decisions

    def correct(self, trial: int, action: Action) -> None:
        """What was recorded in place of the decision that was just made about the trial."""
        mine = self._trial(trial)
        if action == "stop" and not mine.is_finished():
            self._complete(mine)
        elif action != "stop" and mine.is_finished():
            mine.disowned = True
        elif action != "stop":
            mine.status = PAUSED if action == "hold" else RUNNING

    @property
    def _compares_nothing(self) -> bool:
        return type(self._original).__name__ == "FIFOScheduler"

    def _begin(self) -> None:
        if self._theirs is not None:
            return
        with asking(self.name, "scheduler"):
            theirs = copy.deepcopy(self._original)
            known = [getattr(theirs, own, None) for own in ("_metric", "_mode")]
            wanted = [None if own else mine for own, mine in zip(known, (self._metric, self._mode), strict=True)]
            theirs.set_search_properties(*wanted)
            self._theirs = theirs
            for number in range(self._num_trials):
                self._add(number)

    def _add(self, number: int) -> StageTrial:
        trial = StageTrial(number)
        self._controller.trials[number] = trial
        self._theirs.on_trial_add(self._controller, trial)
        return trial

    def _trial(self, number: int) -> StageTrial:
        known = self._controller.trials.get(number)
        if known is not None:
            return known
        with asking(self.name, "scheduler"):
            return self._add(number)

    def follow(self, trials: Mapping[int, Observation]) -> None:
        """Tells what the object does not know yet."""
        self._begin()
        for number, seen in sorted(trials.items()):
            mine = self._trial(number)
            if mine.is_finished() or mine.disowned:
                continue
            if mine.status == PENDING:
                mine.status = RUNNING
                mine.config = mine.evaluated_params = seen.config
            if seen.ending is not None:
                self._end(mine, seen)

    def _end(self, mine: StageTrial, seen: Observation) -> None:
        if mine.status == PAUSED:
            self._stopped_by_theirs(mine)
        elif seen.ending in _WELL:
            for epoch, loss in seen.losses.items():
                if epoch > mine.told:  # the last epochs of a trial are no decision's matter, but count for the others
                    self._show(mine, epoch, loss)
            self._complete(mine)
        else:
            with asking(self.name, "scheduler"):
                self._theirs.on_trial_error(self._controller, mine)
            mine.status = ERROR

    def _show(self, mine: StageTrial, epoch: int, loss: float) -> str:
        result = {
            self._metric: self._sign * loss,
            "training_iteration": epoch,
            "time_total_s": self.seconds_of(mine.number),
            "trial_id": mine.trial_id,
            "done": False,
        }
        with asking(self.name, "scheduler"):
            answer = self._theirs.on_trial_result(self._controller, mine, result)
        mine.told, mine.last_result = epoch, result
        return str(answer)

    def _complete(self, mine: StageTrial) -> None:
        with asking(self.name, "scheduler"):
            self._theirs.on_trial_complete(self._controller, mine, {**mine.last_result, "done": True})
        mine.status = TERMINATED

    def _stopped_by_theirs(self, mine: StageTrial) -> None:
        """A held trial ends: its state is final only afterwards, as in Ray."""
        if mine.is_finished():
            return
        with asking(self.name, "scheduler"):
            self._theirs.on_trial_remove(self._controller, mine)
        mine.status = TERMINATED

    def _no_more(self) -> None:
        """What has no configuration yet gets none."""
        for trial in self._controller.get_trials():
            if trial.status == PENDING:
                self._stopped_by_theirs(trial)
