"""Calls of a function on a sweep's resources, once its trials have ended: each in a process of its own, or here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments._sweep.engine.faults import Fault
from experiments._sweep.engine.segment import settle_in
from experiments._sweep.store.patience import patience_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from experiments._sweep.engine.deciding.conductor import Conductor
    from experiments._sweep.engine.segment import Workplace
    from experiments._sweep.engine.signals import Drain
    from experiments._sweep.redaction import Redactor

    Function = Callable[[Callable[..., Any], Any], Any]
    """Takes the trainable and an argument."""

LOOK_S = 0.2
"""How often the signals are looked at while calls run."""


@dataclass(frozen=True, kw_only=True)
class Calls:
    """Calls functions where the trials of a sweep have run; stops where the sweep is asked to end."""

    conductor: Conductor
    workplace: Workplace
    drain: Drain
    on_ray: bool

    def __call__(self, function: Function, arguments: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Yields (place of the argument, what the function returned or the `Fault` that it raised), as they come."""
        return self._on_ray(function, arguments) if self.on_ray else self._here(function, arguments)

    def _here(self, function: Function, arguments: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        for place, argument in enumerate(arguments):
            if self.halted():
                return
            experiment = self.conductor.experiment
            outcome = _outcome(function, experiment.trainable, argument, experiment.redactor)
            if isinstance(outcome, Fault):
                self.halted()  # where it was asked to end, no store was waited for
            yield place, outcome

    def _on_ray(self, function: Function, arguments: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        import ray

        experiment = self.conductor.experiment
        cpus, gpus, others = experiment.cpus_per_trial, experiment.gpus_per_trial, dict(experiment.resources_per_trial)
        remote = ray.remote(_in_a_process).options(num_cpus=cpus, num_gpus=gpus, resources=others, max_retries=3)
        workplace = ray.put(self.workplace)
        places = {remote.remote(function, workplace, argument, cpus, gpus): n for n, argument in enumerate(arguments)}
        while places and not self.halted():
            for done in ray.wait(list(places), num_returns=1, timeout=LOOK_S)[0]:
                yield places.pop(done), _received(done)
        for late in places:
            ray.cancel(late, force=True)

    def patience_s(self) -> float:
        """For how long the driver waits for a store now."""
        return patience_s(hurried=self.drain.hurried)

    def halted(self) -> bool:
        """Looks at the signals and lets the views refresh; whether the sweep is asked to end."""
        self.drain.look(self.conductor)
        self.conductor.journal.tick()
        return self.conductor.halt is not None


def _in_a_process(function: Function, workplace: Workplace, argument: Any, cpus: float, gpus: float) -> Any:
    from trainables import limit_threads

    settle_in(workplace, gpus=gpus)
    limit_threads(cpus)
    return _outcome(function, workplace.source.load(), argument, workplace.redactor)


def _outcome(function: Function, trainable: Callable[..., Any], argument: Any, redactor: Redactor) -> Any:
    try:
        return function(trainable, argument)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a trainable raises is evidence
        return Fault.of(error, redactor.text)


def _received(reference: Any) -> Any:
    import ray

    try:
        return ray.get(reference)
    except ray.exceptions.RayError as error:  # the process died more often than it is tried again
        return Fault.of(error)
