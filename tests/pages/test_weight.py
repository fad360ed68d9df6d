"""What a traveller's browser has to fetch before it can draw: little, and as it was written."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.files.base import ContentFile
from django.test import Client

from travel.staticfiles import JOINED, SlimStaticFilesStorage, joined_style, slim_script, slim_style

MOST = 16 * 1024
SCRIPTS = Path(settings.BASE_DIR) / "static" / "js"
# Staff at a door carry a scanner and a list about; travellers never load it.
OF_STAFF = {"door.js", "door-worker.js"}


def weight(text: str) -> int:
    """Answer the bytes that go over the line."""
    return len(gzip.compress(text.encode(), 9))


def test_style_and_all_scripts_of_travellers_weigh_little() -> None:
    scripts = [file for file in SCRIPTS.glob("*.js") if file.name not in OF_STAFF]
    assert len(scripts) >= 4

    total = weight(joined_style()) + sum(weight(slim_script(one.read_text())) for one in scripts)

    assert total <= MOST


@pytest.mark.django_db
def test_pages_load_one_style_sheet(client: Client) -> None:
    html = client.get("/").content.decode()

    assert re.findall(r'rel="stylesheet" href="(.*?)"', html) == ["/static/css/site.css"]


def test_the_one_sheet_is_found_and_written_anew_when_a_part_changes(
    settings: Any, tmp_path: Path
) -> None:
    settings.VAR_DIR = tmp_path
    finders.get_finder.cache_clear()
    try:
        path = finders.find(JOINED)
        assert path == str(tmp_path / "joined" / JOINED)
        written = Path(path).stat().st_mtime_ns
        assert finders.find(JOINED) == path
        assert Path(path).stat().st_mtime_ns == written

        Path(path).write_text("something old")
        finders.find(JOINED)
        assert Path(path).read_text() == joined_style()
    finally:
        finders.get_finder.cache_clear()


class TestSlimming:
    def test_leaves_the_meaning_of_a_style(self) -> None:
        text = """
        /* A word. */
        @layer a, b;
        @media (min-width: 48rem) {
          .x > .y, .z:hover { margin: 0 calc(1px + 2px); content: ""; }
        }
        """

        assert slim_style(text) == (
            "@layer a,b;@media (min-width:48rem){"
            '.x > .y,.z:hover{margin:0 calc(1px + 2px);content:""}}'
        )

    def test_our_styles_quote_nothing_that_it_would_break(self) -> None:
        quoted = re.findall(r'"([^"]*)"', joined_style())

        assert [text for text in quoted if re.search(r"[{};,]|:\s", text)] == []

    def test_leaves_code_beside_a_comment(self) -> None:
        text = 'const a = "//x"; // why\n  // alone\n/* block\n   more */\nlet b = 1;\n'

        assert slim_script(text) == 'const a = "//x"; // why\nlet b = 1;\n'

    def test_is_for_own_scripts_alone(self, tmp_path: Path) -> None:
        storage = SlimStaticFilesStorage(location=tmp_path)

        storage._save("js/own.js", ContentFile(b"// a\nrun();\n"))
        storage._save("django_htmx/htmx.js", ContentFile(b"// a\nrun();\n"))

        assert (tmp_path / "js/own.js").read_text() == "run();\n"
        assert (tmp_path / "django_htmx/htmx.js").read_text() == "// a\nrun();\n"
