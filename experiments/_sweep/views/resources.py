"""The resources that a sweep's running trials hold, and what there is."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from experiments._sweep.views.words import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from experiments._sweep.ledger.history import History

LOOK_S = 10.0
"""How often the cluster is asked what it has."""


class Cluster:
    """What the cluster has that this process is a driver of; called, the resources by Ray's names."""

    def __init__(self) -> None:
        """Asks nobody yet."""
        self._there: Mapping[str, float] | None = None
        self._next = 0.0

    def __call__(self) -> Mapping[str, float] | None:
        """None where there is no cluster, or where it does not say."""
        ray = sys.modules.get("ray")
        if ray is not None and time.monotonic() >= self._next and ray.is_initialized():
            try:
                self._there = ray.cluster_resources()
            except Exception:  # noqa: BLE001 - a cluster that is lost: its driver finds that out, and says so
                self._there = None
            self._next = time.monotonic() + LOOK_S
        return self._there


def resources_in_use(history: History, there: Mapping[str, float] | None = None) -> str:
    """`4 of 8 CPUs, 2 of 2 GPUs in use on 2 hosts`; without `there`, by Ray's names, `4 CPUs, 2 GPUs in use`."""
    asks, running = history.asks, [*history.in_state("running")]
    needs: dict[str, Any] = {"CPU": asks["cpus_per_trial"], "GPU": asks["gpus_per_trial"]}
    needs |= asks.get("resources_per_trial") or {}
    parts = [
        _part(name, len(running) * need, there)
        for name, need in needs.items()
        if isinstance(need, int | float) and need > 0
    ]
    workers = (trial.segments[-1].worker for trial in running if trial.segments)
    hosts = {worker.rpartition(":")[0] for worker in workers if worker}
    where = f" on {len(hosts)} hosts" if len(hosts) > 1 else ""
    return f"{', '.join(parts)} in use{where}" if parts else ""


def _part(name: str, used: float, there: Mapping[str, float] | None) -> str:
    """`1 CPU`, `2 of 8 CPUs`."""
    of, most = ("", used) if there is None else (f" of {_amount(there.get(name, 0))}", there.get(name, 0))
    several = "s" if name in ("CPU", "GPU") and most != 1 else ""
    return f"{_amount(used)}{of} {clean(name)}{several}"


def _amount(number: float) -> str:
    return f"{number:.10g}" if number < 1e6 else f"{number:.3g}"
