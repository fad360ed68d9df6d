"""The pictures of README.md: there, small, and those that the script takes."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PICTURES = ROOT / "docs" / "screenshots"


def test_every_picture_is_there_and_small() -> None:
    shown = set(re.findall(r"docs/screenshots/([\w-]+\.png)", (ROOT / "README.md").read_text()))
    files = {file.name: file.stat().st_size for file in PICTURES.iterdir()}

    assert shown == set(files)
    assert all(0 < size < 100_000 for size in files.values())


def test_every_picture_is_taken_by_the_script() -> None:
    script = (ROOT / "bench" / "screenshots.py").read_text()
    taken = set(re.findall(r'folder / "([\w-]+\.png)"', script))

    assert taken == {file.name for file in PICTURES.iterdir()}
