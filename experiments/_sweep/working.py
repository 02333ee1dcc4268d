"""A driver's work: trials on Ray or in this process until the sweep ends, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import traceback
from functools import partial
from typing import TYPE_CHECKING

from experiments._sweep.cluster.joining import code_for
from experiments._sweep.engine.deciding.assignments import Halt
from experiments._sweep.engine.here import run_here
from experiments._sweep.engine.on_ray.entry.session import ray_session
from experiments._sweep.engine.on_ray.entry.tokens import close_token_file
from experiments._sweep.engine.on_ray.last_words import end_at_once
from experiments._sweep.engine.on_ray.lifeline import Lifeline
from experiments._sweep.engine.on_ray.nodes.entering import places_for_trials
from experiments._sweep.engine.on_ray.probing import probe_of_session
from experiments._sweep.engine.on_ray.processes import end_all, of_this_session
from experiments._sweep.engine.on_ray.stalls import Stalls
from experiments._sweep.engine.storage import with_remedy
from experiments._sweep.errors import EngineError
from experiments._sweep.ledger.records import LIMIT_REASONS
from experiments._sweep.options import data_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from experiments._sweep.elsewhere.observer import Elsewhere
    from experiments._sweep.engine.calls import Calls
    from experiments._sweep.ledger.lease import Lease
    from experiments._sweep.options import RunOptions

    Epilogue = Callable[[Calls], None]


def work(
    calls: Calls, folder: Path, options: RunOptions, epilogue: Epilogue | None, lease: Lease, *, elsewhere: Elsewhere
) -> Halt | None:
    """Runs the trials, and what comes after them; why it ended early, None where it did not."""
    conductor = calls.conductor
    try:
        if options.here:
            with data_folder(options.data):
                run_here(conductor, calls.workplace, drain=calls.drain)
                _conclude(epilogue, calls)
        else:
            _work_on_ray(calls, folder, options, epilogue, lease, elsewhere=elsewhere)
    except KeyboardInterrupt:
        halt = Halt(reason="interrupted", why="interrupted by SIGINT")
    except (EngineError, OSError) as error:
        halt = Halt(reason="fault", why=with_remedy(error) if isinstance(error, OSError) else str(error))
    except Exception as error:  # noqa: BLE001 - a searcher, a scheduler or the package: recorded, and resumable
        halt = fault_of(error)
    else:
        return conductor.halt
    with contextlib.suppress(OSError):  # the ledger is read as if the driver had been killed
        conductor.cut(halt.why.rpartition("\n")[2])
    return halt


def _work_on_ray(
    calls: Calls, folder: Path, options: RunOptions, epilogue: Epilogue | None, lease: Lease, *, elsewhere: Elsewhere
) -> None:
    from experiments._sweep.engine.on_ray.running import run_on_ray

    conductor, drain = calls.conductor, calls.drain
    lost, processes = [], {}

    def when_lost(why: str) -> None:
        lost.append(why)
        processes.update(of_this_session())
        conductor.stop("fault", why)
        drain.cut_short()

    if options.address != "local" and (closed := close_token_file()):
        conductor.journal.note(closed)
    lifeline = Lifeline(when_lost, partial(end_at_once, conductor, lease, folder))
    stalls = Stalls(options.stall_timeout_s, conductor.history)
    try:
        with (
            lifeline,
            code_for(
                options.address,
                calls.workplace.source.path,
                store=calls.workplace.store is not None,
                install_missing=options.install_missing,
            ) as code,
            ray_session(options.address, insecure=options.insecure, runtime_env=code),
            lifeline.watching(probe_of_session()),
        ):
            try:
                slots = places_for_trials(
                    calls, address=options.address, concurrent=options.concurrent, wait_s=options.wait_for_nodes_s
                )
                run_on_ray(conductor, calls.workplace, folder=folder, slots=slots, drain=drain, stalls=stalls)
                _conclude(epilogue, calls)
            finally:
                elsewhere.finish(conductor.history, hasty=lambda: _hasty(calls))
    except Exception as error:
        if lost:  # whatever Ray raised then
            raise EngineError(lost[0]) from error
        raise
    finally:
        end_all(processes)


def _hasty(calls: Calls) -> bool:
    """Whether somebody waits for the driver to end, or it has no more time."""
    halt = calls.conductor.halt
    return calls.drain.hurried or (halt is not None and halt.reason not in LIMIT_REASONS)


def _conclude(epilogue: Epilogue | None, calls: Calls) -> None:
    if epilogue is not None and calls.conductor.halt is None:
        epilogue(calls)


def fault_of(error: Exception) -> Halt:
    """The end of a driver by an exception that nobody has foreseen."""
    return Halt(reason="fault", why="".join(traceback.format_exception(error)).rstrip())
