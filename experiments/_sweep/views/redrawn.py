"""A picture at the bottom of a terminal that is drawn again and again, also in a window that becomes narrower."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.console import ConsoleRenderable, Group
from rich.live import Live

from experiments._sweep.views.unhurried import Unhurried

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.text import Text


class Redrawn(Live):
    """Lines of text that stay below all that is printed meanwhile, and go when it stops."""

    def __init__(self, console: Console) -> None:
        """Draws on `console`, when it is told to."""
        super().__init__(console=console, auto_refresh=False, transient=True, vertical_overflow="crop")
        self._lines: Sequence[Text] = ()
        self._drawn: list[int] = []
        """The widths of the lines that stand on the terminal."""
        self._width = 0
        """The window's when they were drawn."""

    def draw(self, lines: Sequence[Text]) -> None:
        """Draws these lines in place of those before, unless the terminal has not taken those yet."""
        if isinstance(self.console.file, Unhurried) and self.console.file.behind:
            return
        self._lines = lines
        self.start()
        self.update(Group(*lines), refresh=True)

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """What is written to the terminal: the old picture is wiped out, then what is printed, then the picture.

        A terminal that becomes narrower wraps the lines that stand on it, and rich, which does not know, would wipe out
        too few rows: it is told how many there are now.
        """
        width = self.console.width
        if self._drawn and width < self._width:
            rows = sum(max(1, math.ceil(line / width)) for line in self._drawn)
            self._live_render._shape = (width, rows)  # noqa: SLF001 - rich has no other way to tell it
        self._drawn, self._width = [min(line.cell_len, width) for line in self._lines], width
        return super().process_renderables(renderables)
