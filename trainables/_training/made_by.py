"""On what a checkpoint was made: the evidence for why another run of the same trial gives other numbers."""

from __future__ import annotations

import platform
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any


def made_by() -> dict[str, Any]:
    """Return what the numbers of this process may depend on: no name of a host or a user, and no path.

    `device` ("cpu", or the name of the GPU where this process uses one), `processor` (its model), `threads` (of torch;
    None where this process has not loaded it), and the versions of `torch` (None likewise), `scikit-learn`, `numpy` and
    `python`. Imports none of them.
    """
    device, threads, torch_version = "cpu", None, None
    if "torch" in sys.modules:
        import torch  # waits where another thread has only begun to import it

        threads, torch_version = torch.get_num_threads(), str(torch.__version__)
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call] # torch leaves it untyped
            device = torch.cuda.get_device_name()
    return {"device": device, "threads": threads, "torch": torch_version, **_of_process()}


@cache
def _of_process() -> dict[str, str]:
    return {
        "processor": _processor(),
        "scikit-learn": version("scikit-learn"),
        "numpy": version("numpy"),
        "python": platform.python_version(),
    }


def _processor() -> str:
    """Return the model of the processor, such as "AMD EPYC 7B13"; where Linux does not say it, its architecture."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text(encoding="utf-8", errors="replace").splitlines() if told.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(filter(None, names), platform.machine())
