"""
Digits of the page: a page in Persian is written with Persian digits.

Prices, days and times come with them. The counts in sentences do not, so the finished page is gone
through once. What is a name or will be typed again stays: words with a Latin letter in them (a
booking code, seat 6A), a number after such a word (ICE 1005), all in `<bdi>` and `<code>`, and
attributes.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from travel.common.calendars import CALENDAR_COOKIE, calendar
from travel.common.locales import has_own_digits, own_digits, reader_locale

_TAG = re.compile(r"(<!--.*?-->|<[^>]*>)", re.DOTALL)
_NAME = re.compile(r"<(/?)([a-zA-Z0-9]+)")
# The character references of a text: &#39; and &#x27; have digits that are none.
_REFERENCE = re.compile(r"(&#?\w+;)")
_WORD = re.compile(r"(\S+)")
_LATIN = re.compile(r"[A-Za-z]")
_AS_IT_STANDS = frozenset({"bdi", "code", "kbd", "pre", "samp", "script", "style", "textarea"})


class ReadersNumerals:
    """Middleware: the calendar the reader asked for, and the digits of the reader's language."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with calendar(request.COOKIES.get(CALENDAR_COOKIE, "")):
            response = self.get_response(request)
        if isinstance(response, HttpResponse) and _is_page(response):
            locale = reader_locale()
            if has_own_digits(locale):
                page = response.content.decode(response.charset)
                response.content = rewrite(page, lambda text: own_digits(text, locale))
        return response


def rewrite(page: str, write: Callable[[str], str]) -> str:
    """Answer the page with its texts rewritten; tags and what stands as it is are left alone."""
    written, kept = [], 0
    for part in _TAG.split(page):
        if part.startswith("<"):
            kept += _kept(part)
            written.append(part)
        else:
            written.append(part if kept else _text(part, write))
    return "".join(written)


def _kept(tag: str) -> int:
    """Answer 1 where a tag opens what stands as it is, -1 where it closes that, else 0."""
    found = _NAME.match(tag)
    if not found or found[2].lower() not in _AS_IT_STANDS:
        return 0
    return -1 if found[1] else 1


def _text(text: str, write: Callable[[str], str]) -> str:
    pieces = _REFERENCE.split(text)
    return "".join(
        piece if index % 2 else _words(piece, write) for index, piece in enumerate(pieces)
    )


def _words(text: str, write: Callable[[str], str]) -> str:
    written, after_latin = [], False
    for piece in _WORD.split(text):
        if not piece or piece.isspace():
            written.append(piece)
            continue
        is_latin = _LATIN.search(piece) is not None
        written.append(piece if is_latin or after_latin else write(piece))
        after_latin = is_latin
    return "".join(written)


def _is_page(response: HttpResponse) -> bool:
    return response.get("Content-Type", "").startswith("text/html")
