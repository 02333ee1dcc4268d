"""The sweeps that are compared: each experiment with each seed, run where it is missing, then read from its ledger."""

from __future__ import annotations

import dataclasses
import importlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from experiments import InputError, open_sweep

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from experiments import Experiment

ROOT = Path(__file__).resolve().parent.parent.parent
STRATEGIES = ("digits_grid", "digits_random", "digits_bayes")
INTERRUPTED = 130
_NOT_FINAL = {"running", "held", "interrupted"}
_COUNT = {"completed", "diverged"}


class UnfitError(Exception):
    """A sweep that cannot be compared: trials of it failed, or it asked something else than its experiment does now."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One sweep: an experiment with a seed."""

    strategy: str
    """The experiment's name."""
    seed: int
    folder: Path
    """Holds the sweeps."""

    @property
    def name(self) -> str:
        """The sweep's."""
        return f"{self.strategy}-seed-{self.seed}"

    @property
    def experiment(self) -> Experiment:
        """What it asks."""
        found: Experiment = importlib.import_module(f"experiments.{self.strategy}").experiment
        return dataclasses.replace(found, seed=self.seed)

    def command(self) -> list[str]:
        """Runs it, or goes on with it: in its process, since Ray's start would take as long as the sweep."""
        chosen = ["--seed", str(self.seed), "--name", self.name, "--storage", str(self.folder)]
        how = ["--here", "--keep", "1", "--resume-if-exists"]
        return [sys.executable, "-m", "experiments", "run", self.strategy, *chosen, *how]

    def is_finished(self) -> bool:
        """Whether nothing of it is left to run.

        Raises:
            UnfitError: Trials of it failed, or it has finished, but asked something else.
        """
        try:
            sweep = open_sweep(self.folder / self.name)
        except InputError:  # there is none yet
            return False
        trials, experiment = sweep.trials, self.experiment
        failed = [trial for trial in trials if trial.ending not in _COUNT | _NOT_FINAL]
        if failed:
            raise UnfitError(
                f"trial {failed[0].trial} of {sweep.folder} ended by {failed[0].ending}, which says nothing of its "
                f"configuration: {failed[0].why}. Mend that, remove the folder, and give the command again."
            )
        if len(trials) < experiment.num_trials or any(trial.ending in _NOT_FINAL for trial in trials):
            return False
        if sweep.history.asks != experiment.asks():
            raise UnfitError(
                f"{sweep.folder} was made by another {self.strategy} than the one that is there now. Remove it, or "
                "choose another --folder."
            )
        return True


@dataclass(frozen=True, kw_only=True)
class Results:
    """What the sweeps of one strategy found."""

    strategy: str
    values: Sequence[Sequence[float]]
    """Of each seed, of each trial by number: its best validation loss; infinite where it has none."""
    starts_at_random: int
    """So many trials of each sweep are random before a model proposes; 0 where none does."""


def plans(folder: Path, seeds: Iterable[int]) -> list[Plan]:
    """All sweeps, seed by seed: interrupted, there is something of each strategy."""
    return [Plan(strategy=strategy, seed=seed, folder=folder) for seed in seeds for strategy in STRATEGIES]


def run(wanted: Sequence[Plan], *, at_a_time: int) -> int:
    """Run what is missing and tell it; the exit code: of the first sweep that failed, or 130 when interrupted."""
    missing = [plan for plan in wanted if not plan.is_finished()]
    print(f"{len(wanted)} sweeps, {len(wanted) - len(missing)} of them finished already", flush=True)
    if not missing:
        return 0
    crew, began, failed = _Crew(), time.monotonic(), 0
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ThreadPoolExecutor(at_a_time) as threads:
        try:
            futures = {threads.submit(crew.work, plan): plan for plan in missing}
            for done, future in enumerate(as_completed(futures), start=1):
                code, said = future.result()
                passed = time.monotonic() - began
                how = {0: "finished", INTERRUPTED: "interrupted"}.get(code) or f"FAILED with exit code {code}\n{said}"
                print(f"[{passed:6.1f} s] {done} of {len(missing)}: {futures[future].name} {how}", flush=True)
                if code and not failed:
                    failed = code
                    crew.leave()
        except KeyboardInterrupt:
            print("interrupted: sweeps end at their next epoch; the same command goes on", file=sys.stderr, flush=True)
            crew.leave()
            return INTERRUPTED
        finally:
            signal.signal(signal.SIGTERM, before)
    return failed


def results(finished: Sequence[Plan]) -> Mapping[str, Results]:
    """What was found, by strategy, from the ledgers."""
    found = {}
    for strategy in dict.fromkeys(plan.strategy for plan in finished):
        of_it = [plan for plan in finished if plan.strategy == strategy]
        found[strategy] = Results(
            strategy=strategy,
            values=[values_of(plan.folder / plan.name) for plan in of_it],
            starts_at_random=getattr(of_it[0].experiment.search, "n_initial_points", 0),
        )
    return found


def values_of(sweep: Path) -> list[float]:
    """The best validation loss of each trial of a sweep, in the order in which they were handed out."""
    trials = sorted(open_sweep(sweep).trials, key=lambda trial: trial.trial)
    return [float("inf") if trial.value is None else trial.value for trial in trials]


class _Crew:
    """The processes at work: each in a session of its own, so that Ctrl+C reaches it once, from here."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._working: set[subprocess.Popen[str]] = set()
        self._leaving = False

    def work(self, plan: Plan) -> tuple[int, str]:
        """Run one sweep; its exit code, and the end of what it said."""
        one_thread = {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        with self._lock:
            if self._leaving:
                return INTERRUPTED, ""
            process = subprocess.Popen(
                plan.command(),
                cwd=ROOT,
                env=os.environ | one_thread,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
            self._working.add(process)
        said, _ = process.communicate()
        with self._lock:
            self._working.discard(process)
        return process.returncode, said[-2000:].rstrip()

    def leave(self) -> None:
        """Ask all to end at their next epoch, and begin nothing more."""
        with self._lock:
            self._leaving = True
            for process in self._working:
                process.send_signal(signal.SIGINT)
