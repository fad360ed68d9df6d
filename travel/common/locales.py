"""The locale of the language a page is written in."""

from __future__ import annotations

from babel import Locale
from django.utils.translation import get_language


def reader_locale() -> Locale:
    """
    Answer the locale of the reader's language.

    English is British, because the office writes the day before the month and counts 24 hours.
    """
    language = get_language() or "en"
    if language == "en":
        language = "en-gb"
    return Locale.parse(language.replace("-", "_"))
