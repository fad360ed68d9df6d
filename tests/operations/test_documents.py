"""What the documents point at is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.utils.text import camel_case_to_spaces

ROOT = Path(settings.BASE_DIR)
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
NAMED_FILE = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|toml|csv|html|css|sql|svg|md))`")
OURS = ("accounts", "inventory", "bookings", "payments", "support")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_named_files_are_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    links = [link.split("#")[0] for link in LINK.findall(text)]
    missing = [
        link
        for link in links
        if link and "://" not in link and not (path.parent / link).resolve().exists()
    ]
    missing += [name for name in NAMED_FILE.findall(text) if not (ROOT / name).exists()]

    assert missing == []


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(LINK.findall((folder / "README.md").read_text(encoding="utf-8")))

    assert listed == {path.name for path in folder.glob("0*.md")}


def test_the_glossary_has_the_word_of_every_table_that_people_speak_of() -> None:
    """Tables of names, of a provider's play and of the frame are called by the words of others."""
    text = (ROOT / "docs" / "GLOSSARY.md").read_text(encoding="utf-8")
    text = text.lower().replace("-", " ")
    silent = {
        "cancelled coupon",
        "city name",
        "refresh token",
        "report message",
        "reservation event",
        "sandbox charge",
        "sandbox refund",
        "serving entry",
        "station name",
        "token family",
    }
    words = {
        camel_case_to_spaces(model.__name__)
        for label in OURS
        for model in apps.get_app_config(label).get_models()
        if not hasattr(model, "history_id")
    }

    assert {word for word in words - silent if word not in text} == set()
