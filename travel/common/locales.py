"""The locale of the language a page is written in, and its digits."""

from __future__ import annotations

from babel import Locale
from django.utils.translation import get_language

_PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


def reader_locale() -> Locale:
    """Answer the locale of the language that texts are written in now."""
    return locale_of(get_language() or "en")


def locale_of(language: str) -> Locale:
    """
    Answer the locale of a language.

    English is British, because the office writes the day before the month and counts 24 hours.
    """
    return Locale.parse("en_GB" if language == "en" else language.replace("-", "_"))


def has_own_digits(locale: Locale) -> bool:
    """Say whether texts in this locale are written with other digits than 0 to 9."""
    return locale.language == "fa"


def own_digits(text: str, locale: Locale) -> str:
    """Write the digits of a text as its readers do: `12:02` is `۱۲:۰۲` in Persian."""
    return text.translate(_PERSIAN_DIGITS) if has_own_digits(locale) else text
