"""Waiting for a driver on another machine that is probably gone: its lease is taken once it has stood still."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from experiments._sweep.ledger.lease import BEAT_S, STALE_S, holder_of, in_use, this_machine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from experiments._sweep.ledger.lease import Holder

_LOOK_S = 0.5


def wait_for_the_gone(
    sweep: Path,
    say: Callable[[str], object],
    *,
    place: str = "",
    holder_of: Callable[[Path], Holder | None] = holder_of,
) -> None:
    """Returns when nobody holds the sweep, which takes a minute where its last driver was lost with its machine.

    Args:
        sweep: The sweep's folder.
        say: Tells people that, and why, it waits.
        place: What people know the sweep by, where that is not its folder.
        holder_of: Says who holds it.

    Raises:
        SweepInUseError: Its holder is alive.
    """
    first = holder_of(sweep)
    if first is None:
        return
    if first.started and first.machine == this_machine():  # its process was seen
        raise in_use(place or sweep, first)
    say(
        f"process {first.pid} on {first.host} has held {place or sweep} since {first.since}; waiting up to "
        f"{STALE_S:g} s to see whether it is gone"
    )
    until = time.monotonic() + STALE_S + BEAT_S
    while (now := holder_of(sweep)) is not None:
        # Its counter was raised, another driver was quicker, or nothing tells its age: a folder that cannot be written.
        if now != first or time.monotonic() > until:
            raise in_use(place or sweep, now)
        time.sleep(_LOOK_S)
