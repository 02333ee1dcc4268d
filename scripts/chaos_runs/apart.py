"""Configurations trained in a plain loop, without Ray, a sweep or a checkpoint: what their records must be.

With two trials at a time, what the searcher knows when it is asked depends on which of them is faster, so that two
sweeps of one seed have different configurations after the first ones. These are trained again here, in a process.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.chaos_runs.drivers import Place, question_file
from scripts.chaos_runs.witness import WITNESS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scripts.chaos_runs.folding import Ran
    from scripts.chaos_runs.plan import Plan

LONGEST_S = 300.0


def trained_apart(plan: Plan, trials: Sequence[Ran], place: Place) -> dict[int, list[dict[str, Any]]]:
    """Trial to its records, as many as it has.

    Raises:
        RuntimeError: If they could not be trained.
    """
    if not trials:
        return {}
    wanted = [(trial.number, trial.proposed.config, len(trial.epochs)) for trial in trials]
    done = subprocess.run(
        [sys.executable, "-m", "scripts.chaos_runs.apart", str(question_file(plan))],
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_S,
        cwd=place.folder,
        env={name: value for name, value in place.environment(0, None).items() if name != WITNESS},
    )
    if done.returncode:
        raise RuntimeError(f"training apart failed:\n{done.stderr[-2000:]}")
    return {int(number): records for number, records in json.loads(done.stdout.splitlines()[-1]).items()}


def _train(file: Path, wanted: list[tuple[int, dict[str, Any], int]]) -> dict[int, list[dict[str, Any]]]:
    from experiments._sweep.registry import from_file
    from trainables import limit_threads

    experiment = from_file(file).experiment
    limit_threads(experiment.cpus_per_trial)
    records: dict[int, list[dict[str, Any]]] = {}
    for number, config, epochs in wanted:
        all_of = experiment.trainable.epochs(config)  # type: ignore[attr-defined]
        records[number] = [dict(record) for _, record in zip(range(epochs), all_of, strict=False)]
    return records


if __name__ == "__main__":
    print(json.dumps(_train(Path(sys.argv[1]), json.loads(sys.stdin.read()))))
