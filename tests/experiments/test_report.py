"""`sweep report`: what stands on the page is what the ledger says, and the page is a file that can be sent away."""

import base64
import hashlib
import json
import re
import stat
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from experiments import open_sweep
from experiments._sweep.analysis.writing import write_whole
from experiments._sweep.command_line import main
from experiments._sweep.report.contents import Page
from experiments._sweep.report.page import block, rendered
from experiments._sweep.report.single import page_of
from experiments._sweep.views.words import number, setting
from tests.experiments.reportable import EPOCHS, RUNG, confirmed, reportable

STORED = Path(__file__).parent / "stored"


class Read(HTMLParser):
    """A page as a reader without JavaScript has it: the text of each section, and the blocks."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sections: dict[str, str] = {"": ""}
        self.blocks: list[tuple[dict[str, str | None], str]] = []
        self._section, self._block = "", False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A section or a block begins."""
        if tag == "section":
            self._section = str(dict(attrs)["id"])
            self.sections[self._section] = ""
        if tag in ("script", "style"):
            self._block = True
            self.blocks.append(({"tag": tag, **dict(attrs)}, ""))

    def handle_endtag(self, tag: str) -> None:
        """It ends."""
        if tag == "section":
            self._section = ""
        if tag in ("script", "style"):
            self._block = False

    def handle_data(self, data: str) -> None:
        """Text."""
        if self._block:
            attributes, before = self.blocks[-1]
            self.blocks[-1] = (attributes, before + data)
        else:
            self.sections[self._section] += data

    @property
    def figures(self) -> dict[str, Any]:
        """The figures by their names."""
        named = [(str(given.get("id")), text) for given, text in self.blocks if given.get("type")]
        return {name.removeprefix("data-"): json.loads(text) for name, text in named}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep with a confirmation."""
    return confirmed(reportable(tmp_path_factory.mktemp("results") / "widths", trials=40))


@pytest.fixture(scope="module")
def html(folder: Path) -> str:
    """Its page."""
    return rendered(page_of(open_sweep(folder)))


@pytest.fixture(scope="module")
def read(html: str) -> Read:
    """Its page, read."""
    return Read(html)


def test_the_page_alone_answers_the_six_questions_as_the_ledger_does(folder: Path, read: Read) -> None:
    """What was asked, what won, is it real, what mattered, what next, how is it repeated: all of it in the text."""
    sweep = open_sweep(folder)
    short, answer = read.sections["answers"], sweep.confirmed
    assert answer is not None
    assert sweep.history.sweep.question in short and "40 of 40 trials" in short
    assert f"Trial {sweep.best.trial}" in short and f"epoch {sweep.best.epoch}" in short
    assert answer["answer"] in short
    assert "lr" in short.partition("What mattered")[2]
    assert f"sweep replay {folder} {sweep.best.trial}" in short and "sweep run digits_mlp" in short
    assert sweep.history.sweep.question in read.sections[""] and answer["answer"] in read.sections[""]


def test_the_sections_come_in_the_order_of_a_readers_questions(read: Read) -> None:
    """From the answer to what it rests on, and at last what it takes to repeat it."""
    assert [*read.sections][1:] == [
        *("answers", "best", "real", "progress", "curves", "parallel", "slices", "importance", "edges", "timeline"),
        *("endings", "repeat", "trials"),
    ]


def test_the_tables_have_what_the_ledger_has(folder: Path, read: Read) -> None:
    """The best configuration, what it measured, how the trials ended with tracebacks, versions, digests, all trials."""
    sweep = open_sweep(folder)
    best, endings, repeat = (read.sections[name] for name in ("best", "endings", "repeat"))
    for value in ("lr", "hidden_units", "activation"):
        assert setting(sweep.best.config[value]) in best
    assert number(sweep.best.metrics["val_accuracy"]) in best
    assert "RuntimeError: no room (5)" in endings and "Traceback (most recent call last)" in endings
    stopped = [trial for trial in sweep.trials if trial.ending == "stopped"]
    assert stopped and f"behind the cut-off at the rung of epoch {RUNG} ({len(stopped)})" in endings
    assert "2.14.1" in repeat and "0123456789abcdef" in repeat and "grace_epochs 3" in repeat
    assert f"{len(sweep.trials)} trials, the best first" in read.sections["trials"]
    for trial in sweep.trials:
        if trial.value is not None:
            assert number(trial.value) in read.sections["trials"]


def test_the_figures_draw_what_the_ledger_has(folder: Path, read: Read) -> None:
    """Best so far, curves, rungs, hyperparameters on their scales, importance, stretches and endings."""
    history, figures = open_sweep(folder).history, read.figures
    best = history.best
    assert best is not None and best.value is not None
    for name in ("best-over-trials", "best-over-time"):
        line = next(trace for trace in figures[name]["data"] if trace["name"] == "best so far")
        assert line["y"][-1] == pytest.approx(best.value, rel=1e-5) and line["y"] == sorted(line["y"], reverse=True)
    curves = {trace["name"]: trace for trace in figures["curves"]["data"]}
    assert curves[f"best: trial {best.number}"]["x"] == [*range(1, EPOCHS + 1), None]
    stopped = [*history.in_state("stopped")]
    assert len(curves["stopped here"]["x"]) == len(stopped) and {*curves["stopped here"]["x"]} == {RUNG}
    drawn = {each for trace in curves.values() for each in trace.get("customdata", ()) if each is not None}
    assert drawn == {number for number, trial in history.trials.items() if trial.losses}
    assert sum(name.startswith("slice-") for name in figures) == 6
    lengths = sum(len(trace["x"]) for trace in figures["timeline"]["data"])
    assert lengths == sum(len(trial.segments) for trial in history.trials.values())
    counts = {trace["name"]: trace["x"][0] for trace in figures["endings"]["data"]}
    assert counts[f"error {counts['error 5']}"] == 5 and sum(counts.values()) == len(history.trials)


def test_axes_are_logarithmic_where_the_space_is(html: str, read: Read) -> None:
    """The learning rate and the units are searched over ratios, the momentum over differences."""
    titles = dict(re.findall(r'<h3>([^<]*)</h3>\s*<div class="scroll"><div class="drawing" id="figure-([^"]*)"', html))
    kinds = {title: read.figures[name]["layout"]["xaxis"].get("type", "linear") for title, name in titles.items()}
    assert kinds["lr"] == kinds["hidden_units"] == "log"
    assert kinds["optimizer[sgd].momentum"] == kinds["warmup_epochs"] == "linear"


def test_the_policy_allows_the_scripts_and_the_style_of_the_page_and_nothing_else(html: str, read: Read) -> None:
    """Each is named by its digest; no request, no eval, no style or script beside them."""
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', html)
    rules = {name: rest for name, _, rest in (rule.partition(" ") for rule in policy.replace("&#39;", "'").split("; "))}
    assert rules["default-src"] == "'none'" and "unsafe-eval" not in policy
    for tag, rule in (("script", "script-src"), ("style", "style-src-elem")):
        run = [text for given, text in read.blocks if given["tag"] == tag and "type" not in given]
        digests = [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in run]
        assert run and {*digests} <= {*rules[rule].split()} and "unsafe" not in rules[rule]
    assert not re.search(r'(src|href)="(?!#)', re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL))


def test_nothing_in_a_block_of_data_ends_it_or_is_read_as_html() -> None:
    """JSON that comes back whole, in ASCII, without a character that HTML reads."""
    data = {"</script><!--": ["<b>&amp;", "\u2028\u2029", "\ud800", "é"], "n": 1.5}
    written = block(data)
    assert json.loads(written) == data and written.isascii() and not set("<>&") & set(written)


def test_the_page_is_the_owners_alone_and_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mode 0600; where it cannot be written, the page before it is as it was and nothing lies beside it."""
    to = tmp_path / "report.html"
    write_whole(to, "<p>one</p>")
    assert stat.S_IMODE(to.stat().st_mode) == 0o600

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(to, "<p>two</p>")
    assert to.read_text() == "<p>one</p>" and [*tmp_path.iterdir()] == [to]


