"""
Pictures of the demo for README.md: `script/screenshots`, or `python -m bench.screenshots FOLDER`.

It makes the demo network on a database of its own, lets the clock stand still, serves the office in
this process and walks through it in Chromium, from the search to a paid trip and its back office.
"""

from __future__ import annotations

import io
import os
import random
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
# A Monday: nobody's holiday, and the trains of a working day.
NOW = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
TRAVEL_DAY = NOW.date() + timedelta(days=1)
SEARCH = f"origin=Hamburg&destination=Munich&date={TRAVEL_DAY}&adult=2&child=1"
DESK, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
# Flat colours need no more, and a picture stays below a hundred kilobytes.
COLOURS = 96


def main() -> None:
    """Take all pictures into the folder that is named, else into docs/screenshots."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="screenshots-") as place:
        os.environ.update(
            DJANGO_SETTINGS_MODULE="travel.settings",
            DEMO="1",
            DEBUG="1",
            LOG_LEVEL="ERROR",
            VAR_DIR=place,
            DATABASE_URL=f"sqlite:///{place}/office.sqlite3",
            REDIS_URL="",
            DJANGO_ALLOW_ASYNC_UNSAFE="true",
        )
        import django

        django.setup()
        with standing_still(), serving() as address:
            take(address, folder)


@contextmanager
def standing_still() -> Iterator[None]:
    """Let the office's clock stand, and draw its codes from a fixed start."""
    drawn = random.Random(4)
    with (
        mock.patch("travel.common.clock.now", return_value=NOW),
        mock.patch("travel.common.ids.secrets.choice", drawn.choice),
    ):
        yield


@contextmanager
def serving() -> Iterator[str]:
    """Make the demo and serve it from this process; answer its address."""
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.management import call_command
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_args: object) -> None:
            """Say nothing: the pictures tell."""

    call_command("migrate", verbosity=0, interactive=False)
    call_command("seed_demo", verbosity=0, days=7)
    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.set_app(StaticFilesHandler(get_wsgi_application()))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()


def take(address: str, folder: Path) -> None:
    """Walk through the office and take the pictures on the way."""
    from playwright.sync_api import sync_playwright

    from tests.plugins.browser import OPTIONS, find_chromium

    chromium = find_chromium()
    if chromium is None:
        sys.exit("No Chromium is installed (apt-get install chromium).")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=[*OPTIONS, *sandbox, "--force-device-scale-factor=1"]
        )
        for scheme, viewport, walk in (
            ("light", DESK, buy),
            ("dark", PHONE, look_on_a_phone),
            ("light", DESK, look_as_staff),
        ):
            context = browser.new_context(
                base_url=address,
                viewport=viewport,
                color_scheme=scheme,
                locale="en-GB",
                reduced_motion="reduce",
            )
            context.set_default_timeout(20_000)
            page = context.new_page()
            page.clock.set_fixed_time(NOW)
            walk(page, folder)
            context.close()
        browser.close()


def buy(page, folder):  # type: ignore[no-untyped-def]
    """From the search to a paid trip, in the account of the demo's traveller."""
    sign_in(page, "traveller@demo.example")
    page.goto("/")
    page.get_by_role("combobox", name="From").fill("Hamburg")
    page.get_by_role("combobox", name="To").fill("Munich")
    page.get_by_role("heading", level=1).click()
    keep(page, folder / "search.png")
    page.goto(f"/search/?{SEARCH}")
    keep(page, folder / "results.png")
    page.get_by_role("link", name="Choose").first.click()
    keep(page, folder / "trip.png")
    page.get_by_role("button", name="Choose seats").click()
    free = page.locator(".seat-rows input:enabled")
    for place in (4, 5, 6):
        free.nth(place).check(force=True)
    keep(page, folder / "seats.png")
    page.locator(".seat-bar").get_by_role("button").click()
    for place, name in enumerate(("Robin", "Kim", "Lou"), start=1):
        fill(page, place, name)
    page.get_by_role("button", name="Hold these seats").last.click()
    page.get_by_role("radio", name="Wallet").check()
    keep(page, folder / "payment.png")
    page.get_by_role("button", name="Pay ").click()
    page.get_by_role("link", name="Show the booking").click()
    keep(page, folder / "booking.png")


def fill(page, place, name):  # type: ignore[no-untyped-def]
    """Name a passenger; the child was born eight years ago."""
    page.locator(f"[name='p{place}-first_name']").fill(name)
    page.locator(f"[name='p{place}-last_name']").fill("Traveller")
    if name == "Lou":
        page.locator(f"[name='p{place}-date_of_birth']").fill(f"{NOW.year - 8}-01-15")


def look_on_a_phone(page, folder):  # type: ignore[no-untyped-def]
    """The list of trips by night, on a narrow screen."""
    page.goto(f"/search/?{SEARCH}")
    keep(page, folder / "results-phone-dark.png")


def look_as_staff(page, folder):  # type: ignore[no-untyped-def]
    """The first page of the back office."""
    sign_in(page, "admin@demo.example")
    page.goto("/admin/")
    keep(page, folder / "back-office.png")


def sign_in(page, address):  # type: ignore[no-untyped-def]
    """Sign in as somebody of the demo."""
    from support.management.commands.seed_demo import PASSWORD

    page.goto("/account/sign-in/")
    page.get_by_label("E-mail").fill(address)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/my-trips/")


def keep(page, target):  # type: ignore[no-untyped-def]
    """Take what the window shows, in few colours."""
    from PIL import Image

    page.wait_for_load_state("load")
    picture = Image.open(io.BytesIO(page.screenshot(animations="disabled")))
    flat = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    flat.save(target, optimize=True)


if __name__ == "__main__":
    main()
