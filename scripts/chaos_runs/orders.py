"""An order to the trial process that saves next: die in the middle of it, alone or together with the driver.

The order is a file outside the sweep's folder; who renames it first obeys. The checkpoint's writer is wrapped in that
one process, for that one save.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.chaos_runs.processes import kill, parent, title

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Tell = Callable[[str, str], None]
    """Takes target and point, right before the kill."""

ORDER = "CHAOS_ORDER"
"""Environment variable with the path of the order, which need not be there."""

POINTS = (
    "before its first byte",
    "first file half written",
    "manifest half written",
    "whole, not in its place",
    "in its place, not reported",
)
"""Where in a save a process may be told to die."""


def give(path: Path, *, target: str, point: str, saves: int) -> None:
    """Writes the order: `saves` saves by any trial are let pass first."""
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps({"target": target, "point": point, "saves": saves}))
    beside.replace(path)


@contextlib.contextmanager
def obeying(tell: Tell) -> Iterator[None]:
    """Carries out the order that is there, if any, in the save that happens inside."""
    order = _taken()
    if order is None:
        yield
        return
    target, point = order["target"], order["point"]

    def die() -> None:
        driver = parent(parent(os.getpid()))
        tell(target, point)
        if target == "both":
            kill(driver, session=os.getsid(0))
        os.kill(os.getpid(), signal.SIGKILL)

    if point == POINTS[0]:
        die()
    with _dying_at(point, die):
        yield
    die()  # POINTS[4]; or the writer has no such place any more, and the kill is as good here


def _taken() -> dict[str, Any] | None:
    """The order, if it is this process's to carry out; one that lets saves pass is put back with one less."""
    if ORDER not in os.environ or not title(parent(os.getpid())).endswith("raylet"):  # with --here: a driver
        return None
    path = Path(os.environ[ORDER])
    mine = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.rename(mine)
    except OSError:  # none was given, or another process was faster
        return None
    order: dict[str, Any] = json.loads(mine.read_text())
    if order["saves"] <= 0:
        return order
    give(path, **{**order, "saves": order["saves"] - 1})
    return None


@contextlib.contextmanager
def _dying_at(point: str, die: Callable[[], None]) -> Iterator[None]:
    """Wraps what writes a checkpoint, in this process, so that it dies there."""
    writer: Any = importlib.import_module("trainables._training.checkpoint_files")
    write_file, fsync = writer.write_file, writer.fsync

    def half_written(path: Path, content: bytes) -> None:
        if point == POINTS[1] or (point == POINTS[2] and path.name == writer.MANIFEST):
            write_file(path, content[: len(content) // 2])
            die()
        write_file(path, content)

    def not_in_place(path: Path) -> None:
        if point == POINTS[3]:
            die()
        fsync(path)

    writer.write_file, writer.fsync = half_written, not_in_place
    try:
        yield
    finally:
        writer.write_file, writer.fsync = write_file, fsync
