"""A command in a terminal of its own (tmux), and what the terminal shows at a moment, as a picture."""

from __future__ import annotations

import shlex
import subprocess
import time
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from playwright.sync_api import Browser

LOOK_S = 0.2
PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; }}
pre {{ margin: 0; padding: 14px 18px; display: inline-block; background: {theme.background_color.hex};
       color: {theme.foreground_color.hex};
       font: 14px/1.35 "DejaVu Sans Mono", monospace; }}
</style><pre>{code}</pre>"""


class Terminal:
    """A terminal with a command in it."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def tmux(self, *arguments: str) -> str:
        """Have tmux do something; what it prints."""
        command = ["tmux", "-S", str(self._socket), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    @property
    def has_ended(self) -> bool:
        """Whether the command has ended."""
        return self.tmux("display-message", "-p", "#{pane_dead}").strip() == "1"

    def until(self, shown: Callable[[str], bool]) -> str:
        """Wait until the screen, given as plain text, shows something or the command has ended; the coloured screen."""
        while not self.has_ended and not shown(self.tmux("capture-pane", "-p")):
            time.sleep(LOOK_S)
        return self.tmux("capture-pane", "-p", "-e")


@contextmanager
def terminal(
    command: Sequence[str], *, columns: int, lines: int, folder: Path, environment: Mapping[str, str]
) -> Iterator[Terminal]:
    """Run a command in a new terminal; it is ended with the terminal."""
    made = Terminal(folder / "tmux.socket")
    given = [argument for name, value in environment.items() for argument in ("-e", f"{name}={value}")]
    size = ("-x", str(columns), "-y", str(lines))
    # the pane must outlive its command, whose last screen is wanted
    made.tmux(
        *("-f", "/dev/null", "new-session", "-d", *size, *given, "sleep infinity"),
        *(";", "set-option", "-w", "remain-on-exit", "on"),
        *(";", "respawn-pane", "-k", "-c", str(folder), shlex.join(command)),
    )
    try:
        yield made
    finally:
        made.tmux("kill-server")


def photograph(screen: str, columns: int, picture: Path, browser: Browser) -> None:
    """Draw a coloured screen as a PNG."""
    from rich.console import Console
    from rich.terminal_theme import DIMMED_MONOKAI as THEME
    from rich.text import Text

    console = Console(record=True, width=columns, file=StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(screen.rstrip()), soft_wrap=True)
    code = console.export_html(theme=THEME, inline_styles=True, code_format="{code}")
    page = browser.new_page(device_scale_factor=1.5)
    page.set_content(PAGE.format(code=code, theme=THEME))
    page.locator("pre").screenshot(path=picture)
    page.close()
