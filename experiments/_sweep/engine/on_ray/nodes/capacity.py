"""How many trials the nodes of a cluster hold at a time: arithmetic over what each node has."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from experiments._sweep.names import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from experiments._sweep.experiment import Experiment

    Resources = Mapping[str, float]
    """Ray's name of a resource to how much of it there is, or is needed."""

OPTIONS = {"CPU": "--cpus-per-trial", "GPU": "--gpus-per-trial"}
OF_EVERY_NODE = ("CPU", "GPU", "memory", "object_store_memory")
ROUNDING = 1e-9


def resources_of(experiment: Experiment) -> dict[str, float]:
    """What Ray reserves for a trial, by Ray's names; each above 0."""
    needs = {
        "CPU": experiment.cpus_per_trial,
        "GPU": experiment.gpus_per_trial,
        **experiment.resources_per_trial,
    }
    return {name: needed for name, needed in needs.items() if needed}


def slots_of(nodes: Iterable[Resources], needs: Resources) -> int:
    """How many trials the nodes hold at a time."""
    return sum(fitting(node, needs) for node in nodes)


def fitting(node: Resources, needs: Resources) -> int:
    """How many trials one node holds at a time; a fraction of a GPU lies on one GPU."""
    fits = [_times(node.get(name, 0), needed, whole=name == "GPU" and needed < 1) for name, needed in needs.items()]
    return min(fits, default=0)


def _times(there: float, needed: float, *, whole: bool) -> int:
    if whole:
        return math.floor(there) * math.floor(1 / needed + ROUNDING)
    return math.floor(there / needed + ROUNDING)


def shortage(nodes: Sequence[Resources], needs: Resources, types: Sequence[Resources] = ()) -> str:
    """Why no node holds a trial, with the numbers; empty where one does.

    Args:
        nodes: What each live node has.
        needs: What a trial needs.
        types: What each kind of node has that an autoscaler may bring.
    """
    if any(fitting(node, needs) for node in (*nodes, *types)):
        return ""
    for name, needed in needs.items():
        most = max((node.get(name, 0) for node in (*nodes, *types)), default=0)
        if needed > most:
            return _too_little(name, needed, nodes, types)
    together = " and ".join(_in_words(name, needed) for name, needed in needs.items())
    return f"no node has {together} together, which a trial needs. Ask for less."


def _too_little(name: str, needed: float, nodes: Sequence[Resources], types: Sequence[Resources]) -> str:
    needs = f"a trial needs {_in_words(name, needed)}"
    remedy = f"Ask for less: {OPTIONS.get(name, '--resource')}."
    most = max((node.get(name, 0) for node in nodes), default=0)
    coming = max((each.get(name, 0) for each in types), default=0)
    if name not in OPTIONS and not most and not coming:
        known = sorted({other for node in (*nodes, *types) for other in node if is_declared(other)})
        there = f"the nodes declare {', '.join(known)}" if known else "the nodes declare none of their own"
        return (
            f"{needs}; no node has any ({there}).{nearest(name, known)} A node declares its own when it is started: "
            f"ray start --resources='{{\"{name}\": 1}}'."
        )
    autoscaled = f", the largest that the autoscaler can bring {coming:g}" if types else ""
    return f"{needs}; the largest node has {most:g}{autoscaled}. {remedy}"


def _in_words(name: str, needed: float) -> str:
    return f"{needed:g} {name}{'s' if name in OPTIONS and needed > 1 else ''}"


def is_declared(name: str) -> bool:
    """Whether a resource is one that somebody has given a node, not one that every node has."""
    return name not in OF_EVERY_NODE and not name.startswith("node:")


def unused_gpus(nodes: Iterable[Resources], needs: Resources) -> int:
    """How many GPUs there are that no trial will use."""
    return 0 if "GPU" in needs else int(sum(node.get("GPU", 0) for node in nodes))
