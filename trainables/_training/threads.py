"""Keeps the numeric libraries to a number of threads."""

from __future__ import annotations

import os
import sys


def limit_threads(cpus: float) -> int:
    """Let torch, OpenMP and the BLAS libraries use as many threads as whole CPUs (at least one); return the number.

    For small models one thread is faster than two. A library that is not loaded yet reads its limit from the
    environment when it is, so a trainable without torch does not pay for importing it.
    """
    threads = max(1, int(cpus))
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(threads)
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    return threads
