"""One driver, in a process of its own: runs a sweep of trials that do nothing, or resumes it, and tells what it took.

`python -m scripts.benchmarks.scale.driver KIND STEP FOLDER OUTPUT SECONDS TRIALS CONCURRENT CPUS`; the parent is
scripts/benchmarks/scale/comparison.py.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BEGUN = time.perf_counter()
FILE = Path(__file__).with_name("nothing.py")
NAME = "scale"


@dataclass(frozen=True)
class Size:
    """Of the sweep, as the parent says it."""

    seconds: str
    trials: str
    concurrent: str
    cpus: str
    """Of a trial."""


marks: list[tuple[float, float]] = []
"""For each trial that ended: seconds since the start, CPU seconds of this process."""


def mark() -> None:
    """Note that a trial has ended."""
    marks.append((time.perf_counter() - BEGUN, time.process_time()))


def sweep(step: str, folder: str, size: Size) -> None:
    """Run or resume it as the command line does; resumed, it has one trial more."""
    from experiments._sweep.command_line import main
    from experiments._sweep.ledger.files import LedgerWriter

    append = LedgerWriter.append

    def marking(self: LedgerWriter, records: Any) -> Any:
        entries = append(self, records)
        for record in records:
            if getattr(record, "ending", None):
                mark()
        return entries

    LedgerWriter.append = marking  # type: ignore[method-assign]
    if step == "resume":
        code = main(["resume", f"{folder}/{NAME}", "--trials", str(int(size.trials) + 1), "--yes", "--trust"])
    else:
        where = ["--name", NAME, "--storage", folder, "--concurrent", size.concurrent, "--cpus-per-trial", size.cpus]
        code = main(["run", str(FILE), *where, "--trials", size.trials, "--set", f"seconds={size.seconds}"])
    if code:
        sys.exit(code)


def tune(step: str, folder: str, size: Size) -> None:
    """Run or restore it as Ray's documentation does, its processes reused; restored, nothing is left to do."""
    import ray
    from ray import cloudpickle
    from ray import tune as ray_tune

    from scripts.benchmarks.scale import nothing

    class Marks(ray_tune.Callback):  # type: ignore[misc]
        def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            mark()

    cloudpickle.register_pickle_by_value(nothing)
    ray.init(address="local", include_dashboard=False, log_to_driver=False)
    trainable = ray_tune.with_resources(nothing.wait, {"cpu": float(size.cpus)})
    space = {"seconds": float(size.seconds), "x": ray_tune.uniform(0.0, 1.0)}
    if step == "resume":
        ray_tune.Tuner.restore(f"{folder}/{NAME}", trainable, param_space=space).fit()
        mark()
        return
    trials, concurrent = int(size.trials), int(size.concurrent)
    config = ray_tune.TuneConfig(num_samples=trials, max_concurrent_trials=concurrent, reuse_actors=True)
    run = ray_tune.RunConfig(name=NAME, storage_path=folder, callbacks=[Marks()], verbose=0)
    ray_tune.Tuner(trainable, param_space=space, tune_config=config, run_config=run).fit()


def tell(output: str) -> None:
    """Write what was measured, as JSON."""
    found = {
        "walls": [wall for wall, _ in marks],
        "cpus": [cpu for _, cpu in marks],
        "seconds": time.perf_counter() - BEGUN,
        "cpu": time.process_time(),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    }
    Path(output).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    _kind, _step, _folder, _output, *_size = sys.argv[1:]
    {"raysweeps": sweep, "tune": tune}[_kind](_step, _folder, Size(*_size))
    tell(_output)
