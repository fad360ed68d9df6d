"""
The page of a look-up: what it asks for, what was found, and its file. Every look is on record.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from support import customers, selectors
from support.analytics import asking, lookups, written
from support.analytics.asking import CATEGORY, DAY, LookUp, Wanted
from support.analytics.days import FIRST_DAY, LAST_DAY
from support.analytics.rights import Rights, rights_of
from travel.common import acts
from travel.common.errors import InvalidInput
from travel.common.forms import day_widget
from travel.common.sheets import csv_file


class LookUpForm(forms.Form):
    """What a look-up asks for."""

    def __init__(self, *args: Any, look_up: LookUp, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        for wanted in look_up.wants:
            self.fields[wanted.name] = _field(wanted)


def day_field(**options: Any) -> forms.DateField:
    """Answer a field for a day that numbers are asked for."""
    known = [
        MinValueValidator(FIRST_DAY, gettext_lazy("This day is out of range.")),
        MaxValueValidator(LAST_DAY, gettext_lazy("This day is out of range.")),
    ]
    return forms.DateField(widget=day_widget(), validators=known, **options)


def _field(wanted: Wanted) -> forms.Field:
    options: dict[str, Any] = {"label": wanted.title, "required": not wanted.may_be_left_out}
    if wanted.kind == DAY:
        return day_field(**options)
    if wanted.kind == CATEGORY:
        return forms.ChoiceField(choices=[("", _("All")), *selectors.CATEGORY_CHOICES], **options)
    return forms.CharField(max_length=lookups.LONGEST, **options)


def links(rights: Rights) -> list[dict[str, Any]]:
    """Answer the look-ups that somebody may use, as the list of the numbers shows them."""
    return [
        {
            "title": one.title,
            "says": one.says,
            "href": reverse("admin:numbers_look_up", args=[one.name]),
        }
        for one in asking.look_ups_for(rights)
    ]


def look_up_view(site: Any, request: HttpRequest, name: str) -> HttpResponse:
    """Ask, and show what was found."""
    found, form = _asked(request, name)
    rows = _rows(request, found, form, acts.Kind.LOOKED)
    context = {
        **site.each_context(request),
        "title": found.title,
        "look_up": found,
        "form": form,
        "rows": rows,
        "most": asking.MOST_ROWS,
        "table": _table(request, found, rows) if rows else None,
        "csv_href": reverse("admin:numbers_look_up_csv", args=[name])
        + f"?{request.GET.urlencode()}",
    }
    status = 400 if form.is_bound and rows is None else 200
    return TemplateResponse(request, "admin/support/numbers/look_up.html", context, status=status)


def _table(request: HttpRequest, look_up: LookUp, rows: Sequence[Any]) -> dict[str, Any]:
    """Answer the table; what a row is about leads to its page, for those who may open that."""
    table = written.table(look_up, rows)
    about = look_up.columns[0].name
    user: Any = request.user
    for row, cells in zip(rows, table["rows"], strict=True):
        if about == "locator" and user.has_perm("bookings.view_reservation"):
            cells[0]["href"] = f"{reverse('admin:find')}?{urlencode({'q': row.locator})}"
        elif about == "user_id" and customers.may_see(user):
            cells[0]["href"] = reverse("admin:customer", args=[row.user_id])
    return table


def file_view(site: Any, request: HttpRequest, name: str) -> Any:
    """Answer what was found as a file; where nothing can be asked, the page says why."""
    found, form = _asked(request, name)
    rows = _rows(request, found, form, acts.Kind.EXPORTED)
    if rows is None:
        address = reverse("admin:numbers_look_up", args=[name])
        return HttpResponseRedirect(f"{address}?{request.GET.urlencode()}")
    # Whom it is about stays out of the file's name, which lies about in lists of downloads.
    return csv_file(f"{name}.csv", written.file_head(found), written.file_rows(found, rows))


def _asked(request: HttpRequest, name: str) -> tuple[LookUp, LookUpForm]:
    found = asking.get_look_up(name=name, rights=rights_of(request.user))  # type: ignore[arg-type]
    return found, LookUpForm(request.GET or None, look_up=found)


def _rows(
    request: HttpRequest, look_up: LookUp, form: LookUpForm, kind: str
) -> Sequence[Any] | None:
    """Answer what was found, and put it on record; None where the form says what is wrong."""
    if not form.is_valid():
        return None
    try:
        rows = asking.answer(look_up, form.cleaned_data)
    except InvalidInput as refusal:
        for name, texts in refusal.errors.items():
            form.add_error(name, [str(text) for text in texts])
        return None
    acts.record(request, None, asking.in_words(look_up, form.cleaned_data), kind=kind)
    return rows
