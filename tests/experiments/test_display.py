"""The live display: what it shows in windows of every size, how it follows a resized one, and what it costs."""

import dataclasses
import io
import math
import os
import subprocess
import sys
import time
from typing import Any

import pytest
from rich.console import Console

from experiments._sweep.ledger.history import History
from experiments._sweep.ledger.records import EpochReported, Record, SegmentStarted, TrialProposed
from experiments._sweep.views import display, leaders
from experiments._sweep.views.display import SHARE, Display
from tests.experiments.conftest import driver, entries, experiment, opened
from tests.experiments.replayed import Replay

SIZES = [(width, height) for width in (1, 8, 20, 40, 60, 80, 160, 400) for height in (1, 2, 4, 6, 10, 16, 24, 60)]


HIDDEN, SEEN = "\x1b[?25l", "\x1b[?25h"
"""A cursor."""


class Shown:
    """A display of a sweep on a terminal of some size, at a time that the test says."""

    def __init__(self, records: list[Record], width: int = 80, height: int = 24, **display: Any) -> None:
        """Has taken note of the records."""
        self.file, self.now = io.StringIO(), 0.0
        self.console = Console(file=self.file, force_terminal=True, color_system=None, width=width, height=height)
        self.display = Display(self.console, monotonic=lambda: self.now, **display)
        self.history = History()
        for entry in entries(*records):
            self.history.apply(entry)
            self.display.remembered(entry, self.history)

    def lines(self) -> list[str]:
        """What it shows."""
        return [line.plain for line in self.display.lines(self.history)]


def half_way(name: str = "digits_mlp", part: float = 0.5) -> list[Record]:
    """A real sweep that is under way, with hyperparameters of several kinds."""
    replay = Replay(name)
    lines = replay.lines(part * replay.seconds)
    lines[0].asks["space"] |= {"hidden_units": {}, "lr": {}, "optimizer": {}}  # type: ignore[union-attr]
    return [
        dataclasses.replace(
            line,
            config=line.config
            | {
                "hidden_units": [64] * (line.trial % 3 + 1),
                "lr": 0.1 / (line.trial + 1),
                "optimizer": {"name": "sgd" if line.trial % 2 else "adam"},
                "seed": line.trial,
            },
        )
        if isinstance(line, TrialProposed)
        else line
        for line in lines
    ]


@pytest.mark.parametrize("name", ["digits_mlp", "mnist_bayes"])
def test_it_fits_windows_of_every_size(name: str) -> None:
    """No line is wider than the window, one is left for the cursor, and the name is never missing."""
    records = half_way(name)
    for width, height in SIZES:
        lines = Shown(records, width, height).display.lines(History(entries(*records)))
        assert 1 <= len(lines) <= max(1, height - 1), (width, height)
        assert all(line.cell_len <= width for line in lines), (width, height)
        assert lines[0].plain[: min(width, 4)] in ("made"[: min(width, 4)], "…"[:width], "mad…"[:width]), (
            width,
            height,
        )


def test_wide_characters_are_as_wide_as_they_are() -> None:
    """Chinese takes two columns each, and is cut by columns."""
    records = half_way()
    records[0] = dataclasses.replace(records[0], name="神经网络" * 10)  # type: ignore[call-arg]
    for width in (20, 21, 80):
        assert all(line.cell_len <= width for line in Shown(records, width).display.lines(History(entries(*records))))


def test_the_header_says_how_far_it_is() -> None:
    """Name, search and scheduler, time, trials by state, time left, and what the trials hold."""
    shown = Shown(half_way(), 80, there=lambda: {"CPU": 8.0, "GPU": 1.0})
    header = "\n".join(shown.lines()[:3])
    assert "made  Random + ASHA  14." in header and "16 of 64 trials ended, about 20 s left" in header
    assert "5 completed, 11 stopped, 2 running   2 of 8 CPUs in use" in header
    narrow = Shown(half_way(), 30).lines()
    assert narrow[1:3] == ["16 of 64 trials ended", "about 20 s left"]
    assert narrow[3:5] == ["5 completed, 11 stopped,", "2 running   2 CPUs in use"]


