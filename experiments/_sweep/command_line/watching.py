"""`sweep trials --watch`: the live display of a sweep from another terminal or machine, from its ledger alone."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING

from experiments._sweep.command_line.signalled import ended_by_signals
from experiments._sweep.errors import InputError
from experiments._sweep.ledger.files import LEDGER
from experiments._sweep.ledger.following import Follower
from experiments._sweep.names import sweep_folder
from experiments._sweep.store.following import Growth
from experiments._sweep.store.lease import holder_of
from experiments._sweep.store.places import storage_folder, url_of
from experiments._sweep.sweep import Sweep
from experiments._sweep.views.clock import SweepClock
from experiments._sweep.views.words import clean, counts, place
from experiments._sweep.watching import terminal_of_output

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from pathlib import Path

    from experiments._sweep.ledger.history import History
    from experiments._sweep.views.display import Display
    from experiments._sweep.views.lines import Lines

POLL_S = 0.25
"""How often the ledger is looked at."""
HOLDER_S = 10.0
"""After so long without a record it is looked at whether there still is a driver."""


def watch(arguments: argparse.Namespace) -> int:
    """Shows a sweep until it has ended, its driver is gone, or Ctrl+C."""
    for given, what in ((arguments.trial is not None, "one trial"), (arguments.json, "--json")):
        if given:
            raise InputError(f"--watch shows a whole sweep to people, but {what} is asked for. Leave one of them out.")
    folder = sweep_folder(arguments.sweep, storage_folder(arguments.storage))
    with ended_by_signals():
        ended = Watched(folder).follow()
    return _told(Sweep(folder), ended=ended)


class Watched:
    """A sweep that this process does not drive."""

    def __init__(self, folder: Path, sleep: Callable[[float], None] = time.sleep) -> None:
        """The sweep in a folder; reads nothing yet."""
        self._folder, self._sleep = folder.resolve(), sleep
        self._growth, self._follower = Growth(self._folder), Follower(self._folder / LEDGER)
        self._clock = SweepClock(late_s=_age_s(self._folder))
        self._refused = ""
        """What the store said when it could not be asked."""

    @property
    def _history(self) -> History:
        return self._follower.history

    def follow(self) -> bool:
        """Shows it; False where it has not ended and no driver is at work on it any more.

        Raises:
            LedgerError: The ledger cannot be read, or is empty and nobody begins it.
        """
        view = self._view()
        self._catch_up(view)
        try:
            return self._live(view)
        finally:
            view.close(self._history)

    def _live(self, view: Display | Lines) -> bool:
        look_at, begun = 0.0, False
        while self._history.end is None:
            if time.monotonic() >= look_at:
                if self._is_left(view):
                    return self._news(view) and self._history.end is not None
                look_at = time.monotonic() + HOLDER_S
            if not begun:
                view.begin(self._history)
                begun = True
            view.tick(self._history)
            self._sleep(POLL_S)
            if self._news(view):
                look_at = time.monotonic() + HOLDER_S
        return True

    def _news(self, view: Display | Lines) -> bool:
        """Shows what is new; whether there was anything."""
        try:
            self._growth.bring()
        except InputError as error:
            self._refused_by_store(error, view)
        found = False
        for entry in self._follower.news():
            found, self._refused = True, ""
            view.saw(entry, self._history)
        return found

    def _is_left(self, view: Display | Lines) -> bool:
        """Whether nobody drives it any more, as far as that can be asked."""
        try:
            return holder_of(self._folder) is None
        except InputError as error:
            self._refused_by_store(error, view)
            return False

    def _refused_by_store(self, error: InputError, view: Display | Lines) -> None:
        """Says it once, until there is news again: one that does not answer for a while is no reason to go."""
        if not self._refused:
            view.noted(f"{error}", self._history)
        self._refused = str(error)

    def _catch_up(self, view: Display | Lines) -> None:
        """Takes note of what was before, and says what is watched."""
        while True:
            self._growth.bring()
            for entry in self._follower.news():
                view.remembered(entry, self._history)
            if self._history.opened is not None:
                break
            if holder_of(self._folder) is None:
                Sweep(self._folder)  # refuses it, in its words
            self._sleep(POLL_S)
        opened = self._history.sweep
        heading = f"{clean(opened.name)}: {clean(opened.question)}" if opened.question else clean(opened.name)
        print(f"{heading}\nsweep {place(self._folder)}", flush=True)

    def _view(self) -> Display | Lines:
        terminal = terminal_of_output()
        if terminal is not None:
            from experiments._sweep.views.display import Display

            return Display(terminal, clock=self._clock)
        from experiments._sweep.views.lines import Lines

        return Lines(sys.stdout, stamp=lambda: self._clock.t(self._history))


def _age_s(folder: Path) -> float:
    """How old the newest record is, as far as this machine can tell: a copy of one in a store may just have come."""
    if url_of(folder) is not None:
        return 0.0
    with contextlib.suppress(OSError):
        return max(0.0, time.time() - (folder / LEDGER).stat().st_mtime)
    return 0.0


def _told(sweep: Sweep, *, ended: bool) -> int:
    """How the sweep ended; the exit code."""
    from experiments._sweep.views.summary import summary_lines

    history, where = sweep.history, place(sweep.folder)
    end = history.end
    if not ended or end is None:
        drivers = (f"driver {each.driver}, process {each.pid} on {each.host}" for each in reversed(history.drivers))
        last = clean(next(drivers, "its first driver"))  # which may be killed between the first line and its own
        gone = f"{clean(sweep.name)} has not ended, and no driver is at work on it: {last} is gone."
        kind = (history.sweep.derived or {}).get("kind")
        again = f"sweep confirm {place(sweep.folder.parent)}" if kind == "confirmation" else f"sweep resume {where}"
        print(f"{counts(history)}\n{gone} Go on with it: {again}", flush=True)
        return 3
    early = "has ended" if end.reason == "finished" else f"ended early ({clean(end.reason)})"
    print(f"{clean(sweep.name)} {early}{f': {clean(end.why)}' if end.why else ''}")
    if history.sweep.derived is not None:
        print(counts(history))
        return 0
    for line in summary_lines(sweep):
        print(line)
    if end.reason in ("interrupted", "time limit", "fault"):
        print(f"go on with: sweep resume {where}")
    return 0
