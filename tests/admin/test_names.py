"""What the back office calls its tables and columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db.models import Field
from django.utils.translation import override

from inventory.models import FareVersion
from travel.names import NAMES

OURS = {"accounts", "inventory", "bookings", "payments", "support", "common"}


def _flat(names: Any) -> set[str]:
    found: set[str] = set()
    for one in names or ():
        found |= (
            {one} if isinstance(one, str) else set(one) if isinstance(one, (tuple, list)) else set()
        )
    return found


def shown() -> Iterator[tuple[str, Any]]:
    """Answer the names of the office's tables, and of the columns that its lists and pages show."""
    for model, page in admin.site._registry.items():
        if model._meta.app_label not in OURS:
            continue
        yield f"{model.__name__}", model._meta.verbose_name
        yield f"{model.__name__}s", model._meta.verbose_name_plural
        columns = _flat(page.list_display) | _flat(page.fields)
        for _title, options in page.fieldsets or ():
            columns |= _flat(options["fields"])
        for name in columns:
            field = next((one for one in model._meta.get_fields() if one.name == name), None)
            if isinstance(field, Field):
                yield f"{model.__name__}.{name}", field.verbose_name
        for inline in page.inlines:
            yield f"{model.__name__}: {inline.__name__}", inline.model._meta.verbose_name_plural


def test_every_table_and_column_has_a_word_of_the_catalogue() -> None:
    plain = sorted({where for where, name in shown() if type(name) is str})

    assert plain == [], "write their names into travel/names.py"


def test_they_are_told_in_the_reader_s_language() -> None:
    labels = dict(shown())
    with override("de"):
        assert str(labels["Reservation.hold_until"]) == "gehalten bis"
        assert str(labels["Refunds"]) == "Erstattungen"
    with override("fa"):
        assert str(labels["Reservation.locator"]) == "کد رزرو"
    with override("en"):
        assert str(FareVersion._meta.get_field("base_minor").verbose_name).startswith("base price")


def test_no_word_is_left_of_a_column_that_is_gone() -> None:
    used: set[int] = set()
    for model in apps.get_models(include_auto_created=True):
        used |= {id(model._meta.verbose_name), id(model._meta.verbose_name_plural)}
        used |= {id(one.verbose_name) for one in model._meta.get_fields() if isinstance(one, Field)}

    assert sorted(name for name, word in NAMES.items() if id(word) not in used) == []


@pytest.mark.django_db
def test_the_overview_in_german_lists_german_tables(desk: Any) -> None:
    desk.cookies["django_language"] = "de"

    page = desk.get("/admin/").content.decode()

    assert "Geldalarme" in page
    assert "Money alarms" not in page
