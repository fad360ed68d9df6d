"""The page of a look-up: what it asks for, and what was found. Every look is on record."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from support import selectors
from support.analytics import asking, lookups, written
from support.analytics.asking import CATEGORY, DAY, LookUp, Wanted
from support.analytics.catalogue import TEXT
from support.analytics.rights import Rights, rights_of
from travel.common import acts


class LookUpForm(forms.Form):
    """What a look-up asks for."""

    def __init__(self, *args: Any, look_up: LookUp, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        for wanted in look_up.wants:
            self.fields[wanted.name] = _field(wanted)


def _field(wanted: Wanted) -> forms.Field:
    options: dict[str, Any] = {"label": wanted.title, "required": not wanted.may_be_left_out}
    if wanted.kind == DAY:
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        return forms.DateField(widget=widget, **options)
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
    found = asking.get_look_up(name=name, rights=rights_of(request.user))  # type: ignore[arg-type]
    form = LookUpForm(request.GET or None, look_up=found)
    rows = None
    if form.is_valid():
        rows = found.run(form.cleaned_data)
        # Whom staff looked for is known to whoever reads the record, and what they saw is not.
        said = ", ".join(str(value) for value in form.cleaned_data.values() if value)
        acts.record(request, None, f"{found.title}: {said}", kind=acts.Kind.LOOKED)
    context = {
        **site.each_context(request),
        "title": found.title,
        "look_up": found,
        "form": form,
        "rows": rows,
        "most": asking.MOST_ROWS,
        "table": _table(found, rows) if rows else None,
    }
    status = 400 if form.is_bound and rows is None else 200
    return TemplateResponse(request, "admin/support/numbers/look_up.html", context, status=status)


def _table(look_up: LookUp, rows: Any) -> dict[str, Any]:
    return {
        "head": [
            {"title": column.title, "is_number": column.kind != TEXT} for column in look_up.columns
        ],
        "rows": [
            [
                {
                    "text": written.cell_text(getattr(row, column.name), column.kind),
                    "is_number": column.kind != TEXT,
                }
                for column in look_up.columns
            ]
            for row in rows
        ],
    }
