"""One driver of one sweep: it takes the lease, runs the trials on Ray or here, and lets go.

What it needs was checked before; what it decides, the conductor decides.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
import traceback
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.disk import FirstCheckpoint
from experiments._sweep.engine.assignments import Halt
from experiments._sweep.engine.calls import Calls
from experiments._sweep.engine.conductor import Conductor
from experiments._sweep.engine.here import run_here
from experiments._sweep.engine.journal import Journal
from experiments._sweep.engine.last_words import end_at_once
from experiments._sweep.engine.lifeline import Lifeline
from experiments._sweep.engine.probing import probe_of_session
from experiments._sweep.engine.processes import end_all, of_this_session
from experiments._sweep.engine.ray_session import private_files, ray_session
from experiments._sweep.engine.segment import TrainableSource, Workplace
from experiments._sweep.engine.signals import Drain
from experiments._sweep.engine.stalls import Stalls
from experiments._sweep.engine.storage import with_remedy
from experiments._sweep.engine.tidying import Tidying
from experiments._sweep.errors import EngineError
from experiments._sweep.ledger.files import LEDGER, LedgerWriter
from experiments._sweep.ledger.lease import Lease, SweepInUseError
from experiments._sweep.ledger.records import (
    LIMIT_REASONS,
    SCHEMA,
    SUCCESSES,
    DriverEnded,
    DriverStarted,
    SweepOpened,
)
from experiments._sweep.options import RunOptions, data_folder
from experiments._sweep.sweep import Sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from experiments._sweep.engine.journal import Observer
    from experiments._sweep.registry import FoundExperiment

    Epilogue = Callable[[Calls], None]

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
    lease, drain = Lease(folder), Drain(options.time_limit_s)
    with drain.listening(), private_files():
        left = lease.take(over=take_over)
        try:
            writer = LedgerWriter(folder / LEDGER)
            if opened is not None and writer.entries:
                raise SweepInUseError(f"{folder} was begun by another process a moment ago. Give the command again.")
            watching = [*(observers(folder) if observers else []), Tidying(folder, options.keep)]
            journal = Journal(writer, watching, found.experiment.redactor)
            driver = DriverStarted(
                driver=journal.history.driver + 1,
                host=socket.gethostname(),
                pid=os.getpid(),
                data_dir=options.data,
                limits=dict(options.limits) or None,
                settings={"keep": options.keep, "stall_timeout_s": options.stall_timeout_s},
                schema=SCHEMA,
                at=time.time(),
                **(changed or {}),
            )
            journal.watch(FirstCheckpoint(folder, found.experiment, options, journal.note))
            journal.write(*([opened] if opened else []), driver)
            if left:
                journal.note(left)
            try:
                conductor = Conductor(found.experiment, journal, folder)
            except Exception as error:  # noqa: BLE001 - what Ray's searcher or scheduler raised when told the ledger
                return _let_go(journal, folder, _fault(error))
            workplace = _workplace(found, folder, options, refit_until)
            calls = Calls(conductor=conductor, workplace=workplace, drain=drain, on_ray=not options.here)
            halt = _work(calls, folder, options, epilogue, lease)
            return _let_go(journal, folder, halt, conductor.shortfall)
        finally:
            lease.release()


def _workplace(found: FoundExperiment, folder: Path, options: RunOptions, refit_until: int | None) -> Workplace:
    experiment, path = found.experiment, found.source.get("path")
    by_file = TrainableSource(path=path, trainable=None, refit_until=refit_until)
    return Workplace(
        source=by_file if path else TrainableSource(path=None, trainable=experiment.trainable),
        sweep=str(folder),
        working_directory=str(Path.cwd()),
        data_dir=options.data,
        metric=experiment.metric,
        mode=experiment.mode,
        secrets=experiment.secrets,
        constants=experiment.constants,
    )


def _work(calls: Calls, folder: Path, options: RunOptions, epilogue: Epilogue | None, lease: Lease) -> Halt | None:
    """Runs until the end; why it ended early, None where it did not."""
    conductor = calls.conductor
    try:
        if options.here:
            with data_folder(options.data):
                run_here(conductor, calls.workplace, drain=calls.drain)
                _conclude(epilogue, calls)
        else:
            _work_on_ray(calls, folder, options, epilogue, lease)
    except KeyboardInterrupt:
        conductor.cut("interrupted")
        return Halt(reason="interrupted", why="interrupted by SIGINT")
    except (EngineError, OSError) as error:
        halt = Halt(reason="fault", why=with_remedy(error) if isinstance(error, OSError) else str(error))
    except Exception as error:  # noqa: BLE001 - a searcher, a scheduler or the package: recorded, and resumable
        halt = _fault(error)
    else:
        return conductor.halt
    with contextlib.suppress(OSError):  # the ledger is read as if the driver had been killed
        conductor.cut(halt.why.rpartition("\n")[2])
    return halt


def _work_on_ray(calls: Calls, folder: Path, options: RunOptions, epilogue: Epilogue | None, lease: Lease) -> None:
    from experiments._sweep.engine.on_ray import run_on_ray

    conductor, drain = calls.conductor, calls.drain
    experiment, lost, processes = conductor.experiment, [], {}

    def when_lost(why: str) -> None:
        lost.append(why)
        processes.update(of_this_session())
        conductor.stop("fault", why)
        drain.cut_short()

    lifeline = Lifeline(when_lost, partial(end_at_once, conductor, lease, folder))
    stalls = Stalls(options.stall_timeout_s, conductor.history)
    try:
        with (
            lifeline,
            ray_session(options.address, experiment.cpus_per_trial, experiment.gpus_per_trial) as available,
            lifeline.watching(probe_of_session()),
        ):
            slots = min(available, options.concurrent or available)
            run_on_ray(conductor, calls.workplace, folder=folder, slots=slots, drain=drain, stalls=stalls)
            _conclude(epilogue, calls)
    except Exception as error:
        if lost:  # whatever Ray raised then
            raise EngineError(lost[0]) from error
        raise
    finally:
        end_all(processes)


def _conclude(epilogue: Epilogue | None, calls: Calls) -> None:
    if epilogue is not None and calls.conductor.halt is None:
        epilogue(calls)


def _fault(error: Exception) -> Halt:
    return Halt(reason="fault", why="".join(traceback.format_exception(error)).rstrip())


def _let_go(journal: Journal, folder: Path, halt: Halt | None, shortfall: str = "") -> Outcome:
    reason, why = (halt.reason, journal.without_secrets(halt.why)) if halt else ("finished", shortfall)
    history = journal.history
    with contextlib.suppress(OSError):  # a full disk has been said already; the ledger needs no last line
        journal.write(DriverEnded(driver=history.driver, reason=reason, why=why, t=journal.t, at=time.time()))
    journal.close()
    code = CODES[reason]
    valued = reason in LIMIT_REASONS and history.best is not None  # the best trial may have been drained
    if code == 0 and not valued and not any(history.in_state(*SUCCESSES)):
        code, why = 1, why or "no trial succeeded"
    return Outcome(sweep=Sweep(folder), reason=reason, why=why, code=code)
