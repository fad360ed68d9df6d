"""The locale of the language a page is written in, its digits, and how it lists things."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from babel import Locale
from django.utils.translation import get_language, gettext, pgettext

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


def in_a_row(parts: Iterable[object]) -> str:
    """Write the parts of a list after each other, with the comma of the reader's language."""
    return pgettext("between the parts of a list", ", ").join(map(str, parts))


def in_groups(parts: Iterable[str]) -> str:
    """Write parts that have commas themselves after each other."""
    return pgettext("between parts that have commas themselves", "; ").join(parts)


def one_after_another(parts: Iterable[str]) -> str:
    """Write what follows in time: `seat 12 to Kassel, then seat 31 to Munich`."""
    return reduce(_then, parts)


def _then(first: str, then: str) -> str:
    return gettext("%(first)s, then %(next)s") % {"first": first, "next": then}
