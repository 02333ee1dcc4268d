"""S11: a report of a hostile sweep runs nothing, loads nothing and shows every text as a text."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import pytest

from experiments._sweep.command_line import main
from tests.browser import browsing, opened
from tests.experiments.hostile import HOSTILE, LONG, hostile_sweep
from tests.experiments.test_board import answered, boarded

TEXTS = {**HOSTILE, "long": LONG}
HANDLER = re.compile(r"on[a-z]+")
ADDRESSES = {"href", "src", "srcset", "action", "formaction", "data", "poster", "xlink:href"}
ENDS = re.compile(r"</|<!--|[\u2028\u2029]")


class Page(HTMLParser):
    """The elements of a page, their attributes, what is shown, and what stands in blocks."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.shown: list[str] = []
        self.data: list[str] = []
        """The JSON in blocks of data."""
        self._block: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remembers it; of a script whether it is data."""
        self.elements[tag] += 1
        given = {name: value or "" for name, value in attrs}
        self.attributes += given.items()
        if tag in ("script", "style"):
            self._block = given.get("type", tag)

    def handle_endtag(self, tag: str) -> None:
        """A block ends."""
        if tag in ("script", "style"):
            self._block = None

    def handle_data(self, data: str) -> None:
        """Text, or the content of a block."""
        if self._block is None:
            self.shown.append(data)
        elif self._block == "application/json":
            self.data.append(data)


@contextmanager
def light() -> Iterator[None]:
    """Pages without plotly itself, which is the same five megabytes in each of them."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("experiments._sweep.report.page.get_plotlyjs", lambda: "0;")
        yield


def report_of(*sweeps: Path) -> Path:
    """The file of the report of sweeps."""
    file = sweeps[0] / "page.html"
    assert main(["report", *map(str, sweeps), "--to", str(file)]) == 0
    return file


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Page, Page]:
    """The report of a sweep that means no harm, and a comparison of two."""
    folder = tmp_path_factory.mktemp("plain")
    sweeps = [hostile_sweep(folder / name, "plain") for name in ("one", "two")]
    with light():
        pages = [report_of(sweeps[0]).read_text(encoding="utf-8"), report_of(*sweeps).read_text(encoding="utf-8")]
    return Page(pages[0]), Page(pages[1])


@pytest.mark.parametrize("several", [False, True], ids=["one", "compared"])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_s11_no_text_becomes_an_element_an_attribute_or_the_end_of_a_block(
    text: str, several: bool, tmp_path: Path, plain: tuple[Page, Page]
) -> None:
    """The page has the elements of a sweep that means no harm, and its blocks are JSON."""
    sweeps = [hostile_sweep(tmp_path / name, text) for name in ("one", "two")[: 1 + several]]
    with light():
        page = Page(report_of(*sweeps).read_text(encoding="utf-8"))
    assert page.elements["script"] == plain[several].elements["script"]
    assert set(page.elements) <= set(plain[several].elements), set(page.elements) - set(plain[several].elements)
    for name, value in page.attributes:
        assert not HANDLER.fullmatch(name), (name, value[:100])
        assert name not in ADDRESSES or value.startswith("#"), (name, value[:100])
    assert page.data and page.elements["style"]
    for block in page.data:
        assert json.loads(block) is not None and not ENDS.search(block)
    shown = "".join(page.shown)
    assert all(character.isprintable() or character in "\n\t" for character in shown)
    assert "49" not in shown or "7*7" not in text or shown.count("49") == "".join(plain[several].shown).count("49")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_s11_nothing_runs_in_a_browser(tmp_path: Path) -> None:
    """Opened from the disk in Chromium: no dialog, no error, no request but for the file itself; figures are drawn."""
    dangerous = {name: HOSTILE[name] for name in ("attribute", "end of a block")}
    together = {**dangerous, "all": " ".join(HOSTILE.values())}  # it begins with a script, and figures cut it there
    files = {name: report_of(hostile_sweep(tmp_path / name.replace(" ", "-"), text)) for name, text in together.items()}
    with browsing() as browser:
        for name, file in files.items():
            with opened(browser, file.as_uri()) as seen:
                seen.page.wait_for_selector(".main-svg", state="attached")
                assert seen.complaints == [] and seen.requests == [file.as_uri()], (name, seen.complaints)
                assert seen.page.evaluate("document.querySelectorAll('img, svg image[href^=http], iframe').length") == 0
                assert seen.page.evaluate("document.querySelectorAll('a[href^=http], a[href^=javascript]').length") == 0


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_s11_nothing_runs_in_tensorboard(tmp_path: Path) -> None:
    """Its table and its charts, of two hostile sweeps side by side: no dialog, and no request to anybody else."""
    for name, text in {"one": " ".join(HOSTILE.values()), "two": HOSTILE["script"]}.items():
        hostile_sweep(tmp_path / name, text)
    with boarded(tmp_path, "one", "two") as url, browsing() as browser:
        answered(f"{url}data/runs", lambda runs: len(runs) >= 12)
        for place, waited_for in (("#hparams", "0004"), ("#timeseries", "6 cards")):
            with opened(browser, f"{url}{place}", width=2000) as seen:
                seen.page.get_by_text(waited_for).first.wait_for(state="attached")
                assert not [each for each in seen.complaints if each.startswith("a dialog")]
                assert all(each.startswith((url, "data:", "blob:")) for each in seen.requests), seen.requests
                assert seen.page.evaluate("document.querySelectorAll('img[src=x], [onerror], [onload]').length") == 0
