"""The command `sweep` in a session of its own, watched until it ends: by itself, by its bomb, or killed from here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.chaos_runs import processes, witness
from scripts.chaos_runs.launcher import BOMB
from scripts.chaos_runs.orders import ORDER
from scripts.chaos_runs.plan import RANDOM
from scripts.chaos_runs.witness import Told

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from scripts.chaos_runs.plan import Fault, Plan

REPOSITORY = Path(__file__).resolve().parents[2]
SWEEP = (str(Path(sys.executable).parent / "sweep"),)
LAUNCHER = (sys.executable, "-m", "scripts.chaos_runs.launcher")
QUESTIONS = Path(__file__).resolve().parent / "questions"
LONGEST_S = 180.0
"""A driver that takes longer hangs."""
LOOK_S = 0.01


def question_file(plan: Plan) -> Path:
    """The experiment's file."""
    return QUESTIONS / f"{plan.question.replace('-', '_')}.py"


STOP = threading.Event()
"""Set when the run was interrupted: drivers are ended, and no other one is started."""


class HangingError(Exception):
    """A driver did not end; the message says which and what it printed last."""


class StoppedError(Exception):
    """The run was interrupted."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a seed's sweep lives: the folder of its commands, and Ray's own files, whose paths must be short."""

    folder: Path
    ray: Path
    mark: str

    @property
    def witness(self) -> Path:
        """What trial processes and killers tell."""
        return self.folder / "witness"

    def order(self, driver: int) -> Path:
        """The order to that process of the driver's trials that saves next, where there is one."""
        return self.folder / f"order-{driver:02d}"

    def environment(self, driver: int, bomb: Fault | None) -> dict[str, str]:
        """The environment of a command: a home of its own, no other cluster, one thread for each process."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "CHAOS_"))}
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        fields = {name: getattr(bomb, name) for name in ("phase", "point", "nth", "share")} if bomb else {}
        return {
            **kept,
            "HOME": str(home),
            "RAY_TMPDIR": str(self.ray),
            "PYTHONPATH": str(REPOSITORY),
            "OMP_NUM_THREADS": "1",
            processes.MARK: self.mark,
            witness.WITNESS: str(self.witness),
            ORDER: str(self.order(driver)),
            BOMB: json.dumps(fields),
        }


class Driver:
    """One command, from its start to its end."""

    def __init__(self, number: int, arguments: Sequence[str], place: Place, bomb: Fault | None) -> None:
        self.number = number
        self._place = place
        self._log = place.folder / f"driver-{number:02d}.log"
        self._told_before = len(witness.read(place.witness))
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*(LAUNCHER if bomb else SWEEP), *arguments],
                cwd=place.folder,
                env=place.environment(number, bomb),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid

    @property
    def printed(self) -> str:
        """The last lines that it printed."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])

    def wait(self, moments: Sequence[Fault], rng: random.Random) -> int:
        """Waits for its end, and kills at the random moments meanwhile; its exit code, negative where it was killed.

        Raises:
            HangingError: If it does not end; it was killed then.
            StoppedError: If the run was interrupted; it was killed then.
        """
        left, begun_at = list(moments), None
        end = time.monotonic() + LONGEST_S
        try:
            while self._process.poll() is None:
                if STOP.wait(LOOK_S):
                    raise StoppedError
                now = time.monotonic()
                if now > end:
                    raise HangingError(f"driver {self.number} did not end in {LONGEST_S:g} s:\n{self.printed}")
                if left and begun_at is None and self._has_begun():
                    begun_at = now
                if begun_at is not None and left and now - begun_at >= left[0].wait_s and self._strike(left[0], rng):
                    left.pop(0)
        except BaseException:
            self.end()
            raise
        return self._process.returncode

    def _has_begun(self) -> bool:
        return any(told.what == "begins" for told in witness.read(self._place.witness)[self._told_before :])

    def _strike(self, fault: Fault, rng: random.Random) -> bool:
        """Kills whom the fault is for; whether there was anybody to kill."""
        told = witness.read(self._place.witness)[self._told_before :]
        trains = {each.pid: each.seed for each in told if each.what == "begins"}
        trials = processes.of_trials(self.pid, self._place.mark) if fault.target != "driver" else []
        if fault.target == "trial":
            trials = [rng.choice(sorted(trials))] if trials else []
        elif fault.target == "both" and not trials:
            return False
        victims = [*([self.pid] if fault.target != "trial" else []), *trials]
        killed = [pid for pid in victims if processes.kill(pid, session=self.pid)]
        for pid in killed[:1] if fault.target != "trial" else killed:
            kill = Told(what="kill", pid=pid, driver=self.pid, seed=trains.get(pid), target=fault.target, phase=RANDOM)
            witness.append(self._place.witness, kill)
        return bool(killed)

    def end(self) -> None:
        """Kills all that is left of it."""
        for pid in [self.pid, *processes.of_session(self.pid)]:
            processes.kill(pid, session=self.pid)
        self._process.wait()
