"""Journeys walk through pages in a real browser."""

from tests.pages.conftest import back, open_page

__all__ = ["back", "open_page"]
