"""TensorBoard and the report of a sweep, photographed in Chromium."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

WIDTH, HEIGHT = 1400, 800


def board(sweep: Path, picture: Path, browser: Browser) -> None:
    """Photograph the HParams tab."""
    command = [sys.executable, "-m", "experiments", "board", str(sweep)]
    served = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = served.stdout.readline() if served.stdout else ""
        address = next(word for word in line.split() if word.startswith("http"))
        with _page(browser, f"{address}#hparams") as page:
            page.get_by_text("Hyperparameters").first.wait_for()
            page.wait_for_timeout(4000)
            page.screenshot(path=picture)
    finally:
        served.terminate()
        served.wait()


def report(sweep: Path, to: Path, browser: Browser) -> None:
    """Photograph the top of the report, and its figures."""
    made = to / "report.html"
    command = [sys.executable, "-m", "experiments", "report", str(sweep), "--to", str(made)]
    subprocess.run(command, check=True)
    with _page(browser, made.as_uri()) as page:
        page.wait_for_timeout(2000)
        page.screenshot(path=to / "report.png")
    made.unlink()


@contextmanager
def _page(browser: Browser, address: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    try:
        page.goto(address)
        yield page
    finally:
        page.close()