def test_the_command_writes_into_the_sweeps_folder_and_says_where_and_what(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where a confirmation is named: the page is about the sweep that it confirms."""
    folder = confirmed(reportable(tmp_path / "widths", trials=8))
    for given in (folder, folder / "confirm-1"):
        assert main(["report", str(given)]) == 0
        out = capsys.readouterr().out
        assert str(folder / "report.html") in out and "won" in out
        assert "Is it real? Against the defaults, yes: trial 2" in out
    assert stat.S_IMODE((folder / "report.html").stat().st_mode) == 0o600
    assert open_sweep(folder).report() == folder / "report.html"


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("", "is a folder. Give a file in it"),
        ("gone/page.html", "Make it, or give another place."),
        ("ledger.jsonl", "exists and is no report. Give another name, or remove it."),
    ],
)
def test_a_place_where_no_page_can_be_written_is_refused_with_what_to_give(
    to: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Above all a ledger is never written over."""
    sweep = reportable(tmp_path / "widths", trials=2)
    before = (sweep / "ledger.jsonl").read_bytes()
    assert main(["report", str(sweep), "--to", str(sweep / to)]) == 2
    assert said in capsys.readouterr().err and (sweep / "ledger.jsonl").read_bytes() == before


@pytest.mark.parametrize("place", sorted(STORED.glob("format-*/*/ledger.jsonl")), ids=lambda place: place.parts[-3])
def test_g13_a_sweep_of_any_version_has_a_page(place: Path, tmp_path: Path) -> None:
    """A ledger lacks what later versions write, and says so instead of failing."""
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "ledger.jsonl").write_bytes(place.read_bytes())
    assert "old" in rendered(page_of(open_sweep(tmp_path / "old")))