def test_colours_are_for_what_they_stand_for() -> None:
    """The name is bold and the time is not; failures are red; the leading trial is green."""
    lines = Shown(half_way("housing_mlp")).display.lines(History(entries(*half_way("housing_mlp"))))
    styled = {line.plain[span.start : span.end]: str(span.style) for line in lines for span in line.spans}
    assert styled["made"] == "bold" and styled["1 diverged"] == "red" and str(lines[0].style) == ""
    assert [str(line.style) for line in lines].count("bold green") == 1


def test_leading_trials_come_with_the_hyperparameters_in_which_they_differ() -> None:
    """Those of the space, nested ones by their flat names; no seeds; what has no room is counted."""
    wide, narrow = Shown(half_way(), 120, 24).lines(), Shown(half_way(), 70, 10).lines()
    place = next(number for number, line in enumerate(wide) if "trial" in line and "epochs" in line)
    headings = f"{wide[place - 1]} {wide[place]}".split()
    assert {"hidden_units", "x", "lr", "optimizer"} <= {*headings} and "seed" not in headings
    assert "[64, 64" in "\n".join(wide) and "adam" in "\n".join(wide)
    best = History(entries(*half_way())).best
    assert best is not None and wide[place + 1].split()[0] == str(best.number)
    assert any("trial" in line and line.endswith(" +2") for line in narrow)


def test_a_hyperparameter_of_one_branch_is_shown_as_missing_in_the_others() -> None:
    """Conditional ones vary by being there or not."""
    space = {"space": {"o": {}}}
    first = opened(experiment())
    first.asks.update(space)
    configs = [{"o": {"name": "sgd", "momentum": 0.9}}, {"o": {"name": "adam"}}]
    records: list[Record] = [first, driver()]
    for number, config in enumerate(configs):
        records += [
            TrialProposed(trial=number, config=config, origin="random", made_at=0, t=0.0),
            SegmentStarted(trial=number, segment=1, t=0.0),
            EpochReported(
                trial=number, segment=1, epoch=1, metrics={"loss": 1.0 + number}, action="continue", t=1.0 + number
            ),
        ]
    lines = "\n".join(Shown(records, 100, 12).lines())
    assert "o     momentum" in lines and "sgd        0.9" in lines and "adam         -" in lines


def test_nested_hyperparameters_go_by_their_last_part_where_that_is_one() -> None:
    """Long prefixes would leave room for few; two that would be called the same keep theirs."""
    short = leaders._short_names(
        ["optimizer.name", "optimizer.lr", "schedule.lr", "model.options.depth", "epochs", "."]
    )
    assert short == {
        "optimizer.name": "optimizer",
        "optimizer.lr": "optimizer.lr",
        "schedule.lr": "schedule.lr",
        "model.options.depth": "depth",
        "epochs": "budget",
        ".": "",
    }


def test_the_last_events_come_last_and_newest_at_the_bottom() -> None:
    """With the time of the sweep in a window that is wide enough."""
    lines = Shown(half_way(), 100).lines()
    assert "trial 15 stopped at epoch" in lines[-1] and " s  trial" in lines[-1]
    assert Shown(half_way(), 50).lines()[-1].startswith("trial 15")


def test_before_the_first_epoch_it_says_what_is_awaited() -> None:
    """Ray takes its time, and so does a first epoch."""
    assert "Ray is starting" in "\n".join(Shown([opened(experiment()), driver()]).lines())
    assert "the first epoch is awaited" in "\n".join(Shown(half_way(part=0.1)).lines())


