"""
PDFs from typst templates: tagged for screen readers (PDF/UA-1), with fonts of our own.

A template is a file; what it shows comes beside it as data and is never part of its program.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings

FONTS = ["Noto Sans", "Noto Sans Arabic"]


def pdf(template: str, data: Mapping[str, Any]) -> bytes:
    """
    Answer the document that a template below templates/ makes of the data.

    The data is what JSON can say; the template reads it by `json(bytes(sys.inputs.data))`. Letters
    that the fonts here lack are taken from the system's, or are boxes.
    """
    # It is large, and wanted by few requests.
    import typst

    path = settings.BASE_DIR / "templates" / template
    given = {"data": json.dumps(data, ensure_ascii=False)}
    for attempt in _ATTEMPTS:
        try:
            document = typst.compile(
                path,
                root=path.parent,
                format="pdf",
                sys_inputs=given,
                font_paths=_font_folders(),
                ignore_system_fonts=attempt.only_ours,
                pdf_standards=["ua-1"] if attempt.is_strict else [],
            )
        except typst.TypstError as failure:
            if NO_GLYPH not in str(failure):
                raise
        else:
            assert isinstance(document, bytes), "a PDF is one document"
            return document
    raise AssertionError("the last attempt asks for no glyphs")


class _Attempt(NamedTuple):
    only_ours: bool
    is_strict: bool


# People have names in every script, and our fonts have not: the system's fonts are asked next, and
# a document with boxes for letters is better than none.
_ATTEMPTS = (_Attempt(True, True), _Attempt(False, True), _Attempt(False, False))
# What PDF/UA-1 refuses, in typst's words.
NO_GLYPH = "could not be displayed"


@cache
def _font_folders() -> list[Path]:
    import fontpkg

    return [fontpkg.path(name).parent for name in FONTS]
