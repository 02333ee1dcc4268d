"""Where everything comes together: a new sweep is started, an old one resumed.

Order: everything is checked, then the folder is made and leased, then Ray is started, then trials run.
"""

from __future__ import annotations

import contextlib
import math
import os
import platform
import socket
import time
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.checks import corner_configurations
from experiments._sweep.engine.conductor import Conductor, Halt
from experiments._sweep.engine.here import run_here
from experiments._sweep.engine.journal import Journal
from experiments._sweep.engine.ray_session import address_fault, local_slots, ray_session
from experiments._sweep.engine.segment import TrainableSource, Workplace
from experiments._sweep.errors import EngineError, InputError
from experiments._sweep.ledger.files import LEDGER, LedgerWriter, read
from experiments._sweep.ledger.lease import Lease
from experiments._sweep.ledger.records import SCHEMA, SUCCESSES, DriverEnded, DriverStarted, SweepOpened
from experiments._sweep.names import new_folder
from experiments._sweep.sweep import Sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from experiments._sweep.engine.journal import Observer
    from experiments._sweep.experiment import Experiment
    from experiments._sweep.registry import FoundExperiment

CODES = {"finished": 0, "time limit": 0, "failed": 1, "fault": 3, "interrupted": 130}


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Where and how much: what does not belong to the question."""

    name: str | None = None
    storage: str = "results"
    concurrent: int | None = None
    time_limit_s: float | None = None
    address: str = "local"
    data_dir: str | None = None
    here: bool = False

    def faults(self) -> Iterator[str]:
        """What is wrong with them."""
        if self.concurrent is not None and (not isinstance(self.concurrent, int) or self.concurrent < 1):
            yield f"--concurrent must be a whole number of at least 1, got {self.concurrent!r}."
        if self.time_limit_s is not None and not (self.time_limit_s > 0 and math.isfinite(self.time_limit_s)):
            yield f"--time-limit must be above 0 seconds, got {self.time_limit_s!r}."
        if self.data_dir is not None and not Path(self.data_dir).expanduser().is_dir():
            yield f"--data-dir: there is no folder {self.data_dir}. Give the folder that holds the data sets."
        fault = address_fault(self.address)
        if fault:
            yield fault

    @property
    def data(self) -> str | None:
        """The data folder, absolute, None where the environment says where."""
        return None if self.data_dir is None else str(Path(self.data_dir).expanduser().resolve())


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a driver ended."""

    sweep: Sweep
    reason: str
    why: str
    code: int
    """The exit code."""


def preflight(found: FoundExperiment, options: RunOptions) -> list[str]:
    """Everything that can be known to be wrong before anything starts."""
    faults = list(options.faults())
    experiment = found.experiment
    if options.here and not hasattr(experiment.trainable, "epochs"):
        faults.append(
            "--here runs trainables that yield epochs; a plain Ray function reports through Ray. Run it without --here, "
            "or write it as a trainable."
        )
    check = getattr(experiment.trainable, "faults", None)
    if check is not None:
        with _data_dir(options.data):
            faults += [fault for config in corner_configurations(experiment) for fault in check(config)]
    return list(dict.fromkeys(faults))


def start_sweep(
    found: FoundExperiment, options: RunOptions, observers: Callable[[Path], Sequence[Observer]] | None = None
) -> Outcome:
    """Runs an experiment as a new sweep.

    Raises:
        InputError: If anything is wrong before anything starts; nothing was written.
        EngineError: If this machine cannot hold a trial; nothing was written.
    """
    faults = preflight(found, options)
    if faults:
        raise InputError(*faults)
    _check_resources(found.experiment, options)
    storage = Path(options.storage).expanduser()
    folder = new_folder(storage, options.name, found.name)
    storage.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    opened = SweepOpened(
        schema=SCHEMA,
        name=folder.name,
        question=found.question,
        source=found.source,
        overrides=found.overrides,
        asks=found.experiment.asks(),
        versions=versions(),
        at=time.time(),
    )
    return _drive(found.experiment, found.source, folder.resolve(), options, observers, opened)


def resume_sweep(
    folder: Path,
    found: FoundExperiment,
    options: RunOptions,
    observers: Callable[[Path], Sequence[Observer]] | None = None,
) -> Outcome:
    """Goes on with the sweep in `folder`; where nothing is left to do, says so by its outcome.

    Raises:
        InputError: If the experiment is not what it was, or something else is wrong.
        SweepInUseError: If another driver is at work on it.
    """
    faults = preflight(found, options)
    faults += changes(Sweep(folder).history.sweep.asks, found.experiment.asks())
    if faults:
        raise InputError(*faults)
    _check_resources(found.experiment, options)
    return _drive(found.experiment, found.source, folder.resolve(), options, observers, None)


