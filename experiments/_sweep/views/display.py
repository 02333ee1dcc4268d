"""The live display on a terminal: how far, who leads, what happened last."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from experiments._sweep.ledger.trial_history import flat
from experiments._sweep.views.events import Events
from experiments._sweep.views.words import clean, counts, duration, number, settings

if TYPE_CHECKING:
    from rich.console import Console

    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.records import Entry
    from experiments._sweep.ledger.trial_history import TrialHistory

REFRESH_S = 0.25
LEADING = 5
OTHER_COLUMNS = 54
"""Width that the columns beside the configuration take."""
LAST_EVENTS = 4


class Display:
    """An observer that keeps a live picture; tracebacks and the like scroll by above it."""

    def __init__(self, console: Console, searched: list[str]) -> None:
        self._events = Events()
        self._last: deque[str] = deque(maxlen=LAST_EVENTS)
        self._searched = searched
        self._live = Live(console=console, auto_refresh=False, transient=True, redirect_stdout=True)
        self._started = time.monotonic()
        self._drawn = 0.0

    def saw(self, entry: Entry, history: History) -> None:
        """Remembers what happened."""
        for line in self._events.of(entry, history):
            if "\n" in line:
                self._live.console.print(Text(line))
            else:
                self._last.append(line)
        if not self._live.is_started:
            self._live.start()
        self.tick(history)

    def noted(self, text: str, history: History) -> None:
        """Remembers it like an event."""
        self._last.append(clean(text))
        self._drawn = 0.0
        self.tick(history)

    def tick(self, history: History) -> None:
        """Draws, four times a second at most."""
        now = time.monotonic()
        if now - self._drawn >= REFRESH_S and history.opened is not None:
            self._drawn = now
            self._live.update(self._picture(history), refresh=True)

    def close(self, history: History) -> None:
        """Takes the picture away; the command line says how it ended."""
        self._live.stop()

    def _picture(self, history: History) -> Group:
        asks, derived = history.asks, history.sweep.derived
        policies = f"{asks['search']['name']} + {asks['scheduler']['name']}"
        ended = sum(trial.ended for trial in history.trials.values())
        title = Text.assemble(
            (clean(history.sweep.name), "bold"),
            f"  {clean(derived['kind'] if derived else policies)}  ",
            (f"{ended}/{asks['num_trials']} trials ended", "cyan"),
            f"  {duration(time.monotonic() - self._started)}",
        )
        waiting = "" if history.trials else "  Ray is starting; a first epoch takes some seconds"
        events = [Text(f"  {line}", style="dim", no_wrap=True, overflow="ellipsis") for line in self._last]
        return Group(title, Text(f"  {counts(history)}{waiting}"), self._leaders(history), *events)

    def _leaders(self, history: History) -> Table:
        table = Table(box=None, padding=(0, 1), show_edge=False, header_style="bold")
        for heading in ("trial", "state", clean(history.asks["metric"]), "at epoch", "epochs"):
            table.add_column(Text(heading), no_wrap=True, min_width=len(heading))
        table.add_column("configuration", no_wrap=True)
        for trial in history.ranked[:LEADING]:
            table.add_row(*self._row(trial, settings(flat(trial.config), self._searched) or clean(trial.origin)))
        return table

    def _row(self, trial: TrialHistory, configuration: str) -> list[Text]:
        searched = Text(configuration)
        searched.truncate(max(self._live.console.width - OTHER_COLUMNS, 10), overflow="ellipsis")
        cells = [str(trial.number), trial.state, number(trial.value), str(trial.epoch), str(len(trial.epochs))]
        # Text, because a plain string would be read as rich's markup
        return [*(Text(clean(cell)) for cell in cells), searched]
