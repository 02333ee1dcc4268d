"""One run: a contender on a problem, one trial after another; and the file that keeps the runs."""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from scripts.benchmarks.search.contenders import contender

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scripts.benchmarks.search.problems import Problem


@dataclass(frozen=True, kw_only=True)
class Run:
    """How the regret fell, and what suggesting cost."""

    trials: int
    seconds: float
    """CPU seconds spent suggesting, all trials together: other work on the machine does not count."""
    steps: tuple[tuple[int, float], ...]
    """(trial from 1, regret from then on); before the first, no trial has succeeded."""

    def regret(self, after: int) -> float:
        """Return the regret of the configuration with the best value told in the first trials."""
        return next((regret for trial, regret in reversed(self.steps) if trial <= after), math.inf)


def run(problem: Problem, name: str, *, seed: int, trials: int) -> Run:
    """Let a contender minimize a problem.

    What counts after each trial is the configuration whose *told* value is the best so far: with noise, its regret can
    rise.
    """
    suggesting = contender(name, problem.space, seed)
    steps: list[tuple[int, float]] = []
    best, seconds = math.inf, 0.0
    for trial in range(trials):
        start = time.process_time()
        config = suggesting.ask()
        seconds += time.process_time() - start
        if config is None:
            break
        told = problem.told(config, seed=seed, trial=trial)
        if told is not None and told < best:
            best = told
            steps.append((trial + 1, float(f"{problem.regret(config):.5g}")))
        start = time.process_time()
        suggesting.tell(told)
        seconds += time.process_time() - start
    return Run(trials=trials, seconds=round(seconds, 3), steps=tuple(steps))


Key = tuple[str, str, int]
"""Problem, contender, seed."""


class Runs:
    """Runs in a file: one JSON object a line, so that what is done stays done; or in memory only."""

    def __init__(self, file: Path | None, others: Sequence[Path] = ()) -> None:
        self._file = file
        self._runs: dict[Key, Run] = {}
        for each in (*others, *([file] if file is not None else [])):
            for line in each.read_text(encoding="utf-8").splitlines() if each.exists() else ():
                self._read(json.loads(line))

    def add(self, key: Key, made: Run) -> None:
        """Keep a run."""
        self._runs[key] = made
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps({"of": key, **asdict(made)}, separators=(",", ":")) + "\n")

    def get(self, key: Key) -> Run | None:
        """Return a run, where there is one."""
        return self._runs.get(key)

    def of(self, problem: str, name: str, *, seeds: int, trials: int) -> list[Run]:
        """Return the runs of a contender on a problem with the first seeds that have as many trials."""
        found = (self._runs.get((problem, name, seed)) for seed in range(seeds))
        return [made for made in found if made is not None and made.trials >= trials]

    def _read(self, line: dict[str, Any]) -> None:
        problem, name, seed = line.pop("of")
        steps = tuple((trial, regret) for trial, regret in line.pop("steps"))
        self._runs[problem, name, seed] = Run(**line, steps=steps)
