"""The driver's own cost, of trials that do nothing, beside Ray Tune as its documentation has it, in the same run.

Every sweep has a process of its own, begun anew to resume it. What grows is told by the driver's CPU seconds within one
sweep: other work on the machine makes the seconds on the clock longer, and hardly these. Random search and FIFO: what
searchers take is measured by `scripts/bench suggest`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.benchmarks.scale.driver import NAME
from scripts.benchmarks.scale.measured import CELLS, KINDS, Measurement, keep, kept, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scripts.benchmarks.scale.measured import Cell

REPOSITORY = Path(__file__).resolve().parents[3]
GROWTH_TARGET = 1.25
"""So many times what it takes early in a sweep of 1,000 trials a trial may take late in it."""

_SIDE_BY_SIDE = 16
_LEAST = 1000
"""Trials of a sweep in which growth is judged."""


def compare(*, cells: Sequence[str], kinds: Sequence[str], file: Path | None) -> int:
    """Print what each sweep took; return 0 where the cost of a trial does not grow with their number, else 1.

    Args:
        cells: Names of the sizes.
        kinds: Who is measured: `raysweeps`, `tune`.
        file: Keeps measurements, one a line; what it has is not measured again.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended like Ctrl+C: with the driver that runs
    known = kept(file)
    made: list[Measurement] = []
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs at the start", flush=True)
    for name in cells:
        for kind in kinds:
            found = known.get((name, kind))
            if found is None:
                print(f"{name}, {kind}", file=sys.stderr, flush=True)
                found = _measured(CELLS[name], kind)
                keep(file, found)
            made.append(found)
    print("\n".join(table(made)))
    print(
        "first trial: from the command to its end. resumed: raysweeps until a further trial has ended; Ray Tune, which "
        "cannot extend a sweep, until nothing was left to do.\ngrowth, by CPU: a trial in the last third over one in "
        f"the first. Load {os.getloadavg()[0]:.1f} at the end; above 1 or 2, trust CPU and ratios more than the clock."
    )
    return _judged(made)


def _judged(made: Sequence[Measurement]) -> int:
    ours = [each for each in made if each.kind == KINDS[0] and CELLS[each.cell].trials >= _LEAST]
    for each in ours:
        verdict = "reached" if each.growth <= GROWTH_TARGET else "MISSED"
        print(f"{each.cell}: {each.growth:.2f} times (target at most {GROWTH_TARGET}): {verdict}")
    return 1 if any(each.growth > GROWTH_TARGET for each in ours) else 0


def _measured(cell: Cell, kind: str) -> Measurement:
    # Ray makes sockets below its own folder, so that this one may have a long name.
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        run = _driver(cell, kind, "run", folder)
        size = sum(path.lstat().st_size for path in Path(folder, NAME).rglob("*") if not path.is_dir())
        again = _driver(cell, kind, "resume", folder)
    times = {name: tuple(run[name]) for name in ("walls", "cpus")}
    totals = {name: run[name] for name in ("seconds", "cpu", "memory_mb")}
    resumed = again["walls"][0] - (cell.seconds if kind == KINDS[0] else 0)
    return Measurement(cell=cell.name, kind=kind, **times, **totals, folder_bytes=size, resume_s=resumed)


def _driver(cell: Cell, kind: str, step: str, folder: str) -> dict[str, list[float]]:
    output = f"{folder}/{step}.json"
    share = min(1.0, (os.cpu_count() or 1) / _SIDE_BY_SIDE)
    size = [str(each) for each in (cell.seconds, cell.trials, cell.concurrent, share)]
    command = [sys.executable, "-m", "scripts.benchmarks.scale.driver", kind, step, folder, output, *size]
    driver = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        said = "".join(told[-4000:] for told in driver.communicate())
    finally:  # also where the benchmark is ended: a driver that lives on would take its Ray with it
        driver.terminate()
        driver.wait()
    if driver.returncode:
        sys.exit(f"{cell.name}, {kind}, {step}: exit {driver.returncode}\n{said}")
    found: dict[str, list[float]] = json.loads(Path(output).read_text(encoding="utf-8"))
    return found
