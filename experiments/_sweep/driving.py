"""One driver of one sweep: it takes the lease, works until the sweep ends, and lets go.

What it needs was checked before; what it decides, the conductor decides.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.cluster.joining import imports_of
from experiments._sweep.disk import FirstCheckpoint
from experiments._sweep.elsewhere.observer import Elsewhere
from experiments._sweep.engine.calls import Calls
from experiments._sweep.engine.deciding.conductor import Conductor
from experiments._sweep.engine.journal import Journal
from experiments._sweep.engine.on_ray.entry.session import private_files
from experiments._sweep.engine.segment import TrainableSource, Workplace
from experiments._sweep.engine.signals import Drain
from experiments._sweep.engine.storage import with_remedy
from experiments._sweep.engine.tidying_store import tidying
from experiments._sweep.ledger.lease import SweepInUseError
from experiments._sweep.ledger.records import (
    LIMIT_REASONS,
    SCHEMA,
    SUCCESSES,
    DriverEnded,
    DriverStarted,
    SweepOpened,
)
from experiments._sweep.store.lease import lease_of
from experiments._sweep.store.ledger import ledger_of
from experiments._sweep.store.patience import patience_s
from experiments._sweep.store.places import place_of, url_of
from experiments._sweep.sweep import Sweep
from experiments._sweep.working import fault_of, work

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from experiments._sweep.engine.deciding.assignments import Halt
    from experiments._sweep.engine.journal import Observer
    from experiments._sweep.options import RunOptions
    from experiments._sweep.registry import FoundExperiment
    from experiments._sweep.working import Epilogue


CODES = {
    "finished": 0,
    "target": 0,
    "no improvement": 0,
    "time limit": 0,
    "failed": 1,
    "fault": 3,
    "interrupted": 130,
}
"""Why a driver ended to its exit code."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a driver ended."""

    sweep: Sweep
    reason: str
    why: str
    code: int
    """The exit code."""
    driven: bool = True
    """Whether a driver ran; False where nothing was left to do."""


def drive(
    found: FoundExperiment,
    folder: Path,
    options: RunOptions,
    observers: Callable[[Path], Sequence[Observer]] | None,
    opened: SweepOpened | None,
    *,
    refit_until: int | None = None,
    epilogue: Epilogue | None = None,
    changed: Mapping[str, Any] | None = None,
    take_over: bool = False,
) -> Outcome:
    """Runs the sweep in `folder` until it has ended or is asked to.

    Args:
        found: The experiment and where it came from.
        folder: The sweep's folder; absolute, and there.
        options: Where and how much.
        observers: Makes those who watch.
        opened: The first line of a new sweep, None where an old one goes on.
        refit_until: Where the trainable trains on training and validation rows together: its last epoch.
        epilogue: What is done when all trials have ended, in the same Ray session.
        changed: Fields of `DriverStarted` that say what is not as it was: `asks`, `overrides`, `versions`, `code`.
        take_over: Take the sweep from a driver that may still live.

    Raises:
        SweepInUseError: If another driver is at work on it.
    """
    lease, drain = lease_of(folder), Drain(options.time_limit_s)
    with (
        drain.listening(),
        private_files(),
        lease.held(over=take_over) as left,
        contextlib.closing(_journal(found, folder, options, observers, drain, begins=opened is not None)) as journal,
    ):
        elsewhere = _elsewhere(found, folder, options, journal, drain)
        journal.write(*([opened] if opened else []), _started(journal, options, changed or {}))
        if left:
            journal.note(left)
        try:
            conductor = Conductor(found.experiment, journal, folder, lambda: patience_s(hurried=drain.hurried))
        except Exception as error:  # noqa: BLE001 - what Ray's searcher or scheduler raised when told the ledger
            return _let_go(journal, folder, fault_of(error))
        workplace = _workplace(found, folder, options, refit_until, journal.history.driver)
        calls = Calls(conductor=conductor, workplace=workplace, drain=drain, on_ray=not options.here)
        halt = work(calls, folder, options, epilogue, lease, elsewhere=elsewhere)
        return _let_go(journal, folder, halt, conductor.shortfall)


def _journal(
    found: FoundExperiment,
    folder: Path,
    options: RunOptions,
    observers: Callable[[Path], Sequence[Observer]] | None,
    drain: Drain,
    *,
    begins: bool,
) -> Journal:
    """The ledger, and all who watch it."""
    writer = ledger_of(folder, lambda: drain.hurried)
    if begins and writer.entries:
        writer.close()
        raise SweepInUseError(f"{place_of(folder)} was begun by another process a moment ago. Give the command again.")
    journal = Journal(writer, observers(folder) if observers else [], found.experiment.redactor)
    journal.watch(tidying(folder, options.keep, journal))
    journal.watch(FirstCheckpoint(folder, found.experiment, options, journal.note))
    return journal


def _elsewhere(found: FoundExperiment, folder: Path, options: RunOptions, journal: Journal, drain: Drain) -> Elsewhere:
    """Who tells the experiment's callbacks what the ledger says."""
    given = found.experiment.callbacks
    elsewhere = Elsewhere(
        given, journal.note, lambda: drain.hurried, folder=folder, experiment=found.name, here=options.here
    )
    if given:
        journal.watch(elsewhere)
    return elsewhere


def _started(journal: Journal, options: RunOptions, changed: Mapping[str, Any]) -> DriverStarted:
    limited = {} if options.time_limit_s is None else {"time_limit_s": options.time_limit_s}
    return DriverStarted(
        driver=journal.history.driver + 1,
        host=socket.gethostname(),
        pid=os.getpid(),
        data_dir=options.data,
        limits=dict(options.limits) or None,
        settings={"keep": options.keep, "stall_timeout_s": options.stall_timeout_s, **limited},
        schema=SCHEMA,
        at=time.time(),
        **changed,
    )


def _workplace(
    found: FoundExperiment, folder: Path, options: RunOptions, refit_until: int | None, driver: int
) -> Workplace:
    experiment, path = found.experiment, found.source.get("path")
    by_file = TrainableSource(path=path, trainable=None, refit_until=refit_until)
    return Workplace(
        source=by_file if path else TrainableSource(path=None, trainable=experiment.trainable),
        sweep=str(folder),
        working_directory=str(Path.cwd()),
        data_dir=options.data,
        store=url_of(folder),
        driver=driver,
        imports={} if options.here else imports_of(options.address, path, store=url_of(folder) is not None),
        installs=options.install_missing,
        metric=experiment.metric,
        mode=experiment.mode,
        secrets=experiment.secrets,
        constants=experiment.constants,
    )


def _let_go(journal: Journal, folder: Path, halt: Halt | None, shortfall: str = "") -> Outcome:
    reason, why = (halt.reason, journal.without_secrets(halt.why)) if halt else ("finished", shortfall)
    history = journal.history
    try:
        journal.write(DriverEnded(driver=history.driver, reason=reason, why=why, t=journal.t, at=time.time()))
    except OSError as error:  # the ledger needs no last line
        if reason != "fault":  # else it has been said already
            journal.note(with_remedy(error))
    code = CODES[reason]
    valued = reason in LIMIT_REASONS and history.best is not None  # the best trial may have been drained
    if code == 0 and not valued and not any(history.in_state(*SUCCESSES)):
        code, why = 1, why or "no trial succeeded"
    return Outcome(sweep=Sweep(folder), reason=reason, why=why, code=code)
