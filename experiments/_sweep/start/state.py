"""What a sweep runs with: what it asks, the versions, and the code of its trainable."""

from __future__ import annotations

import contextlib
import json
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from experiments._sweep.start.code_digest import code_digest

if TYPE_CHECKING:
    from experiments._sweep.experiment import Experiment
    from experiments._sweep.ledger.history import History


@dataclass(frozen=True, kw_only=True)
class State:
    """What a sweep ran with last, or would run with now."""

    asks: dict[str, Any]
    """The experiment in JSON."""
    versions: dict[str, str]
    code: dict[str, str] | None
    """File to digest of what the trainable is made of; None where a sweep of format 1 does not say."""

    @classmethod
    def of(cls, history: History) -> State:
        """What the ledger says."""
        return cls(asks=history.asks, versions=history.versions, code=history.code)

    @classmethod
    def now(cls, experiment: Experiment) -> State:
        """What there is now."""
        asks = json.loads(json.dumps(experiment.asks()))
        return cls(asks=asks, versions=versions(), code=code_digest(experiment.trainable))


def versions() -> dict[str, str]:
    """Of Python and of the packages on which the trials' numbers and the proposals depend."""
    found = {"python": platform.python_version()}
    packages = ("raysweeps", "ray", "torch", "torchvision", "hyperopt", "bayesian-optimization", "scikit-learn")
    for package in (*packages, "numpy", "scipy"):
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
