"""Reading pages as their readers do."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from django.http import HttpResponse


def text_of(html: str) -> str:
    """Answer what a reader sees: no tags, single blanks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def where(answer: HttpResponse) -> tuple[str, dict[str, list[str]]]:
    """Answer the path and the query that a page sends its reader to."""
    assert answer.status_code == 302
    link = urlsplit(answer["Location"])
    return link.path, parse_qs(link.query)
