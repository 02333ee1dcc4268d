"""S12: twelve hostile strings in every field of a sweep; nothing that shows it does anything but show them."""

import csv
import importlib.util
import io
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from experiments._sweep.analysis.texts import storable
from experiments._sweep.command_line import main
from experiments._sweep.export.markdown import code, prose, table
from experiments._sweep.ledger.history import History
from experiments._sweep.sweep import Sweep
from experiments._sweep.views.display import Display
from experiments._sweep.views.lines import Lines
from experiments._sweep.views.summary import summary_lines
from experiments._sweep.views.tensorboard import FOLDER, Curves
from experiments._sweep.views.words import clean
from tests.experiments.conftest import entries
from tests.experiments.hostile import FORMULAS, HOSTILE, LONG, hostile_records, hostile_sweep
from tests.experiments.tensorboards import Tab

TEXTS = {**HOSTILE, "long": LONG}
SIGNS = (*FORMULAS, "\uff1d1+1", "\n=1")
"""Formulas, also one with a wide sign."""
BEGIN = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What a spreadsheet takes for the beginning of a formula."""


@pytest.fixture(params=TEXTS.values(), ids=TEXTS)
def text(request: pytest.FixtureRequest) -> str:
    """One of them."""
    return str(request.param)


@pytest.fixture
def folder(tmp_path: Path, text: str) -> Path:
    """The folder of such a sweep."""
    return hostile_sweep(tmp_path / "made", text)


def harmless(shown: str) -> bool:
    """Whether only lines and printable characters are in it."""
    return all(character.isprintable() or character == "\n" for character in shown)


LINES_OF_OURS = ("trial 0 completed", "| a | b |", "# head", "```")
"""What a text begins a line with to look like something that this package says."""


def test_s12_commands_show_it_as_it_is(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Table, stories, best, watching, summary and progress: characters only, and only tracebacks have own lines."""
    for arguments in (["trials"], ["best"], ["trials", "--watch"], *(["trials", each] for each in "01345")):
        before = capsys.readouterr().out
        assert main([arguments[0], str(folder), *arguments[1:]]) == 0, arguments
        shown = before + capsys.readouterr().out + "\n".join(summary_lines(Sweep(folder)))
        tracebacks = "--watch" in arguments and "Traceback:" in shown
        assert harmless(shown), (arguments, ascii(shown))
        assert tracebacks or not any(line.startswith(LINES_OF_OURS) for line in shown.splitlines()), arguments
    assert main(["trials", str(folder), "2"]) == 0
    file, history = io.StringIO(), History()
    lines = Lines(file)
    for entry in entries(*hostile_records(text)):
        history.apply(entry)
        lines.saw(entry, history)
    lines.noted(text, history)
    lines.progress(history)
    shown = capsys.readouterr().out + file.getvalue()
    assert harmless(shown), ascii(shown)


@pytest.mark.parametrize("arguments", [["trials"], ["trials", "2"], ["trials", "4"], ["best"]], ids=" ".join)
def test_s12_json_is_json(folder: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever stands in it: ASCII that is read back, nothing that a terminal obeys."""
    assert main([arguments[0], str(folder), *arguments[1:], "--json"]) == 0
    shown = capsys.readouterr().out
    assert json.loads(shown) and shown.isascii() and harmless(shown)


def test_s12_commands_that_do_something_refuse_it_in_words(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Resume, confirm, replay and export of what nobody can have run: an error, without a traceback or a file."""
    before = sorted(tmp_path.rglob("*"))
    out = str(tmp_path / "out")
    commands = (["resume"], ["resume", "--trust"], ["confirm", "--trust"], ["replay", "4", "--trust"])
    for name, *rest in (*commands, ["export", "--to", out, "--trust"], ["run", "--learn-from"]):
        given = ["digits_mlp", "--learn-from", str(folder)] if name == "run" else [str(folder), *rest]
        code = main([name, *given, "--storage", str(tmp_path), *(["--trials", "0"] if name == "run" else [])])
        said = capsys.readouterr()
        assert code in (1, 2, 3), (name, said)
        assert harmless(said.out + said.err) and "Traceback" not in said.err, (name, ascii(said))
    assert sorted(tmp_path.rglob("*")) == before


WINDOWS = [(40, 10), (80, 24), (160, 50)]


@pytest.mark.parametrize("size", WINDOWS, ids=str)
def test_s12_the_display_shows_it_as_it_is(text: str, size: tuple[int, int]) -> None:
    """Markup is text, and nothing moves the cursor, however narrow the window."""
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=size[0], height=size[1])
    display, history = Display(console), History()
    for entry in entries(*hostile_records(text)):
        history.apply(entry)
        display.remembered(entry, history)
    display._last.append((1.0, clean(text)))
    with console.capture() as captured:
        for line in display.lines(history):
            console.print(line)
    assert harmless(captured.get()), ascii(captured.get())
    if "bold red" in text and size[0] > 80:
        assert "[bold red]x[/]" in captured.get()


