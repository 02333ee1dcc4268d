"""How many CPUs this process may use, and keeping the numeric libraries to them."""

from __future__ import annotations

import os
import sys

_told: list[int] = []


def limit_threads(cpus: float) -> int:
    """Let torch, OpenMP and the BLAS libraries use as many threads as whole CPUs (at least one); return the number.

    For small models one thread is faster than two. A library that is not loaded yet reads its limit from the
    environment when it is, so a trainable without torch does not pay for importing it.
    """
    threads = max(1, int(cpus))
    _told[:] = [threads]
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(threads)
    if "torch" in sys.modules:
        import torch  # waits where another thread has only begun to import it

        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
    return threads


def cpu_share() -> int:
    """Return how many CPUs this process may keep busy: what `limit_threads` was last told, else all it may run on."""
    return _told[0] if _told else len(os.sched_getaffinity(0))
