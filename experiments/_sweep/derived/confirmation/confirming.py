"""`sweep confirm`: the leading configurations and the defaults, trained anew on fresh seeds, then measured once."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments._sweep.derived import nested
from experiments._sweep.derived.confirmation.announcing import measured, question, refuse_unfit, unfinished
from experiments._sweep.derived.confirmation.candidates import drawn_anew, fresh_seeds, leading, with_defaults
from experiments._sweep.derived.confirmation.on_test_split import use_test_split
from experiments._sweep.derived.confirmation.refitting import refit_fault
from experiments._sweep.derived.finding import CONFIRMATION, confirmations, searched_sweep
from experiments._sweep.derived.repetition import repetition
from experiments._sweep.errors import InputError
from experiments._sweep.experiment import trainable_name
from experiments._sweep.ledger.records import Answered
from experiments._sweep.options import data_folder
from experiments._sweep.store.lease import refuse_if_held
from experiments._sweep.sweep import Sweep
from experiments.schedulers.fifo import FIFO

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from experiments._sweep.derived.confirmation.candidates import Candidate
    from experiments._sweep.derived.nested import Watching
    from experiments._sweep.driving import Outcome
    from experiments._sweep.engine.calls import Calls
    from experiments._sweep.experiment import Experiment
    from experiments._sweep.options import RunOptions

KIND = "confirmation"
TOP, SEEDS = 3, 5
"""Leading configurations and seeds, where nothing is said."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked of a confirmation."""

    top: int | None = None
    """How many of the leading configurations, at least 1; None: as many as the confirmation under way, or 3."""
    seeds: int | None = None
    """How many fresh seeds, at least 2; None: as many as the confirmation under way, or 5."""
    again: bool = False
    """Confirm once more, on other seeds, which uses the test split once more."""
    refit: bool = False
    """Refit the winner afterwards: refused before anything is trained where that cannot be done."""

    def faults(self) -> list[str]:
        """What is wrong with it."""
        asked = (("--top", self.top, 1), ("--seeds", self.seeds, 2))
        return [
            f"{name} must be a whole number of at least {least}, got {given!r}."
            for name, given, least in asked
            if given is not None and (not isinstance(given, int) or isinstance(given, bool) or given < least)
        ]


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """A confirmation, as far as it is."""

    sweep: Sweep
    """The confirmation, a sweep in the folder of the one that it confirms."""
    answer: dict[str, Any] | None
    """What it has found (`answer_of` says what is in it), None where it has not ended."""
    outcome: Outcome | None
    """How its driver ended, None where it had been made before."""


def confirm(sweep: Sweep, request: Request, options: RunOptions, observers: Watching | None = None) -> Confirmed:
    """Confirms a sweep, goes on confirming it, or shows what was confirmed.

    Args:
        sweep: The searched sweep, or a confirmation of it.
        request: How many configurations and seeds, and whether once more.
        options: Where it runs.
        observers: Makes those who watch.

    Raises:
        InputError: If anything is wrong before anything starts, or the test split was used already.
        SweepInUseError: If a driver is at work on the sweep or on its confirmation.
    """
    sweep = Sweep(searched_sweep(sweep).folder)  # read again: it may have gone on, or been confirmed, since
    refuse_if_held(sweep.folder)
    earlier = confirmations(sweep)
    newest = earlier[-1] if earlier else None
    ended = newest is not None and newest.history.answer is not None
    faults = request.faults()
    if not faults and newest is not None and not (request.again and ended):
        faults = _differences(newest, request)
    if not faults and not request.again and newest is None and sweep.history.looks:
        faults = [_used_before(sweep)]
    if faults:
        raise InputError(*faults)
    if newest is None or (ended and request.again):
        return _begun(sweep, _next_number(sweep, earlier), request, options, observers)
    if ended:
        return Confirmed(sweep=newest, answer=newest.history.answer, outcome=None)
    return _gone_on(sweep, newest, request, options, observers)


def _next_number(sweep: Sweep, earlier: list[Sweep]) -> int:
    """One that no confirmation had, even if its folder is gone: it decides on the seeds."""
    names = [*(each.name for each in earlier), *(look.confirmation for look in sweep.history.looks)]
    return max((int(name.rpartition("-")[2]) for name in names), default=0) + 1