def test_a_picture_that_fails_leaves_a_terminal_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody closes a view that is left out: it gives back the cursor and the output before it says why."""
    shown, output = Shown(half_way()), sys.stdout
    shown.display.tick(shown.history)
    assert shown.file.getvalue().count(HIDDEN) == 1 and sys.stdout is not output
    monkeypatch.setattr(display, "picture", lambda *_, **__: 1 / 0)
    shown.now = 10.0
    with pytest.raises(ZeroDivisionError):
        shown.display.tick(shown.history)
    assert shown.file.getvalue().rstrip().rpartition(HIDDEN)[2].count(SEEN) == 1 and sys.stdout is output


def test_what_is_said_stays_when_the_picture_goes() -> None:
    """It is to be read afterwards; what is said later brings back no picture, which nobody would take away."""
    shown = Shown(half_way())
    shown.display.tick(shown.history)
    shown.display.noted("a tracker was left out", shown.history)
    assert "a tracker was left out" not in "\n".join(shown.lines())
    assert shown.file.getvalue().count("a tracker was left out") == 1
    shown.display.close(shown.history)
    shown.file.truncate(0)
    shown.now = 10.0
    shown.display.noted("a tracker had not \x1beverything", shown.history)
    shown.display.tick(shown.history)
    assert shown.file.getvalue().strip("\0") == "a tracker had not \N{REPLACEMENT CHARACTER}everything\n"


def test_a_second_ctrl_c_gives_the_cursor_back() -> None:
    """Also where errors go to a file: the picture is on the other output."""
    ends = "from experiments._sweep.engine.signals import exit_now; exit_now(130, 'ended at once', to=2)"
    ours, theirs = os.openpty()
    ran = subprocess.run([sys.executable, "-c", ends], stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(theirs)
    assert (ran.returncode, ran.stderr, os.read(ours, 100)) == (130, b"ended at once\n", SEEN.encode())
    os.close(ours)


def test_a_narrower_window_leaves_nothing_of_the_old_picture() -> None:
    """The terminal wraps the old lines: they are wiped out row by row, as many as there are then."""
    shown = Shown(half_way(), 120)
    shown.display.tick(shown.history)
    before = [line.cell_len for line in shown.display.lines(shown.history)]
    shown.console.width, shown.now = 50, 10.0
    shown.file.truncate(0)
    shown.display.tick(shown.history)
    assert shown.file.getvalue().count("\x1b[1A") >= sum(max(1, math.ceil(each / 50)) for each in before) - 1
    shown.display.close(shown.history)


def test_it_draws_four_times_a_second_at_most_and_stands_still_in_between() -> None:
    """However many records come."""
    shown = Shown(half_way())
    drawn = []
    for _ in range(100):
        shown.now += 0.01
        shown.display.tick(shown.history)
        drawn.append(len(shown.file.getvalue()))
    assert len({*drawn}) <= 5
    shown.display.close(shown.history)


def test_it_costs_less_than_a_hundredth_of_a_core() -> None:
    """A minute of a sweep of 1,000 trials, looked at ten times a second with two records each: under 0.6 s of CPU."""
    records = thousand_trials()
    shown = Shown(records, 160, 50)
    shown.display.tick(shown.history)
    more = entries(*records, *(epoch(trial % 4 + 996, 3 + trial // 4) for trial in range(1200)))[len(records) :]
    began = time.thread_time()
    for tick in range(600):
        shown.now += 0.1
        for entry in more[2 * tick : 2 * tick + 2]:
            shown.display.saw(entry, shown.history)
        shown.display.tick(shown.history)
    spent = time.thread_time() - began
    assert spent < 0.01 * 60, f"{spent:.2f} s"
    assert SHARE < 0.01
    shown.display.close(shown.history)


def epoch(trial: int, number: int, ending: str | None = None) -> EpochReported:
    """A result."""
    metrics = {"loss": 1.0 / number + trial / 1000}
    action = "stop" if ending else "continue"
    return EpochReported(
        trial=trial, segment=1, epoch=number, metrics=metrics, action=action, ending=ending, t=trial + number / 10
    )


def thousand_trials() -> list[Record]:
    """Of two epochs each; the last four are under way."""
    first = opened(experiment(num_trials=2000, epochs=10_000))
    records: list[Record] = [first, driver()]
    for trial in range(1000):
        config = {"x": trial / 1000, "epochs": 3}
        records.append(TrialProposed(trial=trial, config=config, origin="random", made_at=0, t=float(trial)))
        records.append(SegmentStarted(trial=trial, segment=1, t=float(trial)))
        records += [epoch(trial, 1), epoch(trial, 2, None if trial >= 996 else "stopped")]
    return records
