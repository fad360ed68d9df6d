"""The drawing of the tables tells the truth."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from inventory.models import Ticket
from travel.common import erd

SVG = "{http://www.w3.org/2000/svg}"


def test_the_stored_drawing_shows_the_tables_as_they_are() -> None:
    stored = Path(settings.BASE_DIR) / "docs" / "ERD.svg"

    assert stored.read_text(encoding="utf-8") == erd.draw(), "Run: manage.py draw_erd"


def test_every_column_and_reference_of_a_table_is_there() -> None:
    root = ElementTree.fromstring(erd.draw())
    words = {text.text for text in root.iter(f"{SVG}text")}
    lines = {title.text for title in root.iter(f"{SVG}title")}

    assert {"Ticket", *(field.name for field in Ticket._meta.fields)} <= words
    assert "Ticket.from_call → Call" in lines
    assert "Reservation.user → User" in lines
    assert "U coach, row, column" in words


def test_no_two_tables_overlap() -> None:
    root = ElementTree.fromstring(erd.draw())
    boxes = [
        tuple(float(box.attrib[name]) for name in ("x", "y", "width", "height"))
        for box in root.iter(f"{SVG}rect")
        if box.attrib["class"] == "box"
    ]

    assert len(boxes) > 50
    for left, top, width, height in boxes:
        for other_left, other_top, _width, _height in boxes:
            beside = left + width <= other_left or other_left + width <= left
            apart = top + height <= other_top or other_top + _height <= top
            assert (left, top) == (other_left, other_top) or beside or apart


def test_check_refuses_a_drawing_that_is_out_of_date(tmp_path: Path) -> None:
    path = tmp_path / "erd.svg"
    with pytest.raises(CommandError, match="out of date"):
        call_command("draw_erd", "--check", "--to", str(path))
    assert not path.exists()

    call_command("draw_erd", "--to", str(path))
    call_command("draw_erd", "--check", "--to", str(path))

    path.write_text(path.read_text(encoding="utf-8").replace("Ticket", "Billet"), encoding="utf-8")
    with pytest.raises(CommandError, match="out of date"):
        call_command("draw_erd", "--check", "--to", str(path))