def _differences(newest: Sweep, request: Request) -> list[str]:
    """Why the newest confirmation is not what is asked for."""
    name, derived = f"{newest.folder.parent.name}/{newest.name}", newest.history.sweep.derived or {}
    unfinished = newest.history.answer is None
    if request.again and unfinished:
        return [f"{name} has not ended: leave out --again to go on with it, or remove its folder."]
    begun = {"top": derived["top"], "seeds": len(derived["seeds"])}
    other = [f"--{key} {value}" for key, value in begun.items() if getattr(request, key) not in (None, value)]
    if not other:
        return []
    remedy = (
        "Leave these options out to go on with it."
        if unfinished
        else "Leave these options out to see its answer; a second one uses the test split once more and needs --again."
    )
    return [f"{name} was begun with {' '.join(other)}. {remedy}"]


def _used_before(sweep: Sweep) -> str:
    last = sweep.history.looks[-1]
    day = time.strftime("%Y-%m-%d", time.gmtime(last.at))
    return (
        f"the test split was used for {sweep.name} on {day} ({last.confirmation}), whose folder is not there any more. "
        "Put it back to see what it found; a second use of the test split needs --again."
    )


def _begun(sweep: Sweep, number: int, request: Request, options: RunOptions, observers: Watching | None) -> Confirmed:
    top, seeds = request.top or TOP, request.seeds or SEEDS
    found = nested.experiment_of(sweep, options)
    experiment = found.experiment
    if request.refit and (fault := refit_fault(experiment.trainable)):
        raise InputError(fault)
    candidates = leading(sweep.history, top)
    if not candidates:
        raise InputError(f"{sweep.name} has no trial with a value yet, so there is nothing to confirm.")
    if not experiment.takes("seed"):
        raise InputError(
            f"confirming takes fresh seeds, but {trainable_name(experiment.trainable)} takes no 'seed'. Give its "
            "configuration a field 'seed' that its chance comes from."
        )
    asks = sweep.history.asks
    with data_folder(options.data):
        refuse_unfit(sweep, experiment, candidates[0])
        names = drawn_anew(experiment, asks, candidates[0].config)
        candidates, notes = with_defaults(candidates, experiment, asks)
        test_metric, untested = measured(experiment, candidates[0], names)
    drawn = fresh_seeds(experiment, names, number, seeds)
    derived = {
        "kind": KIND,
        "number": number,
        "top": top,
        "seeds": drawn,
        "candidates": [dataclasses.asdict(each) for each in candidates],
        "test_metric": test_metric,
        "notes": [*notes, *untested, *unfinished(sweep.history)],
    }
    again = _repeated(dataclasses.replace(experiment, epochs=asks["epochs"]), candidates, drawn)
    found = dataclasses.replace(found, experiment=again, question=question(candidates, seeds))
    folder = sweep.folder / f"{CONFIRMATION}-{number}"
    watch = observers(found) if observers else None
    outcome = nested.begin(found, folder, derived, options, watch, epilogue=_concluding(folder))
    return Confirmed(sweep=outcome.sweep, answer=outcome.sweep.history.answer, outcome=outcome)


def _repeated(experiment: Experiment, candidates: list[Candidate], seeds: list[dict[str, int]]) -> Experiment:
    """Each configuration on the first seed, then each on the second, and so on: comparable wherever it is cut."""
    pairs = [(each, place) for place in range(len(seeds)) for each in candidates]
    return repetition(
        experiment,
        [{**each.config, **seeds[place]} for each, place in pairs],
        [f"{each.label} on seed {place + 1} of {len(seeds)}" for each, place in pairs],
        FIFO(),
    )


def _gone_on(
    sweep: Sweep,
    confirmation: Sweep,
    request: Request,
    options: RunOptions,
    observers: Watching | None,
) -> Confirmed:
    found = nested.repeated(nested.experiment_of(sweep, options), confirmation, FIFO())
    if request.refit and (fault := refit_fault(found.experiment.trainable)):
        raise InputError(fault)
    watch = observers(found) if observers else None
    outcome = nested.go_on(found, confirmation, options, watch, epilogue=_concluding(confirmation.folder))
    return Confirmed(sweep=outcome.sweep, answer=outcome.sweep.history.answer, outcome=outcome)


def _concluding(folder: Path) -> Callable[[Calls], None]:
    def conclude(calls: Calls) -> None:
        from experiments._sweep.derived.confirmation.answering import (
            answer_of,  # scipy takes a second, which no trial waits for
        )

        conductor = calls.conductor
        if metric := (conductor.history.sweep.derived or {})["test_metric"]:
            use_test_split(calls, folder, metric)
        if conductor.halt is None:
            answer = answer_of(conductor.history, folder.parent.name)
            conductor.journal.write(Answered(answer=answer, t=conductor.journal.t))

    return conclude
