"""`housing_forest` beside the plain loop of hyperopt's `fmin` over scikit-learn's `cross_val_score`, in the same run.

Both look at as many configurations, within the same bounds, on the same five folds of the same rows. Each is a process
of its own, as a person would start it: the command `sweep run`, Ray's start included, with two trials at a time, and
the loop, one configuration after another. Two processes make it twice as fast; the rest comes from what is cut:
configurations that are clearly worse after some folds, which are counted here. No tree serves two configurations.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.benchmarks.housing.measured import KINDS, Measurement, keep, kept, of_plain, of_sweep, table

if TYPE_CHECKING:
    from collections.abc import Sequence

REPOSITORY = Path(__file__).resolve().parents[3]
SPEED_TARGET = 4.0
"""So many times sooner the sweep must end, by the median over the seeds."""

LOSS_TARGET = 0.002
"""So much worse, as a fraction, the sweep's best loss may be, by the mean over the seeds."""

_AT_ONCE = 2


def compare(*, seeds: Sequence[int], evaluations: int, file: Path | None) -> int:
    """Print what each search took and found; return 0 where both targets are reached, 1 where not, 2 without the data.

    Args:
        seeds: Of the searches, the same for both kinds.
        evaluations: Configurations that each looks at.
        file: Keeps measurements, one a line; what it has is not measured again.
    """
    from trainables import random_forest

    faults = random_forest.faults({"dataset": "california_housing"})
    if faults:
        print("\n".join(faults), file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended like Ctrl+C: with the search that runs
    known = kept(file)
    made: list[Measurement] = []
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs at the start", flush=True)
    for seed in seeds:
        for kind in KINDS:
            found = known.get((kind, seed, evaluations))
            if found is None:
                print(f"{kind}, seed {seed}: {evaluations} configurations", file=sys.stderr, flush=True)
                found = _measured(kind, seed, evaluations)
                keep(file, found)
            made.append(found)
    print("\n".join(table(made)))
    print(
        "clock: from the start of the command to its end, Ray's start included. Of the plain loop, one process on one "
        f"thread,\nthe fewer of its seconds count, by the clock or of CPU. Load {os.getloadavg()[0]:.1f} at the end."
    )
    return judged(made, evaluations)


def judged(made: Sequence[Measurement], evaluations: int) -> int:
    """Print whether the targets are reached, seed by seed and all in all; return 0 or 1."""
    faults = [f"{each.kind}, seed {each.seed}: {fault}" for each in made for fault in each.faults(evaluations)]
    print("\n".join(faults) or "each winner: a record of each of its five folds, all different; their mean is its loss")
    of = {kind: [each for each in made if each.kind == kind] for kind in KINDS}
    speeds, losses = [], []
    for ours, plain in zip(of["raysweeps"], of["plain"], strict=True):
        speeds.append(plain.judged_s / ours.seconds)
        losses.append(ours.best / plain.best - 1)
        cut = f"{sum(ours.cut)} of {len(ours.evaluations)} cut"
        print(
            f"seed {ours.seed}: {speeds[-1]:.2f} times sooner, loss {losses[-1]:+.2%}; {cut}, "
            f"{plain.trees / ours.trees:.2f} times fewer trees"
        )
    speed, loss = statistics.median(speeds), statistics.fmean(losses)
    reached = [
        _verdict(f"{speed:.2f} times sooner, the median", speed >= SPEED_TARGET, f"at least {SPEED_TARGET:.0f}"),
        _verdict(f"best loss {loss:+.2%}, the mean", loss <= LOSS_TARGET, f"at most {LOSS_TARGET:+.1%}"),
        _verdict(f"{len(faults)} faults", not faults, "none"),
    ]
    return 0 if all(reached) else 1


def _verdict(what: str, is_reached: bool, target: str) -> bool:
    print(f"{what} (target {target}): {'reached' if is_reached else 'MISSED'}")
    return is_reached


def _measured(kind: str, seed: int, evaluations: int) -> Measurement:
    # Ray makes sockets below its own folder, so that this one may have a long name.
    with tempfile.TemporaryDirectory(prefix="housing-") as folder:
        if kind == "plain":
            output = Path(folder, "plain.json")
            seconds = _clocked(["scripts.benchmarks.housing.plain", str(seed), str(evaluations), str(output)])
            told = json.loads(output.read_text(encoding="utf-8"))
            return of_plain(seed, seconds, told["cpu"], told["evaluations"])
        size = ["--seed", str(seed), "--trials", str(evaluations), "--concurrent", str(_AT_ONCE)]
        seconds = _clocked(["experiments", "run", "housing_forest", *size, "--name", "housing", "--storage", folder])
        from experiments import open_sweep

        sweep = open_sweep(Path(folder, "housing"))
        return of_sweep(seed, seconds, sweep.trials, sweep.best.trial)


def _clocked(module: Sequence[str]) -> float:
    """Return the seconds that a module took, run as a command; ends the benchmark where it fails."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", *module]
    search = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said = search.communicate()[0]
        seconds = time.perf_counter() - begun
    finally:  # also where the benchmark is ended: a search that lives on would take the machine with it
        search.terminate()
        search.wait()
    if search.returncode:
        sys.exit(f"{' '.join(module)}: exit {search.returncode}\n{said[-4000:]}")
    return seconds
