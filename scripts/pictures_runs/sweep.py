"""The sweep of the pictures: run in a terminal that is photographed on the way, then confirmed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from experiments import InputError, open_sweep
from scripts.pictures_runs.terminal import photograph, terminal

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAME = "digits_blocks"
FOLDER = Path(__file__).resolve().parent
COLUMNS, LINES = 112, 24
MOMENT = 0.7
"""The share of trials that have ended when the display is photographed."""


def is_there(storage: Path) -> bool:
    """Whether the sweep has been run, to its end, and confirmed."""
    try:
        sweep = open_sweep(storage / NAME)
    except InputError:
        return False
    return sweep.history.end is not None and sweep.confirmed is not None


def run(storage: Path, display: Path, browser: Browser) -> None:
    """Run the sweep, photograph its display, and confirm its winner."""
    with tempfile.TemporaryDirectory(prefix="pictures-") as work:
        command = [sys.executable, "-m", "experiments", "run", str(FOLDER / f"{NAME}.py"), "--storage", str(storage)]
        environment = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        given = {name: value for name in ("HOME", "OMP_NUM_THREADS") if (value := os.environ.get(name))}
        with terminal(
            command, columns=COLUMNS, lines=LINES, folder=Path(work), environment=environment | given
        ) as shown:
            screen = shown.until(_far_enough)
            photograph(screen, COLUMNS, display, browser)
            shown.until(lambda _: False)
    confirm = [sys.executable, "-m", "experiments", "confirm", str(storage / NAME)]
    subprocess.run(confirm, cwd=FOLDER, check=True)


def _far_enough(screen: str) -> bool:
    found = re.search(r"(\d+)\s*(?:/|of)\s*(\d+) trials", screen)
    return found is not None and int(found[1]) >= MOMENT * int(found[2])
