"""
A real Chromium for tests of pages: `page` is a fresh one, `live_server.url` is where to go.

The browser is the system's (Debian's chromium, or CHROMIUM=/path). Without one these tests are
skipped; with REQUIRE_BROWSER=1 they fail instead, so that a run cannot leave them out unnoticed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# How long a page may take, in ms: a busy machine is no fault, and only what fails waits so long.
PATIENCE = 60_000
# Nothing that the browser does by itself may look for the network.
OPTIONS = (
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-first-run",
)


def find_chromium() -> str | None:
    """Return the path of the system's Chromium, or None."""
    if named := os.environ.get("CHROMIUM"):
        return named
    return next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for all tests of a run."""
    path = find_chromium()
    if path is None:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail("No Chromium is installed (apt-get install chromium).")
        pytest.skip("No Chromium is installed (apt-get install chromium).")
    # Playwright's loop runs in this thread, where Django would refuse the database otherwise.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    expect.set_options(timeout=PATIENCE)
    # Root cannot have Chromium's sandbox; everybody else keeps it.
    options = [*OPTIONS, "--no-sandbox"] if os.geteuid() == 0 else [*OPTIONS]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A fresh page with no cookies, English, in a window of 1280 by 900."""
    context = chromium.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


# Each page is looked at in two of the four looks, and in all of them by `script/test --full`.
LOOKS = pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (320, "dark"),
        (1280, "light"),
        pytest.param(320, "light", marks=pytest.mark.slow),
        pytest.param(1280, "dark", marks=pytest.mark.slow),
    ],
)
