"""One writer per sweep: a lease with a counter that its holder keeps raising.

A lease is stale when its process is provably dead (same host, no such process, or another process under that number),
or when its counter has stood still for `STALE_S` by the storage's own clock. Nobody's wall clock is compared with
another's: the age of the lease file is measured against a file written beside it a moment ago.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from experiments._sweep.ledger.files import alone_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LEASE = "lease.json"
BEAT_S = 5.0
"""How often the holder raises the counter."""
STALE_S = 60.0
"""How long a counter must stand still before a lease on another host may be taken over."""


class SweepInUseError(Exception):
    """Another driver holds the sweep; the message names it."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lease."""

    host: str
    pid: int
    started: str
    """When the process started, by its kernel: tells it from a later one with the same number; empty where the kernel
    does not say (no /proc), and then the counter alone decides."""
    since: str
    counter: int
    machine: str = ""
    """What the process number counts in: the boot of the machine and the namespace of the container."""


def process_start(pid: int) -> str:
    """The kernel's start time of a process, empty when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *rest = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else rest[18]


def this_machine() -> str:
    """Tells this boot of this machine, and this container on it, from all others; host names need not."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def holder_of(sweep: Path) -> Holder | None:
    """Who holds the sweep, None when nobody does or the lease is stale."""
    path = sweep / LEASE
    try:
        content = path.read_text()
    except FileNotFoundError:
        return None
    except ValueError:
        content = ""
    return living(content, lambda: _age_s(path))


def living(content: str | bytes, age_s: Callable[[], float]) -> Holder | None:
    """Who holds a lease that says `content`; None where it is stale, to which it matters how old it is."""
    try:
        holder = Holder(**json.loads(content))
    except (ValueError, TypeError):
        return Holder("an unknown host", 0, "", "an unknown time", 0) if age_s() < STALE_S else None
    if holder.started and holder.machine == this_machine():
        return holder if process_start(holder.pid) == holder.started else None
    return holder if age_s() < STALE_S else None


def last_holders_host(sweep: Path) -> list[str]:
    """The host of the newest lease, stale or not: a driver may be killed before its line in the ledger is whole."""
    try:
        return [str(json.loads((sweep / LEASE).read_text())["host"])]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def in_use(sweep: Path | str, holder: Holder) -> SweepInUseError:
    """The refusal of a second driver."""
    return SweepInUseError(
        f"{sweep} is being written by process {holder.pid} on {holder.host} since {holder.since}. Wait for it, or stop "
        f"it with Ctrl+C; `sweep trials` shows how far it is. If it is surely gone: sweep resume {sweep} --take-over"
    )


def taken_over(held: Holder, *, lives: bool) -> str:
    """From whom a sweep was taken."""
    gone = "which may still live" if lives else "which is gone"
    return f"taken over from process {held.pid} on {held.host}, {gone}; it had it since {held.since}"


def _age_s(path: Path) -> float:
    try:
        with tempfile.TemporaryFile(dir=path.parent) as now:
            now.write(b".")
            now.flush()
            return os.fstat(now.fileno()).st_mtime - path.stat().st_mtime
    except OSError:  # a folder that can only be read: nothing says that the lease is stale
        return 0.0


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keeps others of this host (and, where the storage can, of all hosts) out: a stale lease has one successor."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with alone_with(handle):  # on storage without locks the lease's own creation decides
            yield
    finally:
        os.close(handle)


class Lease:
    """Holds a sweep's folder from `take` to `release`."""

    def __init__(self, sweep: Path, place: str = "") -> None:
        """A lease on the folder `sweep`, not yet taken; `place` is what people know the sweep by."""
        self._path = sweep / LEASE
        self._place = place or str(sweep)
        self._counter = 0
        self._host = socket.gethostname()  # asked once: a laptop may be called otherwise in the next network
        self._since = time.strftime("%Y-%m-%d %H:%M:%S %Z")
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    def take(self, *, over: bool = False) -> str:
        """Takes the lease and keeps it; says from whom, where one was left there.

        Args:
            over: Take it from a living driver as well, which then stops at its next write.

        Raises:
            SweepInUseError: If a living driver holds it.
        """
        with alone_in(self._path.parent):
            held = None if over else holder_of(self._path.parent)
            if held is not None:
                raise in_use(self._place, held)
            left = self._left()
            self._path.unlink(missing_ok=True)
            try:
                self._create()
            except FileExistsError as error:
                raise SweepInUseError(f"{self._place} was taken by another driver at this moment.") from error
        self._thread.start()
        return left

    @contextlib.contextmanager
    def held(self, *, over: bool = False) -> Iterator[str]:
        """Has it for as long as the context lasts; gives what `take` says."""
        left = self.take(over=over)
        try:
            yield left
        finally:
            self.release()

    def _left(self) -> str:
        """Who held it before and has not let go, in words; empty where nobody did."""
        with contextlib.suppress(OSError, ValueError, TypeError):  # no lease, or one that says nothing
            held = Holder(**json.loads(self._path.read_text()))
            return taken_over(held, lives=holder_of(self._path.parent) is not None)
        return ""

    def release(self) -> None:
        """Lets go."""
        self._done.set()
        if self._thread.is_alive():
            self._thread.join(BEAT_S)  # storage that does not answer must not keep the process
        with contextlib.suppress(OSError), alone_in(self._path.parent):  # its process will be seen to be gone
            if self._is_ours():
                self._path.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._done.wait(BEAT_S):
            self.beat()

    def beat(self) -> None:
        """Raises the counter; leaves the lease of a driver alone that has taken over from this one."""
        with contextlib.suppress(OSError), alone_in(self._path.parent):  # a full disk: the next beat may succeed
            if self._is_ours():
                self._counter += 1
                self._write()

    def _is_ours(self) -> bool:
        with contextlib.suppress(OSError, ValueError, TypeError):
            found = Holder(**json.loads(self._path.read_text()))
            return replace(found, counter=self._counter) == self.holder()
        return False

    def holder(self) -> Holder:
        """Who this is."""
        pid = os.getpid()
        return Holder(self._host, pid, process_start(pid), self._since, self._counter, this_machine())

    def _create(self) -> None:
        """Makes the lease, whole from the first: one that says nothing would keep everybody out until it is stale."""
        beside = self._written()
        try:
            os.link(beside, self._path)
        except FileExistsError:
            raise
        except OSError:  # storage without hard links
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            beside.replace(self._path)
        else:
            beside.unlink()

    def _write(self) -> None:
        self._written().replace(self._path)

    def _written(self) -> Path:
        beside = self._path.with_suffix(".new")
        with os.fdopen(os.open(beside, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
            json.dump(asdict(self.holder()), file)
        return beside
