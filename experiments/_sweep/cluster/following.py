"""A submitted sweep is followed from here: what its driver prints, through lost connections, until it has ended.

The driver does not depend on it: the connection may be lost, and this machine may be switched off.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from experiments._sweep.cluster.arriving import MARK
from experiments._sweep.cluster.dashboard import why_not
from experiments._sweep.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from experiments._sweep.cluster.jobs import Info, Jobs

SILENCE_S = 60.0
"""After so long without a word the connection is made anew: one that was cut on its way says nothing either."""
PATIENCE_S = 600.0
"""How long a cluster that does not answer any more is asked again."""
TOLD_S = 60.0
"""After so long it is said what may be done."""
PAUSE_S = 2.0
"""Between two attempts."""
FINAL = ("SUCCEEDED", "FAILED", "STOPPED")
BEGUN = "Running entrypoint for job "
"""Ray's own line before the driver's first."""


class Following:
    """One job, from its first line on."""

    def __init__(self, jobs: Jobs, job: str, out: Callable[[str], None], note: Callable[[str], None]) -> None:
        """The job, who gets what it prints line by line, and who is told about the connection."""
        self._jobs, self._job, self._out, self._note = jobs, job, out, note
        self._read = 0
        self._rest = ""
        self._begun = False
        self.lacking = ""
        """What the driver said that it lacks, as JSON."""
        self._lost_at: float | None = None
        self._told_what_to_do = False

    @property
    def is_lost(self) -> bool:
        """Whether the cluster does not answer now."""
        return self._lost_at is not None

    def to_the_end(self) -> Info:
        """Follows the job until it has ended.

        Raises:
            EngineError: If the cluster does not answer any more, or does not know the job any more.
        """
        told_waiting, since = False, time.monotonic()
        while True:
            info = self._info()
            if info is not None and not self._begun and not told_waiting and time.monotonic() - since > SILENCE_S / 6:
                told_waiting = True
                self._note(f"waiting for its driver to start: {info.message or info.status}")
            if info is not None and asyncio.run(self._tail()):
                info = self._info()
                if info is not None and info.status in FINAL:
                    if self._rest:
                        self._line(self._rest)
                    return info
            time.sleep(PAUSE_S if info is None else PAUSE_S / 10)

    def _info(self) -> Info | None:
        """What the cluster says about the job; None where it does not answer now."""
        try:
            info = self._jobs.info(self._job)
        except OSError as error:
            self._lost(error)
            return None
        if info is None:
            raise EngineError(
                f"{self._jobs.address} does not know the job {self._job} any more: it is another cluster now, and the "
                "sweep's driver is gone with the one that was there."
            )
        if self._lost_at is not None:
            self._lost_at, self._told_what_to_do = None, False
            self._note("connected again")
        return info

    def _lost(self, error: OSError) -> None:
        now, why = time.monotonic(), why_not(error)
        if self._lost_at is None:
            self._lost_at = now
            self._note(f"the connection is lost ({why}); trying again. The sweep does not depend on it")
        silent_s = now - self._lost_at
        if silent_s > TOLD_S and not self._told_what_to_do:
            self._told_what_to_do = True
            self._note(
                f"no answer for a minute ({why}); trying for {(PATIENCE_S - TOLD_S) / 60:.0f} more. If the head node "
                "is gone, the driver went with it: Ctrl+C, which tells how to go on"
            )
        if silent_s > PATIENCE_S:
            raise EngineError(
                f"{self._jobs.address} has not answered for {PATIENCE_S / 60:g} minutes ({why}). If the cluster still "
                "runs, the sweep goes on there."
            ) from error

    async def _tail(self) -> bool:
        """Reads on until the job has ended, True, or the connection is lost or silent for long, False."""
        from aiohttp import ClientError

        skip, lines = self._read, self._jobs.lines(self._job)
        try:
            while True:
                async with asyncio.timeout(SILENCE_S):  # Python 3.11's wait_for may lose a Ctrl+C
                    chunk = await anext(lines)
                new, skip = chunk[skip:], max(0, skip - len(chunk))
                self._read += len(new)
                self._take(new)
        except StopAsyncIteration:
            return True
        except (TimeoutError, OSError, ClientError, RuntimeError):  # `_info` asks what it is
            _pass_on_an_interrupt()
            return False
        finally:
            with contextlib.suppress(RuntimeError):  # it is being read at this moment, where it was cancelled
                await lines.aclose()

    def _take(self, text: str) -> None:
        *whole, self._rest = (self._rest + text).split("\n")
        for line in whole:
            self._line(line)

    def _line(self, line: str) -> None:
        if line.startswith(BEGUN):
            self._begun = True
        elif line.startswith(MARK):
            self.lacking = line.removeprefix(MARK)
        elif self._begun:
            self._out(line)


def _pass_on_an_interrupt() -> None:
    """Ctrl+C cancels what waits here, and Ray's client may make an error of its own of that."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
