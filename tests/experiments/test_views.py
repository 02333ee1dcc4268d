"""What is shown: nothing that a trial says reaches the terminal raw."""

import io
import math
from pathlib import Path
from typing import Any

import pytest
from ray import tune
from rich.console import Console

from experiments import ASHA
from experiments._sweep.command_line import main
from experiments._sweep.ledger.files import LEDGER, LedgerWriter
from experiments._sweep.ledger.history import History
from experiments._sweep.ledger.records import DriverEnded, EpochReported, SegmentStarted, TrialEnded, TrialProposed
from experiments._sweep.sweep import Sweep
from experiments._sweep.views.display import Display
from experiments._sweep.views.lines import QUIET_S, Lines
from experiments._sweep.views.story import story_lines
from experiments._sweep.views.summary import _folded, summary_lines
from experiments._sweep.views.tables import trials_table
from experiments._sweep.views.words import clean, duration, number, setting
from tests.experiments.conftest import driver, entries, experiment, opened

HOSTILE = [
    *("\x1b[2J\x1b[H", "\x1b]0;title\x07", "\x1b]8;;http://evil\x1b\\link", "\x9b31m", "\x90q\x9c", "a\rb", "a\bb"),
    *("\x00", "[bold red]x[/]", "[/nope]", ":bomb: [link=http://evil]x[/link]", "\u202egnp.exe\u2066", "x\u2028y\x85z"),
    *("good\ncheckpoint /evil", "\ud800 half", "\x7f\t\v\f"),
]


def report(
    trial: int, epoch: int, loss: Any, *, segment: int = 1, ending: str | None = None, **more: Any
) -> EpochReported:
    """A result."""
    metrics = {"epoch": epoch, "loss": loss, "lr": 0.1, **more}
    action = "stop" if ending else "continue"
    return EpochReported(
        trial=trial, segment=segment, epoch=epoch, metrics=metrics, action=action, ending=ending, why="", t=float(epoch)
    )


def some_records(text: str = "adam") -> list[Any]:
    """A sweep in which everything that can be text is `text`."""
    asked = experiment(space={"x": tune.uniform(0.0, 1.0)}, scheduler=ASHA())
    first = opened(asked)
    first.asks["metric"] = "loss"
    rung = {"epoch": 1, "rank": 1, "of": 2, "cutoff": 0.5}
    return [
        first,
        driver(),
        *(
            record
            for trial in range(3)
            for record in (
                TrialProposed(trial=trial, config={"x": trial / 3, "o": text, text: 1}, origin=text, made_at=2, t=0.0),
                SegmentStarted(trial=trial, segment=1, t=0.0),
            )
        ),
        EpochReported(
            trial=0, segment=1, epoch=1, metrics={"loss": 0.5, "note": text}, action="continue", rung=rung, t=1.0
        ),
        report(0, 2, 0.25, ending="completed"),
        report(1, 1, 0.75),
        TrialEnded(trial=2, ending="error", why=text, traceback=f"Traceback:\n{text}", t=2.0),
    ]


def sweep(folder: Path, records: list[Any]) -> Sweep:
    """A sweep's folder with these records."""
    folder.mkdir(exist_ok=True)
    writer = LedgerWriter(folder / LEDGER)
    writer.append(records)
    writer.close()
    return Sweep(folder)


def terminal(width: int = 80, *, colours: bool = False) -> tuple[Console, io.StringIO]:
    """A terminal that remembers."""
    file = io.StringIO()
    return Console(file=file, force_terminal=True, color_system="standard" if colours else None, width=width), file


