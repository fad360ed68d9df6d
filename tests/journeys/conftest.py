"""Journeys walk through pages in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.conftest import Clock
from tests.journeys.staff import Open
from tests.pages.conftest import back, open_page
from tests.plugins.browser import PATIENCE

__all__ = ["back", "open_page"]


@pytest.fixture
def window(chromium: Browser, live_server: Any, clock: Clock, settings: Any) -> Iterator[Open]:
    """Answer a browser of one's own, as often as one is asked for."""
    settings.STAFF_2FA = "required"
    contexts = []

    def opened() -> Page:
        context = chromium.new_context(base_url=live_server.url, locale="en-GB")
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()
