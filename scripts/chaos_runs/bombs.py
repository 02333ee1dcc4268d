"""A driver that kills itself, exactly: the nth time that it comes to a place in the engine's code.

The places are put in from outside, by wrapping what is there; nothing in the package knows of it.
"""

from __future__ import annotations

import functools
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments._sweep import driving
from experiments._sweep.engine.deciding import conductor, proposer
from experiments._sweep.engine.on_ray import running
from experiments._sweep.engine.on_ray.entry import session
from experiments._sweep.ledger.files import LedgerWriter
from experiments._sweep.ledger.lease import Lease
from experiments._sweep.ledger.records import DriverEnded, DriverStarted, EpochReported, TrialProposed
from scripts.chaos_runs.witness import Told, tell

if TYPE_CHECKING:
    from collections.abc import Callable

    Placed = Callable[["Bomb"], None]


@dataclass(kw_only=True)
class Bomb:
    """Kills this process at one place."""

    phase: str
    point: str
    nth: int
    share: float
    """How much of a half written line is written."""

    def place(self) -> None:
        """Puts it in its place."""
        PLACES[self.phase][self.point](self)

    def due(self) -> bool:
        """Counts; whether it is time."""
        self.nth -= 1
        return self.nth == 0

    def go_off(self) -> None:
        """Tells it, and dies."""
        me = os.getpid()
        tell(Told(what="kill", pid=me, driver=os.getsid(0), target="driver", phase=self.phase, point=self.point))
        os.kill(me, signal.SIGKILL)


def before(owner: Any, name: str, when: Callable[..., bool] = lambda *_: True) -> Placed:
    """The place right before a call of `owner.name`; `when` is asked with its arguments."""

    def put(bomb: Bomb) -> None:
        call = getattr(owner, name)

        @functools.wraps(call)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if when(*args) and bomb.due():
                bomb.go_off()
            return call(*args, **kwargs)

        setattr(owner, name, wrapped)

    return put


def after(owner: Any, name: str, when: Callable[[Any], bool] = lambda _: True) -> Placed:
    """The place right after a call of `owner.name`; `when` is asked with what it returned."""

    def put(bomb: Bomb) -> None:
        call = getattr(owner, name)

        @functools.wraps(call)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            returned = call(*args, **kwargs)
            if when(returned) and bomb.due():
                bomb.go_off()
            return returned

        setattr(owner, name, wrapped)

    return put


def written(when: Callable[[Any], bool]) -> Placed:
    """The place right after such a record is in the ledger."""
    return after(LedgerWriter, "append", lambda entries: any(when(entry.record) for entry in entries))


def half_written(when: Callable[[Any], bool]) -> Placed:
    """The place in the middle of writing such a record."""

    def put(bomb: Bomb) -> None:
        append, pwrite = LedgerWriter.append, os.pwrite

        def torn(file: int, content: Any, offset: int) -> int:
            pwrite(file, bytes(content)[: int(len(content) * bomb.share)], offset)
            bomb.go_off()
            raise AssertionError

        @functools.wraps(append)
        def wrapped(writer: LedgerWriter, records: Any) -> Any:
            if any(when(record) for record in records) and bomb.due():
                os.pwrite = torn
                append(writer, records)
                raise RuntimeError("the ledger is not written by os.pwrite any more: mend scripts/chaos_runs/bombs.py")
            return append(writer, records)

        LedgerWriter.append = wrapped  # type: ignore[method-assign,assignment]

    return put


def _is(kind: type) -> Callable[[Any], bool]:
    return lambda record: isinstance(record, kind)


def _decides(record: Any) -> bool:
    """Whether trials were compared, or the trial ended."""
    return isinstance(record, EpochReported) and (record.rung is not None or record.ending is not None)


PLACES: dict[str, dict[str, Placed]] = {
    "start": {
        "before the lease": before(Lease, "take"),
        "lease taken": after(Lease, "take"),
        "ledger opened": after(LedgerWriter, "__init__"),
        "first line half written": half_written(_is(DriverStarted)),
        "first line written": written(_is(DriverStarted)),
        "ledger told to the policies": after(conductor.Conductor, "__init__"),
        "before Ray": before(session, "_init"),
        "Ray is there": after(session, "_init"),
    },
    "suggest": {
        "asked": before(proposer.Proposer, "next", lambda self: self.more_to_come),
        "proposed, not recorded": after(proposer.Proposer, "next", lambda proposed: proposed is not None),
        "half recorded": half_written(_is(TrialProposed)),
        "recorded, not handed out": written(_is(TrialProposed)),
    },
    "report": {
        "arrived, not recorded": before(conductor.Conductor, "report"),
        "half recorded": half_written(_is(EpochReported)),
        "recorded": written(_is(EpochReported)),
        "recorded, Ray not told": after(conductor.Conductor, "report"),
    },
    "decision": {
        "decided, not recorded": after(
            conductor, "verdict_on", lambda verdict: verdict.rung is not None or verdict.ending is not None
        ),
        "half recorded": half_written(_decides),
        "recorded, not in effect": written(_decides),
    },
    "finish": {
        "trials ended, Ray still there": after(running, "run_on_ray"),
        "Ray gone": before(driving, "_let_go"),
        "last line half written": half_written(_is(DriverEnded)),
        "last line written": written(_is(DriverEnded)),
        "lease not released": before(Lease, "release"),
    },
}
"""Phase to its places, each with what puts a bomb there."""
