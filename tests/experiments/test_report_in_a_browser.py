"""The report as a reader has it: opened from the disk in Chromium, on wide and narrow windows, without a network."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from experiments import open_sweep
from experiments._sweep.report.comparing import comparison_of
from experiments._sweep.report.page import rendered
from experiments._sweep.report.single import page_of
from tests.browser import Seen, browsing, opened
from tests.experiments.reportable import confirmed, reportable

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
DRAWN = "html[data-drawn=all]"
LONG_MS = 90_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests here."""
    with browsing() as started:
        yield started


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a sweep of 60 trials with failures, stopped trials, branches and a confirmation."""
    folder = confirmed(reportable(tmp_path_factory.mktemp("results") / "widths", trials=60))
    (folder / "report.html").write_text(rendered(page_of(open_sweep(folder))), encoding="utf-8")
    return folder / "report.html"


@pytest.fixture(scope="module")
def wide(page: Path, browser: Browser) -> Iterator[Seen]:
    """That page in a wide window, for all who only look."""
    with opened(browser, page.as_uri()) as seen:
        seen.page.wait_for_selector(DRAWN, timeout=LONG_MS)
        yield seen


def wider_than_the_window(page: Page) -> int:
    """By how many pixels."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def is_whole(seen: Seen, page: Path) -> None:
    """Every figure is there, nothing hangs over the side, nobody complains, nothing is asked for."""
    assert seen.complaints == [] and seen.requests == [page.as_uri()]
    figures = seen.page.locator("[data-figure]")
    assert figures.count() >= 14
    assert seen.page.locator("[data-figure] .main-svg:first-child").count() == figures.count()
    assert wider_than_the_window(seen.page) <= 0


def test_the_page_opens_without_errors_or_requests_and_draws_everything(wide: Seen, page: Path) -> None:
    """The policy allows what plotly does."""
    is_whole(wide, page)


def test_it_does_so_in_a_narrow_window(page: Path, browser: Browser) -> None:
    """Figures are as wide as there is room; what needs more is scrolled by itself."""
    with opened(browser, page.as_uri(), width=800) as seen:
        seen.page.wait_for_selector(DRAWN, timeout=LONG_MS)
        is_whole(seen, page)


def test_what_is_drawn_is_what_the_ledger_has_and_a_trial_is_told_where_one_points(wide: Seen, page: Path) -> None:
    """Read from plotly itself; then the mouse goes to the best trial of the first figure."""
    best = open_sweep(page.parent).best
    box = wide.page.locator("#figure-best-over-trials")
    line: dict[str, Any] = box.evaluate("box => box.data.find((trace) => trace.name === 'best so far')")
    assert line["y"][-1] == pytest.approx(best.value, rel=1e-5)
    box.scroll_into_view_if_needed()
    at = box.evaluate(
        """(box) => {
          const trace = box.data.find((each) => each.name === "completed");
          const low = trace.y.indexOf(Math.min(...trace.y)), frame = box.getBoundingClientRect();
          const { xaxis, yaxis } = box._fullLayout;
          return [frame.x + xaxis._offset + xaxis.d2p(trace.x[low]), frame.y + yaxis._offset + yaxis.d2p(trace.y[low])];
        }"""
    )
    wide.page.mouse.move(at[0] - 30, at[1] - 30)
    wide.page.mouse.move(*at)
    wide.page.locator("#figure-best-over-trials .hovertext").filter(has_text=f"trial {best.trial}").wait_for()
    assert wide.complaints == []


def test_a_script_that_got_into_the_page_would_not_run(wide: Seen) -> None:
    """Were an escape ever forgotten, the policy is what stands behind it."""
    wide.page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "document.documentElement.dataset.ran = 'yes'";
          document.body.append(script);
        }"""
    )
    assert wide.page.locator("html[data-ran]").count() == 0
    assert any("Content Security Policy" in each for each in wide.complaints)
    wide.complaints.clear()


def test_the_tables_are_there_without_javascript(page: Path, browser: Browser) -> None:
    """And each figure says why it is not."""
    reader = browser.new_page(java_script_enabled=False)
    try:
        reader.goto(page.as_uri())
        best = open_sweep(page.parent).best
        assert f"Trial {best.trial}" in reader.inner_text("#answers")
        assert "image_classifier" in reader.inner_text("#repeat")
        assert "needs JavaScript" in reader.inner_text("#figure-curves")
    finally:
        reader.close()


def test_the_page_follows_the_readers_light_and_prints_on_white(page: Path, browser: Browser) -> None:
    """Figures are drawn anew when the light changes; printed ones are as wide as the paper and dark on white."""
    reader = browser.new_page(color_scheme="dark", viewport={"width": 720, "height": 900})
    try:
        reader.goto(page.as_uri())
        reader.wait_for_selector(DRAWN, timeout=LONG_MS)
        ink = "document.querySelector('#figure-curves')._fullLayout.font.color"
        dark = reader.evaluate(ink)
        reader.emulate_media(color_scheme="light")
        reader.wait_for_selector("html[data-look=light]")
        light = reader.evaluate(ink)
        assert light != dark
        reader.emulate_media(color_scheme="dark")
        reader.wait_for_selector("html[data-look=dark]")
        reader.emulate_media(color_scheme="dark", media="print")
        reader.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert reader.evaluate(ink) == light and wider_than_the_window(reader) <= 0
    finally:
        reader.close()


def test_a_comparison_opens_likewise(tmp_path: Path, browser: Browser) -> None:
    """Three figures, a line for each sweep, no error and no request."""
    sweeps = [open_sweep(reportable(tmp_path / name, trials=9, seed=n)) for n, name in enumerate(("one", "two"))]
    file = tmp_path / "report.html"
    file.write_text(rendered(comparison_of(sweeps)), encoding="utf-8")
    with opened(browser, file.as_uri(), width=800) as seen:
        seen.page.wait_for_selector(DRAWN, timeout=LONG_MS)
        assert seen.complaints == [] and seen.requests == [file.as_uri()] and wider_than_the_window(seen.page) <= 0
        boxes = seen.page.locator("[data-figure]")
        names = boxes.evaluate_all("boxes => boxes.map((box) => box.data.map((trace) => trace.name))")
        assert names == [["one", "two"]] * 3
