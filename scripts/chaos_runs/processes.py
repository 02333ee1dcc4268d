"""The processes of a driver, found through /proc, and killed without mistaking one number for another.

A driver leads a session of its own, and everything that Ray starts for it stays in that session. Ray overwrites the
environment of trial processes with their titles, so that a mark is only found in that of the raylet above them.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

MARK = "CHAOS_MARK"
"""Environment variable that tells this run's processes from all others."""
AGENTS = ("ray::DashboardAgent", "ray::RuntimeEnvAgent")
"""Ray's own: they wait a minute for a session whose driver was killed, and then leave."""
NO_TRIALS = (*AGENTS, "ray::IDLE", "ray::SPILL", "ray::RESTORE")


def title(pid: int) -> str:
    """The program of a process, or the title that it gave itself; empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().partition(b"\0")[0].decode(errors="replace").strip()
    except OSError:
        return ""


def parent(pid: int) -> int:
    """The parent of a process, 0 where it is gone."""
    return int(_stat(pid)[1])


def _stat(pid: int) -> list[str]:
    """State, parent, group, session and so on, as /proc tells them."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["X", "0", "0", "0"]


def of_session(leader: int) -> list[int]:
    """The living processes of the session that `leader` leads or has led."""
    pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if (stat := _stat(pid))[3] == str(leader) and stat[0] not in "ZX"]


def left_of(leader: int) -> list[str]:
    """What still works in the session of a driver that has ended, by title."""
    titles = [title(pid) for pid in of_session(leader) if pid != leader]
    return [name for name in titles if name and not name.startswith(AGENTS)]


def of_trials(driver: int, mark: str) -> list[int]:
    """The processes that the raylet of the driver has given to trials."""
    session = of_session(driver)
    raylets = [pid for pid in session if title(pid).endswith("raylet") and parent(pid) == driver and _has(pid, mark)]
    workers = [pid for pid in session if parent(pid) in raylets and title(pid).startswith("ray::")]
    return [pid for pid in workers if not title(pid).startswith(NO_TRIALS)]


def _has(pid: int, mark: str) -> bool:
    try:
        return f"{MARK}={mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def kill(pid: int, *, session: int) -> bool:
    """Kills a process of the session; False where it was gone already."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if _stat(pid)[3] != str(session) or _stat(pid)[0] in "ZX":  # looked at while the number is held
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True