def changes(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What is not as it was when the sweep began, a sentence each."""
    return [
        f"{key} has changed since the sweep began: {_short(then.get(key))} then, {_short(now.get(key))} now. Undo the "
        "change to resume, or start a new sweep."
        for key in sorted({*then, *now})
        if then.get(key) != now.get(key)
    ]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 300 else f"{text[:300]} ..."


def _check_resources(experiment: Experiment, options: RunOptions) -> None:
    if options.address == "local" and not options.here:
        local_slots(experiment.cpus_per_trial, experiment.gpus_per_trial)


def _drive(
    experiment: Experiment,
    source: dict[str, str],
    folder: Path,
    options: RunOptions,
    observers: Callable[[Path], Sequence[Observer]] | None,
    opened: SweepOpened | None,
) -> Outcome:
    lease = Lease(folder)
    lease.take()
    try:
        writer = LedgerWriter(folder / LEDGER)
        journal = Journal(writer, observers(folder) if observers else [])
        driver = DriverStarted(
            driver=journal.history.driver + 1,
            host=socket.gethostname(),
            pid=os.getpid(),
            data_dir=options.data,
            at=time.time(),
        )
        journal.write(*([opened] if opened else []), driver)
        conductor = Conductor(experiment, journal)
        workplace = Workplace(
            source=TrainableSource(
                path=source.get("path"), trainable=None if "path" in source else experiment.trainable
            ),
            sweep=str(folder),
            working_directory=str(Path.cwd()),
            metric=experiment.metric,
            mode=experiment.mode,
        )
        halt = _work(conductor, workplace, folder, options)
        return _let_go(journal, folder, halt)
    finally:
        lease.release()


def _work(conductor: Conductor, workplace: Workplace, folder: Path, options: RunOptions) -> Halt | None:
    """Runs until the end; why it ended early, None where it did not."""
    experiment = conductor.experiment
    try:
        if options.here:
            with _data_dir(options.data):
                run_here(conductor, workplace, time_limit_s=options.time_limit_s)
            return conductor.halt
        from experiments._sweep.engine.on_ray import run_on_ray

        with ray_session(
            options.address, experiment.cpus_per_trial, experiment.gpus_per_trial, options.data
        ) as available:
            slots = min(available.number, options.concurrent or available.number)
            run_on_ray(conductor, workplace, folder=folder, slots=slots, time_limit_s=options.time_limit_s)
    except KeyboardInterrupt:
        conductor.cut("interrupted")
        return Halt(reason="interrupted", why="interrupted by SIGINT")
    except (EngineError, OSError) as error:
        return Halt(reason="fault", why=str(error))
    return conductor.halt


def _let_go(journal: Journal, folder: Path, halt: Halt | None) -> Outcome:
    reason, why = (halt.reason, halt.why) if halt else ("finished", "")
    history = journal.history
    with contextlib.suppress(OSError):  # a full disk has been said already; the ledger needs no last line
        journal.write(DriverEnded(driver=history.driver, reason=reason, why=why, t=journal.t, at=time.time()))
    journal.close()
    code = CODES[reason]
    if code == 0 and not any(history.in_state(*SUCCESSES)):
        code, why = 1, why or "no trial succeeded"
    return Outcome(sweep=Sweep(folder), reason=reason, why=why, code=code)


@contextlib.contextmanager
def _data_dir(folder: str | None) -> Iterator[None]:
    before = os.environ.get("RAYSWEEPS_DATA")
    if folder:
        os.environ["RAYSWEEPS_DATA"] = folder
    try:
        yield
    finally:
        if folder and before is None:
            del os.environ["RAYSWEEPS_DATA"]
        elif folder and before is not None:
            os.environ["RAYSWEEPS_DATA"] = before


def versions() -> dict[str, str]:
    """What the sweep runs with."""
    found = {"python": platform.python_version()}
    for package in ("raysweeps", "ray", "torch", "torchvision", "hyperopt", "scikit-learn", "numpy"):
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


__all__ = ["Outcome", "RunOptions", "preflight", "read", "replace", "resume_sweep", "start_sweep"]
