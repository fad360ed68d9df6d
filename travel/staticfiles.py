"""
Style sheets and scripts on their way to browsers: small, and few.

The traveller's style sheets are written apart, tokens first, and served as one without comments and
blanks; own scripts go out without comments. What other packages bring stays as it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.checks import CheckMessage
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

# In this order: the first one declares the layers.
SHEETS = ("tokens", "base", "layout", "components", "print")
JOINED = "css/site.css"
OWN_SCRIPTS = "js/"

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_AROUND = re.compile(r"\s*([{};,])\s*")
_AFTER_COLON = re.compile(r":\s+")
_BLOCK_BEFORE_CODE = re.compile(r"^[ \t]*/\*.*?\*/[ \t]*\n", re.DOTALL | re.MULTILINE)
_LINE_OF_WORDS = re.compile(r"^[ \t]*//.*\n", re.MULTILINE)


def slim_style(text: str) -> str:
    """
    Answer a style sheet without comments and needless blanks.

    It may hold no text with braces, semicolons or commas in quotes, as ours do not.
    """
    bare = " ".join(_COMMENT.sub("", text).split())
    return _AFTER_COLON.sub(":", _AROUND.sub(r"\1", bare)).replace(";}", "}")


def slim_script(text: str) -> str:
    """Answer a script without the comments that have lines to themselves."""
    return _LINE_OF_WORDS.sub("", _BLOCK_BEFORE_CODE.sub("", text))


def joined_style() -> str:
    """Answer the traveller's style sheets as one."""
    folder = Path(settings.BASE_DIR) / "static" / "css"
    return "".join(slim_style((folder / f"{name}.css").read_text("utf-8")) for name in SHEETS)


class JoinedFinder(BaseFinder):
    """Finds the one sheet that the traveller's are joined to, written anew when they change."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.storage = FileSystemStorage(location=Path(settings.VAR_DIR) / "joined")
        self.storage.prefix = ""  # type: ignore[attr-defined]

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        return []

    def find(  # type: ignore[override]
        self, path: str, find_all: bool = False, **kwargs: Any
    ) -> str | list[str]:
        found = [str(self._written())] if path == JOINED else []
        return found if find_all else next(iter(found), [])

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Any]]:
        self._written()
        yield JOINED, self.storage

    def _written(self) -> Path:
        """Write the sheet if it differs from what is there: its age tells whether to collect."""
        target = Path(self.storage.path(JOINED))
        text = joined_style()
        if not target.is_file() or target.read_text("utf-8") != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            # Renamed into place, so that nobody reads half of it.
            half = target.with_suffix(f".{os.getpid()}")
            half.write_text(text, "utf-8")
            half.replace(target)
        return target


class SlimStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Names files by their content and compresses them; own scripts lose their comments."""

    def _save(self, name: str, content: File[Any]) -> str:
        if name.startswith(OWN_SCRIPTS) and name.endswith(".js"):
            content.seek(0)
            raw = content.read()
            text = raw.decode("utf-8") if isinstance(raw, bytes) else raw
            content = ContentFile(slim_script(text).encode("utf-8"))
        saved: str = super()._save(name, content)
        return saved
