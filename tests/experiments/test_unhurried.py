"""An output that is not taken from us: the driver goes on, and nothing is lost or out of order."""

import os
import threading
from typing import IO, cast

import pytest

from experiments._sweep.views.lines import Lines
from experiments._sweep.views.unhurried import Unhurried
from tests.experiments.test_display import Shown, half_way


def read(end: int) -> str:
    """All that comes out of a pipe until its other end is closed."""
    with os.fdopen(end, encoding="utf-8") as file:
        return file.read()


def test_a_pipe_that_nobody_reads_holds_up_nobody() -> None:
    """What is said meanwhile comes, in its order, when somebody reads."""
    out, into = os.pipe()
    file = os.fdopen(into, "w")
    unhurried = Unhurried(file)
    lines = Lines(unhurried)
    texts = [f"{number} " + "x" * 1000 for number in range(300)]
    for text in texts:
        lines._print(text)
    assert unhurried.behind and not unhurried.isatty()
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.append(read(out)))
    reader.start()
    lines.close(Shown(half_way()).history)
    lines._print("the end")
    assert not unhurried.behind
    file.close()
    reader.join(10)
    assert [line.partition("] ")[2] for line in found[0].splitlines()] == [*texts, "the end"]


def test_a_terminal_that_stood_still_gets_the_newest_picture() -> None:
    """As with Ctrl+S, or a connection that hangs: pictures that nobody would see are not kept."""
    out, into = os.pipe()
    file = os.fdopen(into, "w")
    shown = Shown(half_way())
    unhurried = Unhurried(file)
    shown.console.file = cast("IO[str]", unhurried)
    unhurried.write("x" * 200_000)
    for tick in range(50):
        shown.now = tick * 10.0
        shown.display.tick(shown.history)
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.append(read(out)))
    reader.start()
    while unhurried.behind:
        reader.join(0.01)
    shown.now = 1000.0
    shown.display.tick(shown.history)
    shown.display.close(shown.history)
    file.close()
    reader.join(10)
    assert found[0].count("trials ended") == 2, "rich draws it once more before it takes it away"


def test_what_could_not_be_written_is_said_where_more_is() -> None:
    """So that the journal leaves the view out, as with any other fault of a view."""
    out, into = os.pipe()
    os.close(out)
    with pytest.raises(BrokenPipeError), os.fdopen(into, "w") as file:  # noqa: PT012 - closing it fails as well
        unhurried = Unhurried(file)
        unhurried.write("nobody reads this")
        unhurried.drain()
        unhurried.write("nor this")
