"""How the process of a trial was lost, read from what Ray says of it: Ray tells it in words, in no other form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Cause = Literal["lost", "node", "preempted", "out_of_memory"]

LONGEST = 300
"""Characters of the evidence that are kept."""
SIGNS: tuple[tuple[Cause, str], ...] = (
    ("out_of_memory", r"OOM kill reason: (.*)"),
    ("out_of_memory", r"(.*node running low on memory.*)"),
    ("preempted", r"(the actor's node was preempted.*)"),
    ("preempted", r"(Node was forcibly preempted.*)"),
    ("preempted", r"(The process receives a SIGTERM)"),
    ("node", r"(The actor died because its node has died.*)"),
    ("node", r"(The actor is dead because its owner has died.*)"),
    ("node", r"(The actor \S+ is unavailable.*)"),
    ("node", r"(.*the node it was running on is dead or unavailable.*)"),
)
"""What Ray 2.60 says, and the cause it means; the first that is found counts."""
TOLD_TO_LEAVE = "its process was told to leave (SIGTERM)"
SAID = {
    "out_of_memory": "Ray's memory monitor ended its process: ",
    "preempted": f"{TOLD_TO_LEAVE}: ",
    "node": "its node was lost: ",
}
KERNEL_KILLED = "the kernel ended a process for want of memory at that moment"


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A process that is gone."""

    cause: Cause
    evidence: str
    """What is known of it, in one line."""


def loss_told(text: str) -> Loss:
    """The loss in Ray's words; `lost` where they have no other cause."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    for cause, sign in SIGNS:
        found = re.search(sign, text)
        if found:
            return Loss(cause=cause, evidence=f"{SAID[cause]}{found[1].strip()}"[:LONGEST])
    text = text.partition(" Some common causes include:")[0]
    lines = [line.strip() for line in text.splitlines()[1:] if line.strip()]
    return Loss(cause="lost", evidence=lines[-1][:LONGEST] if lines else "its process died")


class KernelKills:
    """How often the kernel has ended a process on this host for want of memory, where the kernel counts that.

    The count is that of the control group that the driver is in (cgroup v2), so of this container or machine. Its
    rise explains a process that was lost at that moment and for no other known cause; one rise explains one loss.
    """

    def __init__(self, events: Path | None = None) -> None:
        """Begins with what `events`, the group's `memory.events`, says now."""
        self._events = events or own_memory_events()
        self._explained = self._count()

    def explain(self, loss: Loss) -> Loss:
        """The loss, with the kernel's evidence where it has some."""
        if loss.cause != "lost" or self._count() <= self._explained:
            return loss
        self._explained += 1
        return Loss(cause="out_of_memory", evidence=KERNEL_KILLED)

    def _count(self) -> int:
        try:
            text = self._events.read_text() if self._events else ""
        except OSError:
            return 0
        found = re.search(r"^oom_kill (\d+)$", text, flags=re.MULTILINE)
        return int(found[1]) if found else 0


def own_memory_events() -> Path | None:
    """The `memory.events` of this process's control group, None where there are no such groups."""
    try:
        groups = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    own = next((group.removeprefix("0::") for group in groups if group.startswith("0::")), None)
    return None if own is None else Path("/sys/fs/cgroup", own.lstrip("/"), "memory.events")
