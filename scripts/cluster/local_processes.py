"""The processes of a local cluster: found by a mark in their environment, and ended by number."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

PROCESSES = Path("/proc")


def started(process: int) -> int | None:
    """Give when a process started, in clock ticks since the machine did; None where it has ended.

    With its number that names a process for ever: a number alone may be somebody else's by now.
    """
    try:
        fields = (PROCESSES / str(process) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def with_marks(*marks: str) -> list[int]:
    """Give the processes that run with all of these NAME=VALUE in their environment."""
    wanted, found = {mark.encode() for mark in marks}, []
    for process in PROCESSES.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended, or is somebody else's
            if wanted <= set((process / "environ").read_bytes().split(b"\0")):
                found.append(int(process.name))
    return [process for process in found if started(process) is not None]


def kill(process: int) -> None:
    """End a process at once, if it is still there."""
    with contextlib.suppress(ProcessLookupError):  # it ended by itself
        os.kill(process, signal.SIGKILL)


def kill_all(first: dict[int, int], *marks: str, within_s: float = 10) -> list[int]:
    """Kill these processes (number, time of start), then all with the marks; give those that would not end in time."""
    for process, since in first.items():
        if started(process) == since:
            kill(process)
    end = time.monotonic() + within_s
    while (left := with_marks(*marks)) and time.monotonic() < end:
        for process in left:
            kill(process)
        time.sleep(0.05)
    return left
