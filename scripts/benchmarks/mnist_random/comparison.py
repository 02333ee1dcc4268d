"""`mnist_random` as a user runs it, on Ray, beside the plain sequential loop with the same ten configurations.

Each is one process from its start to its end. The sweep runs first, so that the plain loop gets its configurations and
its split. Afterwards each configuration is trained once more with another seed: what seeds alone change.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.benchmarks.mnist_random.judged import Run, table, verdict
from trainables import image_classifier, missing_data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from experiments import Sweep

REPOSITORY = Path(__file__).resolve().parents[3]
EXPERIMENT = "mnist_random"


def compare(*, file: Path | None, experiment: str = EXPERIMENT) -> int:
    """Print what both took and reached; return 0 where the targets are reached, 1 where not, 2 without MNIST.

    Args:
        file: Keeps the plain loop's run, as JSON; what it has of the same configurations is not measured again.
        experiment: Its name, or the path of its file.
    """
    faults = missing_data("mnist")
    if faults:
        print(faults[0], file=sys.stderr)
        return 2
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs at the start", flush=True)
    with tempfile.TemporaryDirectory(prefix="mnist-random-") as folder:
        sweep, ours = _swept(experiment, Path(folder))
        configs = [trial.config for trial in sweep.trials]
        plain = _kept(file, configs)
        if plain is None:
            plain = _plain(configs, Path(folder))
            _keep(file, configs, plain)
    reseeded = [best_accuracy(config | {"seed": config["seed"] + 1}) for config in configs]
    lines, code = verdict(ours, plain, reseeded)
    print("\n".join([*table(configs, ours, plain, reseeded), *lines]))
    print(f"load {os.getloadavg()[0]:.1f} at the end")
    return code


def best_accuracy(config: Mapping[str, Any]) -> float:
    """Return the best validation accuracy of a configuration that is trained here."""
    return max(float(record["val_accuracy"]) for record in image_classifier.epochs(config))


def _swept(experiment: str, folder: Path) -> tuple[Sweep, Run]:
    from experiments import open_sweep

    command = ["-m", "experiments", "run", experiment, "--storage", str(folder), "--name", "sweep"]
    wall, cpu = _timed(command)
    sweep = open_sweep(folder / "sweep")
    trained = {
        "accuracies": tuple(max(record["val_accuracy"] for record in trial.records) for trial in sweep.trials),
        "seconds": tuple(sum(record["seconds"] for record in trial.records) for trial in sweep.trials),
    }
    return sweep, Run(wall=wall, cpu=cpu, **trained)


def _plain(configs: Sequence[Mapping[str, Any]], folder: Path) -> Run:
    given, output = folder / "given.json", folder / "plain.json"
    given.write_text(json.dumps({"configs": configs, **_rows()}), encoding="utf-8")
    wall, cpu = _timed(["-m", "scripts.benchmarks.mnist_random.plain", str(given), str(output)])
    made = json.loads(output.read_text(encoding="utf-8"))
    accuracies = tuple(max(epoch["accuracy"] for epoch in epochs) for epochs in made)
    return Run(wall=wall, cpu=cpu, accuracies=accuracies, seconds=tuple(epochs[-1]["seconds"] for epochs in made))


def _rows() -> dict[str, list[int]]:
    """Return the rows of the training and the validation part, as the trials have them."""
    from trainables import load_images

    data = load_images("mnist")
    parts: dict[str, Any] = {"training": data.training, "validation": data.validation}
    return {name: part.rows.tolist() for name, part in parts.items()}


def _timed(arguments: Sequence[str]) -> tuple[float, float]:
    """Return the seconds and the CPU seconds of a command, with all that it has started and waited for."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}: exit {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _kept(file: Path | None, configs: Sequence[Mapping[str, Any]]) -> Run | None:
    if file is None or not file.exists():
        return None
    found = json.loads(file.read_text(encoding="utf-8"))
    if found["configs"] != configs:
        return None
    run = found["run"]
    return Run(**{**run, **{name: tuple(run[name]) for name in ("accuracies", "seconds")}})


def _keep(file: Path | None, configs: Sequence[Mapping[str, Any]], run: Run) -> None:
    if file is not None:
        file.write_text(json.dumps({"configs": configs, "run": asdict(run)}, indent=1) + "\n", encoding="utf-8")
