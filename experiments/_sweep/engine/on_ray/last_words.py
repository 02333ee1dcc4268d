"""The end of a driver whose main thread waits inside a lost cluster: everything is written, then the process goes."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING, NoReturn

from experiments._sweep.engine.on_ray.processes import end_all, of_this_session
from experiments._sweep.engine.signals import exit_now
from experiments._sweep.ledger.records import DriverEnded
from experiments._sweep.store.places import url_of

if TYPE_CHECKING:
    from pathlib import Path

    from experiments._sweep.engine.deciding.conductor import Conductor
    from experiments._sweep.ledger.lease import Lease

FAULT = 3
"""The exit code."""
LOCK_S = 5.0


def end_at_once(conductor: Conductor, lease: Lease, folder: Path, why: str) -> NoReturn:
    """Ends this process from any of its threads; the sweep can be resumed.

    Where the main thread is writing to a ledger that does not answer, the ledger stays as it is: it is read as if the
    driver had been killed.
    """
    journal = conductor.journal
    if journal.alone.acquire(timeout=LOCK_S):  # nobody else writes from here on: it is never given back
        with contextlib.suppress(Exception):  # a disk that is gone as well must not keep the process
            conductor.cut(why)
            ended = DriverEnded(driver=journal.history.driver, reason="fault", why=why, t=journal.t, at=time.time())
            journal.write(ended)
            journal.close()
    with contextlib.suppress(Exception):
        lease.release()
    with contextlib.suppress(Exception):  # `ray.shutdown` may wait for ever
        end_all(of_this_session())
    place = str(folder)
    with contextlib.suppress(Exception):  # the current folder may be gone, and who read the output
        place = url_of(folder) or os.path.relpath(folder)
        sys.stdout.flush()
    exit_now(FAULT, f"{folder.name} ended early (fault): {why}\ngo on with: sweep resume {place}", to=1)