def harmless(shown: str) -> bool:
    """Whether only lines and printable characters are in it."""
    return all(character.isprintable() or character == "\n" for character in shown)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_nothing_that_a_trial_says_reaches_the_terminal_raw(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names, values, metrics, reasons and tracebacks; in lines, table, story, summary and the commands."""
    found = sweep(tmp_path / "sweep", some_records(text))
    for arguments in (["trials"], ["trials", "sweep", "2"], ["trials", "sweep", "0"], ["best"]):
        assert main([*arguments, "--storage", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    file = io.StringIO()
    lines = Lines(file)
    history = History()
    for entry in entries(*some_records(text)):
        history.apply(entry)
        lines.saw(entry, history)
    shown += "\n".join([file.getvalue(), *summary_lines(found), *story_lines(found, 2)])
    assert harmless(shown), ascii(shown)
    assert "\ncheckpoint /evil" not in shown.replace("Traceback:\ngood\ncheckpoint /evil", "")
    if text.startswith(("[", ":")):
        assert text in shown  # markup is text like any other


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_the_display_shows_what_a_trial_says_as_text(text: str) -> None:
    """At each moment of the sweep, also where there are more events and trials than room."""
    console, _ = terminal(80)
    display, history = Display(console), History()
    for entry in entries(*some_records(text)):
        history.apply(entry)
        display.remembered(entry, history)
        with console.capture() as captured:
            console.print(*display.lines(history), sep="\n")
        assert harmless(captured.get()), ascii(captured.get())


def test_the_display_starts_and_goes(capsys: pytest.CaptureFixture[str]) -> None:
    """It shows the leader while it runs, prints the first traceback above itself, and leaves no picture behind."""
    console, file = terminal(100)
    now = [0.0]
    display, history = Display(console, monotonic=lambda: now[0]), History()
    for entry in entries(*some_records()):
        history.apply(entry)
        now[0] += 10.0
        display.saw(entry, history)
    shown = file.getvalue()
    assert "1 completed, 1 error, 1 running" in shown
    assert shown.count("Traceback:") == 1 and "0.2500" in shown
    display.close(history)
    Display(console).close(History())
    assert capsys.readouterr().out == ""


def test_plain_lines_tell_what_matters_and_break_a_silence() -> None:
    """The first epoch, each ending, the first traceback once; after half a minute without news, how far it is."""
    now = [0.0]
    file = io.StringIO()
    lines = Lines(file, clock=lambda: now[0])
    history = History()
    second = TrialEnded(trial=1, ending="error", why="again", traceback="Traceback:\nagain", t=3.0)
    for entry in entries(*some_records(), second):
        history.apply(entry)
        lines.saw(entry, history)
    told = file.getvalue()
    assert told.count("first epoch reported") == 1 and told.count("the first traceback in full:") == 1
    assert "trial 0 completed at epoch 2, best loss 0.2500 at epoch 2" in told and "trial 2 error (adam)" in told
    lines.tick(history)
    assert file.getvalue() == told
    now[0] = QUIET_S + 1
    lines.tick(history)
    lines.tick(history)
    assert (
        file.getvalue() == f"{told}[   31.0 s] 1 completed, 2 error; best so far: trial 0 with 0.2500; about 5 s left\n"
    )
    lines.close(history)


# Tables and words


def test_the_table_marks_the_best_and_shows_what_varies(tmp_path: Path) -> None:
    """One row a trial, constants left out."""
    console, file = terminal(120, colours=True)
    ended = DriverEnded(driver=1, reason="interrupted", t=3, at=4)
    console.print(trials_table(sweep(tmp_path / "mine", [*some_records(), ended])))
    rows = file.getvalue().splitlines()
    assert "mine: 1 completed, 1 error, 1 interrupted" in rows[0]
    assert len(rows) == 5 and "x" in rows[1] and "adam" not in file.getvalue()
    assert "\x1b[1;32m" in rows[2] and all("\x1b[1;32m" not in row for row in rows[3:])


def test_the_table_tells_a_searched_budget_from_the_epochs_trained(tmp_path: Path) -> None:
    """Both are called epochs: one in the configuration, one by counting."""
    asked = experiment(space={"epochs": tune.randint(1, 4)})
    proposed = [TrialProposed(trial=n, config={"epochs": 2 + n}, origin="random", made_at=2, t=0.0) for n in (0, 1)]
    trained = [SegmentStarted(trial=0, segment=1, t=0.0), report(0, 1, 0.5)]
    console, file = terminal(120)
    console.print(trials_table(sweep(tmp_path / "mine", [opened(asked), driver(), *proposed, *trained])))
    rows = [row.split() for row in file.getvalue().splitlines()[1:]]
    assert rows[0][-1] == "budget" and rows[0].count("epochs") == 1
    assert [(row[rows[0].index("epochs")], row[-1]) for row in rows[1:]] == [("1", "2"), ("0", "3")]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        *(
            (None, "-"),
            (0.0, "0.0000"),
            (0.97123, "0.9712"),
            (-3.5, "-3.5000"),
            (3.14e-5, "3.140e-05"),
            (1e5, "1.000e+05"),
        ),
        *((99_999.5, "99999.5000"), (math.nan, "nan"), (-math.inf, "-inf"), (1e300, "1.000e+300")),
    ],
)
def test_numbers_in_words(value: float | None, words: str) -> None:
    """Four digits where they fit."""
    assert number(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (8.24, "8.2 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (185, "3 min 05 s"),
        (7620, "2 h 07 min"),
    ],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    """Never 60 s."""
    assert duration(seconds) == words


def test_settings_in_words() -> None:
    """As short as they can be told."""
    assert [setting(value) for value in (0.0012345, 32, "adam", [64, 32], None, True)] == [
        *("0.001234", "32", "adam", "[64, 32]", "null", "true")
    ]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_clean_leaves_only_what_can_be_printed(text: str) -> None:
    """Line breaks only where lines are meant."""
    assert clean(text).isprintable()
    assert harmless(clean(text, lines=True)) and clean("a\nb", lines=True) == "a\nb"


def test_a_long_configuration_is_folded_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two hyperparameters, never within one; a file or a pipe has one line."""
    parts = [f"layer_{n} {n * 100}" for n in range(12)]
    assert [*_folded(parts)] == [f"      {', '.join(parts)}"]
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    lines = [*_folded(parts)]
    assert all(len(line) <= 40 and line.startswith("      layer_") for line in lines)
    assert " ".join(line.strip() for line in lines) == ", ".join(parts)
    assert [*_folded(["x" * 90])] == [f"      {'x' * 90}"]
