"""Whether the Ray cluster of this process is still there, asked without Ray: its own calls would wait for minutes."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import time
from typing import TYPE_CHECKING, Any

from experiments._sweep.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MISSES = 3
"""So many knocks in a row must go unanswered."""
KNOCK_EVERY_S = 5.0
"""How often a cluster on other machines is asked."""
ANSWER_S = 2.0
ROOM_BYTES = 1 << 20
"""With less room than this, Ray's own folder counts as full while a sweep runs."""
ROOM_TO_START_BYTES = 50 << 20
"""With less room than this, no session is started: Ray would wait for its own processes, and call them slow."""
ELSEWHERE = "Make room there, or have Ray use another disk: RAY_TMPDIR=/folder/with/room"


def probe_of_session() -> Callable[[], str]:
    """Says what is gone of the session that this process has: of its own processes, or of the cluster it has joined."""
    import ray._private.worker as ray_worker

    node = ray_worker._global_node  # noqa: SLF001 - nothing public tells its processes
    started = [
        (name, info.process)
        for name in ("gcs_server", "raylet")
        for info in getattr(node, "all_processes", {}).get(name, ())
    ]
    if started:
        return lambda: gone_of(started) or full(node.get_session_dir_path())
    return Knocks(node.gcs_address, node.raylet_socket_name)


def gone_of(processes: list[tuple[str, Any]]) -> str:
    """Which of the processes has ended, by name and `Popen`."""
    for name, process in processes:
        code = process.poll()
        if code is not None:
            return f"the Ray session was lost: its {name} process ended with code {code}"
    return ""


def full(folder: str) -> str:
    """Whether the disk of Ray's own folder is full or gone."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return f"Ray's own folder {folder} is gone ({error.strerror})"
    if free >= ROOM_BYTES:
        return ""
    return f"the disk of Ray's own folder {folder} is full. {ELSEWHERE}"


def refuse_without_room(folder: Path) -> None:
    """Lets pass where a Ray session can keep its own files in `folder`, which need not be there yet.

    Raises:
        EngineError: If it cannot be written, or has no room.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b".")
            file.flush()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise EngineError(
            f"Ray cannot write to its own folder {folder} ({error.strerror or error}). {ELSEWHERE}"
        ) from error
    if free < ROOM_TO_START_BYTES:
        raise EngineError(
            f"the disk of Ray's own folder {folder} is full: {free >> 20} MB are free, {ROOM_TO_START_BYTES >> 20} MB "
            f"are needed. {ELSEWHERE}"
        )


class Knocks:
    """Knocks at the head node of a cluster, which may answer late, and at the raylet of this machine, which may not."""

    def __init__(self, address: str, raylet: str) -> None:
        """Will knock at HOST:PORT and at the raylet's socket."""
        self._address = address
        self._raylet = raylet
        self._next = 0.0
        self._missed = 0

    def __call__(self) -> str:
        """What is gone."""
        if time.monotonic() < self._next:
            return ""
        self._next = time.monotonic() + KNOCK_EVERY_S
        host, _, port = self._address.rpartition(":")
        self._missed += 1
        with contextlib.suppress(OSError):
            socket.create_connection((host, int(port)), ANSWER_S).close()
            self._missed = 0
        if self._missed >= MISSES:
            return f"the Ray cluster at {self._address} does not answer any more"
        return "" if self._raylet_is_there() else "Ray has ended on this machine: its raylet does not answer any more"

    def _raylet_is_there(self) -> bool:
        with socket.socket(socket.AF_UNIX) as knock:
            knock.settimeout(ANSWER_S)
            try:
                knock.connect(self._raylet)
            except (ConnectionRefusedError, FileNotFoundError):
                return False
            except OSError:  # it is slow
                return True
        return True
