"""The live display on a terminal: how far, who leads, what happened last."""

from __future__ import annotations

import contextlib
import math
import time
from collections import deque
from typing import TYPE_CHECKING

from rich.text import Text

from experiments._sweep.ledger.records import TrialProposed
from experiments._sweep.views.clock import SweepClock
from experiments._sweep.views.events import Events
from experiments._sweep.views.leaders import Searched
from experiments._sweep.views.picture import LAST_EVENTS, Moment, picture
from experiments._sweep.views.pruning import pruning_of
from experiments._sweep.views.redrawn import Redrawn
from experiments._sweep.views.resources import resources_in_use
from experiments._sweep.views.time_left import Pruning, TimeLeft, time_left
from experiments._sweep.views.unhurried import Unhurried
from experiments._sweep.views.words import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.console import Console

    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.records import Entry

REFRESH_S = 0.25
SHARE = 0.005
"""Of a core: what drawing takes at most; after a picture that was dear to draw the next one waits longer."""
LONGEST_S = 2.0
"""It waits no longer than this: the first picture also pays for what is imported."""
LEFT_S = 2.0
"""How often the time left is estimated anew; faster it would only flicker."""


class Display:
    """An observer that keeps a live picture; tracebacks and the like scroll by above it."""

    def __init__(
        self,
        console: Console,
        *,
        there: Callable[[], Mapping[str, float] | None] = lambda: None,
        clock: SweepClock | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Draws on `console`; `there` tells what resources there are, by Ray's names, where that is known."""
        self._there, self._clock, self._monotonic = there, clock or SweepClock(monotonic), monotonic
        self._events, self._searched = Events(), Searched()
        self._last: deque[tuple[float, str]] = deque(maxlen=LAST_EVENTS)
        self._live = Redrawn(console)
        self._closed = False
        self._next = 0.0
        """When it may draw again."""
        self._estimated = -math.inf
        self._left: TimeLeft | None = None
        self._pruning: tuple[int, Pruning] = 0, Pruning()
        """What the scheduler does, as of a driver: a later one may have been given more trials."""

    def saw(self, entry: Entry, history: History) -> None:
        """Remembers what happened, and shows it."""
        with self._giving_back():
            for traceback in self.remembered(entry, history):
                self._live.console.print(Text(traceback))
        self.tick(history)

    def remembered(self, entry: Entry, history: History) -> list[str]:
        """Remembers what happened; gives what has more lines than one, for that goes above the picture."""
        if isinstance(entry.record, TrialProposed):
            self._searched.saw(entry.record.config, history.asks["space"])
        told = [*self._events.of(entry, history)]
        self._last.extend((history.seconds, line) for line in told if "\n" not in line)
        return [line for line in told if "\n" in line]

    def begin(self, history: History) -> None:
        """Shows a sweep that is watched from now on; what is imported first is no part of what drawing costs."""
        pruning_of(history)
        self.tick(history)

    def noted(self, text: str, history: History) -> None:
        """Says it above the picture: it is still there when that has gone, such as that a tracker lacks something."""
        with self._giving_back():
            self._live.console.print(Text(clean(text)))
        self._next = 0.0
        self.tick(history)

    def tick(self, history: History) -> None:
        """Draws, four times a second at most, and less often where that would cost too much."""
        if self._closed or history.opened is None or self._monotonic() < self._next:
            return
        began = time.thread_time()
        with self._giving_back():
            self._live.draw(self.lines(history))
        wait = (time.thread_time() - began) / SHARE
        self._next = self._monotonic() + min(max(wait, REFRESH_S), LONGEST_S)

    def close(self, history: History) -> None:
        """Takes the picture away; the command line says how it ended."""
        self._closed = True
        self._live.stop()
        if isinstance(self._live.console.file, Unhurried):
            self._live.console.file.drain()

    @contextlib.contextmanager
    def _giving_back(self) -> Iterator[None]:
        """Gives the terminal its cursor back where a picture fails: nobody closes a view that is left out."""
        try:
            yield
        except BaseException:
            self._closed = True
            with contextlib.suppress(Exception):  # what is raised says why
                self._live.stop()
            raise

    def lines(self, history: History) -> list[Text]:
        """The picture as it is now."""
        now = self._monotonic()
        if now - self._estimated >= LEFT_S:
            self._estimated, self._left = now, self._estimate(history)
        moment = Moment(
            seconds=self._clock.seconds(history),
            left=self._left,
            resources=resources_in_use(history, self._there()),
            events=[*self._last],
            searched=self._searched,
        )
        size = self._live.console.size
        return picture(history, moment, width=size.width, height=size.height)

    def _estimate(self, history: History) -> TimeLeft | None:
        if self._pruning[0] != history.driver:
            self._pruning = history.driver, pruning_of(history)
        return time_left(history, self._clock.t(history), self._pruning[1])
