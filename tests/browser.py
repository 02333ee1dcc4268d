"""A real browser, headless, that remembers what a page asked for and complained about."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Dialog, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@dataclass
class Seen:
    """An open page and what it did."""

    page: Page
    requests: list[str] = field(default_factory=list)
    """Every address that it asked for, its own first."""
    complaints: list[str] = field(default_factory=list)
    """Errors and warnings of its console, uncaught exceptions, and dialogs that it opened."""


def chromium() -> str:
    """Give the browser's path, or skip the test with the reason."""
    found = os.environ.get("RAYSWEEPS_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no {', '.join(NAMES)} on this machine, and RAYSWEEPS_CHROMIUM names none")
    return found


@contextmanager
def browsing() -> Iterator[Browser]:
    """Start a browser and end it."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, url: str, *, width: int = 1400, height: int = 900) -> Iterator[Seen]:
    """Open an address in a window of that many pixels; what it does is remembered from the first moment."""
    page = browser.new_page(viewport={"width": width, "height": height})
    seen = Seen(page)
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("console", lambda said: seen.complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))

    def dismissed(dialog: Dialog) -> None:
        seen.complaints.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    page.on("dialog", dismissed)
    try:
        page.goto(url)
        yield seen
    finally:
        page.close()