@pytest.mark.parametrize(
    ("trials", "asks"),
    [
        (0, {}),
        (1, {}),
        (3, {"mode": "max"}),
        (9, {"counts": "last"}),
        (6, {"metric": "never_reported"}),
        (6, {"space": {"lr": {"constant": 0.1}}}),
        (6, {"space": {"lr": {"of a later version": [1]}}}),
    ],
    ids=["none", "one", "higher is better", "folds", "no value", "nothing searched", "a foreign space"],
)
def test_every_sweep_has_a_page(trials: int, asks: dict[str, Any], tmp_path: Path) -> None:
    """One that has just begun, one without a value, one in which nothing was searched."""
    sweep = open_sweep(reportable(tmp_path / "widths", trials=trials, **asks))
    read = Read(rendered(page_of(sweep)))
    assert {"answers", "best", "real", "progress", "endings", "repeat"} <= {*read.sections}
    if sweep.history.best is None:
        assert "No trial has a value yet" in read.sections["best"]


def test_estimates_from_fewer_folds_do_not_look_better_than_the_best(tmp_path: Path) -> None:
    """Where the last value counts, a trial that gave up early has no place on the axis of the metric."""
    sweep = open_sweep(reportable(tmp_path / "widths", counts="last"))
    read = Read(rendered(page_of(sweep)))
    early = {trial.trial for trial in sweep.trials if trial.ending == "stopped"}
    last = max(x for trace in read.figures["parallel"]["data"] for x in trace["x"] if x is not None)
    ends = [
        (int(re.findall(r"trial (\d+)", told)[0]), y)
        for trace in read.figures["parallel"]["data"]
        for x, y, told in zip(trace["x"], trace["y"], trace["hovertext"], strict=True)
        if x == last
    ]
    assert early and all(y < 0 for trial, y in ends if trial in early)
    assert max(ends, key=lambda end: end[1])[0] == sweep.best.trial
    assert "fewer folds" in read.sections["progress"] and "fewer folds" in read.sections["parallel"]


def points(page: Page, name: str) -> int:
    """How many points a figure has."""
    figure = next(each.figure for section in page.sections for each in section.figures if each.name == name)
    return sum(len(trace.x) for trace in figure.data)


@pytest.mark.slow
def test_a_thousand_trials_make_a_page_that_can_be_used(tmp_path: Path) -> None:
    """Curves and lines are drawn of as many as one can see, and the page says of how many."""
    page = page_of(open_sweep(reportable(tmp_path / "widths", trials=1000)))
    assert points(page, "curves") < 10_000 and points(page, "parallel") < 10_000
    html = rendered(page)
    assert len(html) < 9e6 and "250 of 875 trials are drawn" in html and "1000 trials, the best first" in html
