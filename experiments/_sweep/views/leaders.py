"""The leading trials with their hyperparameters, in as many columns as a window has room for."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from experiments._sweep.ledger.trial_history import flat
from experiments._sweep.views.time_left import budget_of
from experiments._sweep.views.words import clean, number, setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import TrialHistory

WIDEST = 18
"""A value is cut after so many columns: lists and texts have no end."""
HEADING = 14
"""The same for a heading."""
GAP = 2
NARROW = 64
"""A window with fewer columns does without the epoch of the value."""


class Searched:
    """The hyperparameters in which trials differ, kept up trial by trial."""

    def __init__(self) -> None:
        """None yet."""
        self._first: dict[str, Any] = {}
        """Each with its first value; None where the first trial had none of that name."""
        self._trials = 0
        self.varied: list[str] = []
        """Flat names, in the order in which they came."""

    def saw(self, config: dict[str, Any], space: Mapping[str, Any]) -> None:
        """Another trial of a sweep with this space has this configuration."""
        tops = {name.partition(".")[0] for name in space}
        told = {key: value for key, value in flat(config).items() if key.partition(".")[0] in tops}
        known = {*self.varied}
        for key in dict.fromkeys([*self._first, *told]):
            if self._trials and told.get(key) != self._first.get(key):
                known.add(key)
            self._first.setdefault(key, told.get(key) if not self._trials else None)
        self._trials += 1
        if len(known) > len(self.varied):
            self.varied = [key for key in self._first if key in known]


@dataclass(frozen=True, kw_only=True)
class _Column:
    heading: str
    cells: Sequence[str]
    right: bool = True
    widest: int = WIDEST

    def headings(self, *, tall: bool) -> tuple[str, ...]:
        """The heading in one line, or in two, cut where that leaves the shortest ones and the cells are no wider."""
        name, needed = self.heading, max(map(cell_len, self.cells), default=0)
        places = [place + 1 for place, character in enumerate(name[:-1]) if character in "_. "]
        if not tall:
            return (_cut(name),)
        if len(name) <= needed + 2 or not places:
            return "", _cut(name)
        place = min(places, key=lambda place: max(place, len(name) - place))
        return _cut(name[:place].rstrip()), _cut(name[place:])

    def width(self, *, tall: bool) -> int:
        """Columns it takes."""
        return min(max(map(cell_len, (*self.headings(tall=tall), *self.cells))), self.widest)

    def lines(self, *, tall: bool) -> Iterator[str]:
        """Its heading and its cells, each as wide as the column."""
        width = self.width(tall=tall)
        for cell in (*self.headings(tall=tall), *self.cells):
            cut = cell if cell_len(cell) <= width else f"{set_cell_size(cell, width - 1)}\N{HORIZONTAL ELLIPSIS}"
            space = " " * (width - cell_len(cut))
            yield space + cut if self.right else cut + space


def leading_lines(history: History, searched: Searched, *, width: int, rows: int, tall: bool) -> list[Text]:
    """A heading, of two lines where the window is tall, and the first `rows` trials; no line wider than `width`."""
    trials = list(itertools.islice(history.by_rank(), rows))
    if not trials:
        return []
    every = [*_standing(history, trials, width), *_settings(history, trials, searched)]
    columns, left_out = _fitting(every, width, tall=tall)
    more = _Column(heading=f"+{left_out}", cells=[""] * len(trials), right=False)
    if left_out and sum(each.width(tall=tall) + GAP for each in (*columns, more)) <= width:
        columns.append(more)
    told = [(" " * GAP).join(cells) for cells in zip(*(each.lines(tall=tall) for each in columns), strict=True)]
    told = told if told[0].strip() else told[1:]
    headings = len(told) - len(trials)
    styles = ["bold"] * headings + ["bold green"] + [""] * (len(trials) - 1)
    return [Text(f" {line}".rstrip(), style=style, no_wrap=True) for line, style in zip(told, styles, strict=True)]


def _fitting(columns: Sequence[_Column], width: int, *, tall: bool) -> tuple[list[_Column], int]:
    """Those that there is room for, from the left, and how many there are besides."""
    fitting: list[_Column] = []
    for column in columns:
        if sum(each.width(tall=tall) + GAP for each in (*fitting, column)) <= width:
            fitting.append(column)
    return fitting or [*columns[:1]], len(columns) - len(fitting)


def _standing(history: History, trials: Sequence[TrialHistory], width: int) -> Iterator[_Column]:
    yield _Column(heading="trial", cells=[str(trial.number) for trial in trials])
    yield _Column(heading="state", cells=[clean(trial.state) for trial in trials], right=False)
    yield _Column(heading=clean(history.asks["metric"]), cells=[number(trial.value) for trial in trials])
    if width >= NARROW:
        yield _Column(heading="at epoch", cells=[str(trial.epoch) for trial in trials])
    trained = [f"{len(trial.epochs)}/{budget_of(history, trial.config)}" for trial in trials]
    yield _Column(heading="epochs", cells=trained)


def _settings(history: History, trials: Sequence[TrialHistory], searched: Searched) -> Iterator[_Column]:
    if history.sweep.derived is not None:
        origins = [clean(trial.origin) for trial in trials]
        yield _Column(heading="configuration", cells=origins, right=False, widest=3 * WIDEST)
    configs = [flat(trial.config) for trial in trials]
    for key, name in _short_names(searched.varied).items():
        cells = [setting(config[key]) if key in config else "-" for config in configs]
        numbers = all(isinstance(config.get(key, 0), int | float) for config in configs)
        yield _Column(heading=clean(name), cells=cells, right=numbers)


def _short_names(keys: Sequence[str]) -> dict[str, str]:
    """Nested keys by their last part, `optimizer.name` as `optimizer`; in full where two would be called the same."""
    short = {}
    for key in keys:
        above, _, last = key.rpartition(".")
        short[key] = above.rpartition(".")[2] if above and last in ("name", "kind", "type") else last
    told = Counter(short.values())
    short = {key: name if told[name] == 1 else key for key, name in short.items()}
    return {key: "budget" if key == "epochs" else name for key, name in short.items()}


def _cut(text: str) -> str:
    return text if cell_len(text) <= HEADING else f"{set_cell_size(text, HEADING - 1)}\N{HORIZONTAL ELLIPSIS}"
