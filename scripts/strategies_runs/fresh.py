"""The winners trained anew: what is left of their values on fresh seeds and splits, the same for all of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import open_sweep

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from scripts.strategies_runs.sweeps import Plan

REPETITIONS = 5
KEPT = "winners.jsonl"
_FIRST_SEED = 1_000_000  # no sweep's own: those have 32 random bits


def means(plans: Sequence[Plan], *, repetitions: int = REPETITIONS) -> Mapping[str, NDArray[np.float64]]:
    """By strategy, of each sweep's winner: its best validation loss anew, on average over the repetitions.

    Each is kept in the sweeps' folder as soon as it is known, so that it is not trained again.
    """
    known = _known(plans[0].folder / KEPT)
    found: dict[str, list[float]] = {}
    for done, plan in enumerate(plans, start=1):
        best, values = open_sweep(plan.folder / plan.name).best, []
        for seed in range(_FIRST_SEED, _FIRST_SEED + repetitions):
            anew = {**best.config, "seed": seed, "split_seed": seed}
            key = json.dumps(anew, sort_keys=True)
            if key not in known:
                known[key] = _trained(plan, anew)
                with (plan.folder / KEPT).open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"config": anew, "value": known[key]}) + "\n")
            values.append(known[key])
        found.setdefault(plan.strategy, []).append(float(np.mean(values)))
        told = f"winner of {plan.name} with {best.value:.4f}, trained anew {np.mean(values):.4f}"
        print(f"{done} of {len(plans)}: {told}", flush=True)
    return {strategy: np.array(each) for strategy, each in found.items()}


def _trained(plan: Plan, config: Mapping[str, Any]) -> float:
    """The best validation loss of one training."""
    records = plan.experiment.trainable.epochs(config)  # type: ignore[attr-defined]
    return float(min(record[plan.experiment.metric] for record in records))


def _known(file: Path) -> dict[str, float]:
    """What is kept; a last line that was cut off is removed."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else []
    if lines and not lines[-1].endswith("\n"):
        lines.pop()
        file.write_text("".join(lines), encoding="utf-8")
    kept = map(json.loads, lines)
    return {json.dumps(each["config"], sort_keys=True): each["value"] for each in kept}
