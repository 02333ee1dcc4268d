"""The live display in real terminals (tmux): wide, narrow, low, resized, and when it goes."""

import dataclasses
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from experiments._sweep.ledger.files import LEDGER, LedgerWriter
from experiments._sweep.ledger.lease import Lease
from experiments._sweep.ledger.records import DriverEnded, Record, SweepOpened, TrialEnded, TrialProposed
from tests.experiments.replayed import Replay

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux here, which is the terminal of these tests"),
]

SWEEP = str(Path(sys.executable).parent / "sweep")


class Terminals:
    """Windows of a tmux server of their own."""

    def __init__(self, folder: Path) -> None:
        """In a folder, with its socket there."""
        self._folder, self._socket = folder, str(folder / "tmux")

    def ask(self, *arguments: str) -> str:
        """What tmux says."""
        command = ["tmux", "-S", self._socket, "-f", os.devnull, *arguments]
        told = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "TMUX", "NO_COLOR")}
        return subprocess.run(command, capture_output=True, text=True, check=True, env=told).stdout

    def start(self, name: str, width: int, height: int, command: str) -> None:
        """A command in a new window of that size; what it ends with stays on the screen."""
        size = ["-x", str(width), "-y", str(height)]
        shown = f"{command}; echo exit $?; cat"
        self.ask("new-session", "-d", "-s", name, *size, "-c", str(self._folder), shown)
        self.ask("set-option", "-t", name, "window-size", "manual")

    def screen(self, name: str, *, scrolled: bool = False) -> list[str]:
        """The lines on the screen; with those that have scrolled off it, where asked for."""
        lines = self.ask("capture-pane", "-p", "-t", name, *(["-S", "-"] if scrolled else [])).splitlines()
        return [line.rstrip() for line in lines]

    def resize(self, name: str, width: int, height: int) -> None:
        """As somebody who pulls at the window's corner."""
        self.ask("resize-window", "-t", name, "-x", str(width), "-y", str(height))

    def cursor(self, name: str) -> bool:
        """Whether the cursor is to be seen."""
        return self.ask("display-message", "-p", "-t", name, "#{cursor_flag}").strip() == "1"

    def until(self, name: str, what: Callable[[list[str]], bool]) -> list[str]:
        """Waits for a screen on which that holds."""
        limit = time.monotonic() + 40.0
        while not what(screen := self.screen(name)):
            assert time.monotonic() < limit, "\n".join(screen)
            threading.Event().wait(0.05)
        return screen


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Terminals]:
    """Give terminals that are gone afterwards."""
    made = Terminals(tmp_path)
    yield made
    made.ask("kill-server")


@pytest.fixture
def sweep(tmp_path: Path) -> Iterator[LedgerWriter]:
    """Give the ledger of a sweep that this process drives, in `results/mine`."""
    folder = tmp_path / "results" / "mine"
    folder.mkdir(parents=True)
    lease, writer = Lease(folder), LedgerWriter(folder / LEDGER)
    lease.take()
    yield writer
    writer.close()
    lease.release()


def played() -> list[Record]:
    """A real sweep, with some hyperparameters and one trial that raises."""
    lines = Replay("digits_mlp").lines()
    first = lines[0]
    assert isinstance(first, SweepOpened)
    first.asks["space"] |= {"hidden_units": {}, "lr": {}, "optimizer": {}}
    told: list[Record] = []
    for line in lines:
        if isinstance(line, TrialProposed):
            n = line.trial
            config = {"hidden_units": [64] * (n % 3 + 1), "lr": 0.1 / (n + 1), "optimizer": {"name": "sgd 学习"}}
            told.append(dataclasses.replace(line, config=line.config | config))
        else:
            told.append(line)
    return told


def count(lines: Sequence[str], text: str) -> int:
    """In how many lines a text stands."""
    return sum(text in line for line in lines)


def test_watching_a_sweep_in_terminals_of_several_sizes(terminals: Terminals, sweep: LedgerWriter) -> None:
    """What is shown at 80, 160 and 40 columns and on 10 lines; when a window changes; when the sweep has ended."""
    lines = played()
    sweep.append(lines[:300])
    sizes = {"usual": (80, 24), "wide": (160, 40), "narrow": (40, 24), "low": (80, 10)}
    for name, (width, height) in sizes.items():
        terminals.start(name, width, height, f"{SWEEP} trials --watch")
    for name, (width, height) in sizes.items():
        screen = terminals.until(name, lambda screen: count(screen, "trials ended") == 1)
        assert all(len(line) <= width for line in screen) and len(screen) <= height
        assert count(screen, "hidden_units") == (name in ("usual", "wide", "low"))
    ended = next(line for line in terminals.screen("usual") if "trials ended" in line)

    failed = TrialEnded(trial=27, ending="error", why="ValueError: no", traceback="Traceback:\n  a line\nno", t=14.5)
    sweep.append([*_until_27(lines[300:], failed)])
    terminals.resize("wide", 70, 40)
    terminals.resize("usual", 60, 12)
    for name in ("wide", "usual", "narrow"):
        screen = terminals.until(name, lambda screen: count(screen, "1 error") == 1 and count(screen, ended) == 0)
        assert count(screen, "made  Random + ASHA") == 1 and count(screen, "trials ended") == 1, "\n".join(screen)
        assert count(terminals.screen(name, scrolled=True), "Traceback:") == 1
    terminals.resize("wide", 160, 20)
    terminals.until("wide", lambda screen: any(len(line) > 70 for line in screen))

    sweep.append([DriverEnded(driver=1, reason="interrupted", why="Ctrl+C", t=15.0, at=0.0)])
    for name in sizes:
        screen = terminals.until(name, lambda screen: count(screen, "exit 0") == 1)
        everything = terminals.screen(name, scrolled=True)
        assert count(everything, "mine ended early (interrupted): Ctrl+C") == 1
        assert terminals.cursor(name)
        assert count(screen, "trials ended") == 0, "\n".join(screen)


def _until_27(lines: Sequence[Record], failed: Record) -> Iterator[Record]:
    """The records until trial 27 reports, and then its failure."""
    for line in lines:
        yield line
        if getattr(line, "trial", None) == 27 and getattr(line, "segment", None) == 1:
            yield failed
            return


def test_ctrl_c_leaves_a_terminal_as_it_was(terminals: Terminals, sweep: LedgerWriter) -> None:
    """No picture, a cursor, exit 130; and where the output goes to a pipe, plain lines without a colour."""
    sweep.append(played()[:300])
    terminals.start("watch", 80, 24, f"{SWEEP} trials mine --watch")
    terminals.start("pipe", 80, 24, f"{SWEEP} trials mine --watch | cat -v")
    terminals.until("watch", lambda screen: count(screen, "trials ended") == 1)
    terminals.until("pipe", lambda screen: count(screen, "best so far") == 1)
    for name in ("watch", "pipe"):
        terminals.ask("send-keys", "-t", name, "C-c")
    screen = terminals.until("watch", lambda screen: count(screen, "exit 130") == 1)
    assert count(screen, "trials ended") == 0 and terminals.cursor("watch")
    screen = terminals.until("pipe", lambda screen: count(screen, "exit") == 1)
    assert count(screen, "^[") == 0 and count(screen, "Traceback") == 0