@pytest.mark.parametrize("text", [*TEXTS.values(), *SIGNS], ids=[*TEXTS, *map(repr, SIGNS)])
def test_s12_a_table_for_spreadsheets_calculates_nothing(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No cell begins as a formula does, by trial and by epoch, nor does a terminal obey one; the table stays one."""
    folder = hostile_sweep(tmp_path / "made", text)
    for more in ([], ["--by-epoch"]):
        assert main(["export", str(folder), "--csv", "-", *more]) == 0
        said = capsys.readouterr().out
        heading, *rows = csv.reader(io.StringIO(said, newline=""))
        assert harmless(said) and [row[0] for row in rows] == list("0134445" if more else "012345")
        assert {len(row) for row in rows} == {len(heading)}
        assert not [cell for row in [heading, *rows] for cell in row if cell.startswith(BEGIN)]
        assert text not in SIGNS or any(text.strip() in cell for row in rows for cell in row)


def test_s12_frames_hold_it(folder: Path, text: str) -> None:
    """As values of pandas, as they are."""
    for frame in (Sweep(folder).frame(), Sweep(folder).frame(by="epoch")):
        assert len(frame) >= 6
        whole = storable(text)  # half a character is none for pandas
        found = [frame[column].astype(object).isin([whole]).any() for column in frame.columns]
        assert any(found)


def test_s12_optuna_reads_it(folder: Path, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A study with all trials, in a file that others cannot read; half a character, which none stores, is replaced."""
    import optuna

    store = tmp_path / "study.db"
    assert main(["export", str(folder), "--optuna", f"sqlite:///{store}"]) == 0
    said = capsys.readouterr()
    assert harmless(said.out + said.err)
    read = optuna.load_study(study_name=folder.name, storage=f"sqlite:///{store}")
    assert len(read.trials) == 6 and store.stat().st_mode & 0o077 == 0
    assert read.trials[2].user_attrs["why"] == text.replace("\ud800", "\N{REPLACEMENT CHARACTER}" * 3)


def test_s12_tensorboard_gets_numbers_and_cells(folder: Path) -> None:
    """No text that TensorBoard would render as Markdown, no picture and no graph: tags, numbers, cells of a table."""
    sweep = Sweep(folder)
    Curves(folder).redraw(sweep.history)
    files = [path for path in (folder / FOLDER).rglob("events*") if path.is_file()]
    assert {path.parent.name for path in files} == {FOLDER, *(f"{number:04d}" for number in sweep.history.trials)}
    for file in files:
        events = EventAccumulator(str(file))
        events.Reload()
        tags = events.Tags()
        assert {kind for kind, found in tags.items() if found} <= {"scalars", "tensors"}
        assert all(tag.startswith("_hparams_/") for tag in tags["tensors"])
        assert all(clean(tag) == tag for tag in tags["scalars"])
    experiment, rows = Tab(folder / FOLDER).read()
    told = [experiment.name, experiment.description, *(each.display_name for each in experiment.metric_infos)]
    told += [text for info in experiment.hparam_infos for text in (info.name, info.display_name, info.description)]
    told += [str(cell) for row in rows for pair in row.values.items() for cell in pair]
    assert len(rows) == len(sweep.history.trials) and all(clean(text) == text for text in told)


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
    return importlib.util.find_spec("linkify_it") is not None


HOSTILE_FILE = '''"""{docstring}"""

from ray import tune

from experiments import FIFO, Experiment, Random


def plain(config):
    pass


plain.__name__ = {text!r}
experiment = Experiment(
    trainable=plain,
    space={{"x": tune.uniform(0.0, 1.0), "kind": tune.choice([{text!r}, "b"]), {key!r}: {text!r}}},
    metric={text!r},
    mode="min",
    search=Random(),
    scheduler=FIFO(),
    num_trials=4,
    epochs=3,
)
'''


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["words", "json"])
def test_s12_a_plan_shows_it_as_it_is(
    text: str, more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of an experiment's file: the question, names, values, and keys as far as they are allowed."""
    key = "".join(character for character in text if character.isprintable() and character not in "./")[:100]
    docstring = text.encode("unicode_escape").decode().replace('"', '\\"')
    file = tmp_path / "mine.py"
    file.write_text(HOSTILE_FILE.format(docstring=docstring, text=text, key=key), encoding="utf-8")
    code = main(["show", str(file), "--storage", str(tmp_path / "results"), *more])
    said = capsys.readouterr()
    assert code == 0 and harmless(said.out + said.err), ascii(said)
    assert not any(line.startswith(LINES_OF_OURS) for line in (said.out + said.err).splitlines())
    assert not more or json.loads(said.out)
