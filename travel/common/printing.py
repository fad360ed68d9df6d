"""
PDFs from typst templates: tagged for screen readers (PDF/UA-1), with fonts of our own.

A template is a file; what it shows comes beside it as data and is never part of its program.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

FONTS = ["Noto Sans", "Noto Sans Arabic"]


def pdf(template: str, data: Mapping[str, Any]) -> bytes:
    """
    Answer the document that a template below templates/ makes of the data.

    The data is what JSON can say; the template reads it by `json(bytes(sys.inputs.data))`.
    """
    # It is large, and wanted by few requests.
    import typst

    path = settings.BASE_DIR / "templates" / template
    document = typst.compile(
        path,
        root=path.parent,
        format="pdf",
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        font_paths=_font_folders(),
        ignore_system_fonts=True,
        pdf_standards=["ua-1"],
    )
    assert isinstance(document, bytes), "a PDF is one document"
    return document


@cache
def _font_folders() -> list[Path]:
    import fontpkg

    return [fontpkg.path(name).parent for name in FONTS]
