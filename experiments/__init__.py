"""What do we ask? One file is one experiment: trainable x space x search x scheduler x budget.

Public names are imported on first use, so that `sweep list` loads neither torch nor Ray.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import replace as replace

    from experiments._sweep.errors import EngineError as EngineError
    from experiments._sweep.errors import InputError as InputError
    from experiments._sweep.experiment import Experiment as Experiment
    from experiments._sweep.sweep import Sweep as Sweep
    from experiments._sweep.sweep import open_sweep as open_sweep
    from experiments.schedulers import ASHA as ASHA
    from experiments.schedulers import FIFO as FIFO
    from experiments.schedulers import HyperBand as HyperBand
    from experiments.schedulers import MedianStopping as MedianStopping
    from experiments.searchers import BayesOpt as BayesOpt
    from experiments.searchers import BayesOptSearch as BayesOptSearch
    from experiments.searchers import Grid as Grid
    from experiments.searchers import HyperOpt as HyperOpt
    from experiments.searchers import HyperOptSearch as HyperOptSearch
    from experiments.searchers import Random as Random

_HOME = {
    "ASHA": "experiments.schedulers",
    "BayesOpt": "experiments.searchers",
    "BayesOptSearch": "experiments.searchers",
    "EngineError": "experiments._sweep.errors",
    "Experiment": "experiments._sweep.experiment",
    "FIFO": "experiments.schedulers",
    "Grid": "experiments.searchers",
    "HyperBand": "experiments.schedulers",
    "HyperOpt": "experiments.searchers",
    "HyperOptSearch": "experiments.searchers",
    "InputError": "experiments._sweep.errors",
    "MedianStopping": "experiments.schedulers",
    "Random": "experiments.searchers",
    "Sweep": "experiments._sweep.sweep",
    "open_sweep": "experiments._sweep.sweep",
    "replace": "dataclasses",
}

__all__ = sorted(_HOME)  # noqa: PLE0605 - one table holds the names and where they live


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has: {', '.join(__all__)}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
