"""Every text of the office in every language it is offered in, whole and compiled."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.conf import settings

LANGUAGES = [code for code, _ in settings.LANGUAGES if code != "en"]
# What stands in a text for something else, and the tags of a page.
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%?\w|\{\w*\}|</?[a-z]+[^>]*>")


def folder(language: str) -> Path:
    return settings.BASE_DIR / "locale" / language / "LC_MESSAGES"


def catalogue(language: str) -> Catalog:
    with (folder(language) / "django.po").open("rb") as file:
        return read_po(file, locale=language)


def texts(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string)


def ids(message: Message) -> list[str]:
    return [message.id] if isinstance(message.id, str) else list(message.id)


def key(message: Message) -> tuple[str | None, ...]:
    # A compiled catalogue is read with contexts as bytes.
    context = message.context
    return (context.decode() if isinstance(context, bytes) else context, *ids(message))


@pytest.mark.parametrize("language", LANGUAGES)
class TestCatalogue:
    def test_says_everything(self, language: str):
        missing = [
            message.id
            for message in catalogue(language)
            if message.id and (message.fuzzy or not all(texts(message)))
        ]
        assert missing == []

    def test_fills_in_the_same(self, language: str):
        for message in catalogue(language):
            if not message.id:
                continue
            wanted = {mark for one in ids(message) for mark in PLACEHOLDER.findall(one)}
            for text in texts(message):
                found = set(PLACEHOLDER.findall(text))
                # One and few may be said without the number, never with another name.
                assert found <= wanted, message.id
                assert message.pluralizable or found == wanted, message.id

    def test_keeps_the_ends_of_its_lines(self, language: str):
        for message in catalogue(language):
            for text in texts(message) if message.id else []:
                assert text.startswith("\n") == ids(message)[0].startswith("\n"), message.id
                assert text.endswith("\n") == ids(message)[0].endswith("\n"), message.id

    def test_is_compiled(self, language: str):
        with (folder(language) / "django.mo").open("rb") as file:
            compiled = {key(one): texts(one) for one in read_mo(file) if one.id}
        written = {key(one): texts(one) for one in catalogue(language) if one.id}
        assert compiled == written


def test_persian_is_persian():
    """Not a text of more than a name is left in Latin letters."""
    latin = [
        message.id
        for message in catalogue("fa")
        if message.id
        and re.search(r"[a-z]{3}", re.sub(PLACEHOLDER, "", ids(message)[0]))
        and not any(re.search(r"[\u0600-\u06ff]", text) for text in texts(message))
        and " " in ids(message)[0]
    ]
    assert latin == []


def test_every_text_is_in_the_catalogues(tmp_path: Path):
    """What xgettext finds in the program today is what the catalogues have."""
    if not shutil.which("xgettext"):
        pytest.skip("xgettext (gettext) is not installed")
    copy = tmp_path / "office"
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.py", "*.html", "*.txt", "*.typ"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    for name in tracked:
        if not name.startswith("tests/") and (settings.BASE_DIR / name).exists():
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(settings.BASE_DIR / name, target)
    (copy / "locale").mkdir()
    subprocess.run(
        [sys.executable, "manage.py", "makemessages", "-l", "de", "--no-location"],
        cwd=copy,
        capture_output=True,
        check=True,
    )
    with (copy / "locale/de/LC_MESSAGES/django.po").open("rb") as file:
        found = {key(one) for one in read_po(file) if one.id}
    for language in LANGUAGES:
        known = {key(one) for one in catalogue(language) if one.id}
        assert sorted(map(str, found - known)) == [], language
        assert sorted(map(str, known - found)) == [], language
