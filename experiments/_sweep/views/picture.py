"""What a live display shows at a moment: lines of text, none wider than the window, and no more than it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from experiments._sweep.ledger.records import FINAL_ENDINGS, SUCCESSES
from experiments._sweep.views.leaders import leading_lines
from experiments._sweep.views.time_left import limit_of, time_left_in_words
from experiments._sweep.views.words import clean, duration, states

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments._sweep.ledger.history import History
    from experiments._sweep.views.leaders import Searched
    from experiments._sweep.views.time_left import TimeLeft

LEADING = 8
LAST_EVENTS = 6
TALL = 16
"""A window with fewer lines has headings of one line and no blank ones."""
STAMPED = 60
"""A window with fewer columns does not say when an event was."""
_BAR = 30


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What is shown beside the history."""

    seconds: float
    """How long the sweep has taken so far."""
    left: TimeLeft | None
    resources: str
    events: Sequence[tuple[float, str]]
    """What happened last, the newest last: seconds of the sweep, and a line."""
    searched: Searched


def picture(history: History, moment: Moment, *, width: int, height: int) -> list[Text]:
    """Header, leading trials, last events; what has no room is left out, the header last."""
    header = _header(history, moment, width)
    room = height - 1 - len(header)  # the cursor stands on a line of its own when the picture goes
    tall = height >= TALL
    headings = 3 if tall else 1  # with a blank one before
    events = min(len(moment.events), LAST_EVENTS, max(0, (room - headings) // 2))
    rows = min(LEADING, room - headings - events - tall)
    table = leading_lines(history, moment.searched, width=width, rows=rows, tall=tall) if rows > 0 else []
    blank = [Text("")] if tall else []
    lines = [*header, *(blank + table if table else [])]
    events = min(len(moment.events), LAST_EVENTS, height - 1 - len(lines) - len(blank))
    if events > 0:
        lines += [*blank, *(_event(*each, width) for each in [*moment.events][-events:])]
    return [_within(line, width) for line in lines[: max(1, height - 1)]]


def _header(history: History, moment: Moment, width: int) -> list[Text]:
    waiting = "" if any(trial.epochs for trial in history.trials.values()) else _waiting(history)
    lines = [_title(history, moment, width), *_progress(history, moment, width)]
    told = states(history)
    parts = [Text(f"{n} {state}", style=_style(state)) for state, n in told.items()] or [Text("no trial yet")]
    folded = _folded(parts, width)
    if moment.resources and history.trials:
        gap = width - folded[-1].cell_len - cell_len(moment.resources)
        if gap >= 3:
            folded[-1].append(" " * min(gap, 3)).append(moment.resources, style="dim")
        else:
            folded.append(_within(Text(moment.resources, style="dim"), width))
    return [*lines, *folded, *([_within(Text(waiting, style="dim"), width)] if waiting else [])]


def _waiting(history: History) -> str:
    if history.end is not None:
        return ""
    return "the first epoch is awaited" if history.trials else "Ray is starting; a first epoch takes some seconds"


def _title(history: History, moment: Moment, width: int) -> Text:
    asks, derived = history.asks, history.sweep.derived
    policies = clean(derived["kind"] if derived else f"{asks['search']['name']} + {asks['scheduler']['name']}")
    name = clean(history.sweep.name)
    # While Ray starts nobody draws: a time that stands still would look like a sweep that does.
    time = f"  {duration(moment.seconds)}" if history.trials else ""
    title = _within(Text.assemble((name, "bold")), width if len(time) + 4 > width else width - len(time))
    if title.cell_len + 2 + cell_len(policies) + len(time) <= width:
        title.append(f"  {policies}")
    return title.append(time, style="cyan")


def _progress(history: History, moment: Moment, width: int) -> list[Text]:
    """A bar, how many trials have ended, and the time left, on one line or on two."""
    total, ended = int(limit_of(history, "num_trials")), sum(trial.ended for trial in history.trials.values())
    told = Text(f"{ended} of {total} trials ended")
    left = time_left_in_words(moment.left)
    if told.cell_len + 2 + len(left) <= width:
        told.append(f", {left}" if left else "", style="cyan")
    elif left:
        return [_within(told, width), _within(Text(left, style="cyan"), width)]
    room = min(_BAR, width - told.cell_len - 2)
    if room < 8:
        return [_within(told, width)]
    done = round(room * min(1.0, ended / max(1, total)))
    return [
        Text.assemble(
            ("\N{BOX DRAWINGS HEAVY HORIZONTAL}" * done, "cyan"),
            ("\N{BOX DRAWINGS LIGHT HORIZONTAL}" * (room - done), "dim"),
            "  ",
            told,
        )
    ]


def _folded(parts: Sequence[Text], width: int) -> list[Text]:
    """The parts with commas between, in as many lines as they need."""
    lines = [Text()]
    for place, part in enumerate(parts):
        last = place + 1 == len(parts)
        if lines[-1].cell_len and lines[-1].cell_len + part.cell_len + (not last) > width:
            lines.append(Text())
        lines[-1].append_text(part).append("" if last else ", ")
    return [_within(line, width) for line in lines]


def _event(at: float, line: str, width: int) -> Text:
    stamp = f"{duration(at):>12}  " if width >= STAMPED else ""
    return _within(Text(f"{stamp}{line}", style="dim"), width)


def _style(state: str) -> str:
    if state in SUCCESSES:
        return ""
    return "red" if state in FINAL_ENDINGS else "cyan"


def _within(text: Text, width: int) -> Text:
    """The text in one line that is not wider."""
    text.rstrip()
    text.truncate(max(1, width), overflow="ellipsis")
    text.no_wrap = True
    return text
