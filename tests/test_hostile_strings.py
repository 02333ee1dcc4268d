"""S12: twelve hostile strings in every field of a sweep; nothing that shows it does anything but show them."""

import io
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from experiments._sweep.command_line import main
from experiments._sweep.export.markdown import code, prose, table
from experiments._sweep.ledger.files import LEDGER, LedgerWriter
from experiments._sweep.ledger.history import History
from experiments._sweep.ledger.records import (
    DriverEnded,
    DriverStarted,
    EpochReported,
    SegmentInterrupted,
    SegmentStarted,
    SweepOpened,
    TrialEnded,
    TrialProposed,
)
from experiments._sweep.sweep import Sweep
from experiments._sweep.views.display import Display
from experiments._sweep.views.lines import Lines
from experiments._sweep.views.summary import summary_lines
from experiments._sweep.views.tensorboard import FOLDER, Curves
from tests.experiments.conftest import entries, experiment

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "image": "<img src=x onerror=alert(1)>",
    "attribute": '" onmouseover="alert(1)" x=\'',
    "end of a comment": "--></style></title></textarea><script>alert(1)</script>",
    "link": "[click](javascript:alert(1)) ![x](http://evil/x.png) http://evil www.evil.example",
    "colours": "\x1b[31mred\x1b[0m\x1b[2J\x1b[H",
    "title and link of a terminal": "\x1b]0;owned\x07\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\",
    "markup of rich": "[bold red]x[/] [link=http://evil]y[/link] [/nope] :bomb:",
    "formula": '=HYPERLINK("http://evil","x")|`$(touch owned)`;{{7*7}}',
    "direction": "\u202egnp.exe\u2066 \u200b\u2028 \u0085",
    "line": "good\ntrial 0 completed\r\n| a | b |\n# heading\n```\n\x00\x08\x9b2J",
    "half a character": "\ud800 \U000e0041 %s {0} \\",
}


def hostile_records(text: str) -> list[Any]:
    """A sweep in which everything that can be text is `text`."""
    asks = {**experiment().asks(), "metric": text, "trainable": text}
    asks |= {"search": {"name": text, text: text}, "scheduler": {"name": text}, "require": text}
    rung = {"epoch": 1, "rank": 2, "of": 2, "cutoff": 0.5, "ahead": [0]}
    metrics = {"epoch": 1, text: 0.5, f"{text}2": 0.25, "note": text}
    opened = SweepOpened(
        schema=1,
        name=text,
        question=text,
        source={"kind": "python", "name": text},
        overrides={"set": {text: text}},
        asks=asks,
        versions={text: text},
        at=0.0,
    )
    trials = []
    for n in range(4):
        config = {text: {text: n}, "x": n / 4, "o": [text]}
        proposed = TrialProposed(trial=n, config=config, origin=text, made_at=1, details={text: text, "of": text}, t=0)
        trials += [proposed, SegmentStarted(trial=n, segment=1, t=0.0)]
    return [
        opened,
        DriverStarted(driver=1, host=text, pid=1, at=0.0),
        *trials,
        EpochReported(
            trial=0, segment=1, epoch=1, metrics=metrics, action="stop", ending="stopped", why=text, rung=rung, t=1
        ),
        EpochReported(trial=1, segment=1, epoch=1, metrics=metrics, action="continue", t=1.0),
        SegmentInterrupted(trial=1, segment=1, cause=text, why=text, t=2.0),
        TrialEnded(trial=2, ending="error", why=text, traceback=f"Traceback:\n{text}\nError: {text}", t=2.0),
        DriverEnded(driver=1, reason="failed", why=text, t=3.0, at=3.0),
    ]


@pytest.fixture(params=HOSTILE.values(), ids=HOSTILE)
def text(request: pytest.FixtureRequest) -> str:
    """One of the twelve."""
    return str(request.param)


@pytest.fixture
def folder(tmp_path: Path, text: str) -> Path:
    """The folder of such a sweep."""
    writer = LedgerWriter(tmp_path / LEDGER)
    writer.append(hostile_records(text))
    writer.close()
    return tmp_path


def harmless(shown: str) -> bool:
    """Whether only lines and printable characters are in it."""
    return all(character.isprintable() or character == "\n" for character in shown)


def test_s12_commands_show_it_as_it_is(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Table, story, best, summary and progress: nothing but characters, and only a traceback has lines of its own."""
    for arguments in (["trials"], ["trials", "0"], ["trials", "1"], ["trials", "3"], ["best"]):
        assert main([arguments[0], str(folder), *arguments[1:]]) == 0, arguments
    shown = capsys.readouterr().out + "\n".join(summary_lines(Sweep(folder)))
    assert not any(line.startswith(("trial 0 completed", "| a | b", "# head")) for line in shown.splitlines())
    assert main(["trials", str(folder), "2"]) == 0
    file, history = io.StringIO(), History()
    lines = Lines(file)
    for entry in entries(*hostile_records(text)):
        history.apply(entry)
        lines.saw(entry, history)
    lines.noted(text, history)
    shown += capsys.readouterr().out + file.getvalue()
    assert harmless(shown), ascii(shown)


def test_s12_the_display_shows_it_as_it_is(text: str) -> None:
    """Markup is text, and nothing moves the cursor."""
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=100)
    display, history = Display(console, ["x", "o", text]), History()
    for entry in entries(*hostile_records(text)):
        history.apply(entry)
        display._last.extend(display._events.of(entry, history))
        with console.capture() as captured:
            console.print(display._picture(history))
        assert harmless(captured.get()), ascii(captured.get())
    if "bold red" in text:
        assert "[bold red]x[/]" in captured.get()


def test_s12_tensorboard_gets_numbers_only(folder: Path) -> None:
    """No text, which TensorBoard would render as Markdown, no picture and no graph: tags and numbers."""
    sweep = Sweep(folder)
    Curves(folder).redraw(sweep.history)
    files = [path for path in (folder / FOLDER).rglob("*") if path.is_file()]
    assert files and {path.parent.name for path in files} <= {"0000", "0001", "0002", "0003"}
    for file in files:
        events = EventAccumulator(str(file))
        events.Reload()
        tags = events.Tags()
        assert {kind for kind, found in tags.items() if found} <= {"scalars"}


class Parsed(HTMLParser):
    """The elements of a page and their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remembers them."""
        self.elements.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_s12_a_card_shows_it_as_it_is(text: str) -> None:
    """Whatever reads Markdown makes paragraphs, tables and code of it; no script, link, picture or heading."""
    card = (
        f"# {code(text)}, {prose(text)}\n\nIn {prose(text)} and {code(text)}.\n\n* **{prose(text)}**: {code(text)}\n\n"
    )
    card += table([(prose(text), code(text, in_table=True)), (code(text, in_table=True), prose(text))])
    page = Parsed(MarkdownIt("gfm-like" if _has_linkify() else "commonmark").enable("table").render(card))
    allowed = {"h1", "p", "ul", "li", "strong", "code", "table", "thead", "tbody", "tr", "th", "td"}
    assert set(page.elements) <= allowed, page.elements
    assert page.attributes == [] and page.elements.count("h1") == 1 and page.elements.count("table") == 1
    assert page.elements.count("td") == 4


def _has_linkify() -> bool:
    import importlib.util

    return importlib.util.find_spec("linkify_it") is not None
