"""Forms of reports."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from support.selectors import CATEGORY_CHOICES
from support.services import MAX_TEXT
from travel.common.forms import PlainTextField


class TextField(PlainTextField):
    """What a passenger writes: up to 5,000 characters in lines, without what deceives readers."""

    def __init__(self, *, rows: int, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": rows, "dir": "auto"})
        super().__init__(max_length=MAX_TEXT, widget=widget, lines=True, **kwargs)


class ReportForm(forms.Form):
    """What is the matter, and with which ticket. `trips` are pairs of a ticket and its words."""

    trip = forms.ChoiceField(label=_("Which trip?"))
    category = forms.ChoiceField(label=_("What is it about?"), choices=CATEGORY_CHOICES)
    text = TextField(
        label=_("What happened?"), rows=6, help_text=_("We answer by e-mail and on this page.")
    )

    def __init__(self, *args: Any, trips: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["trip"]
        field.choices = trips

    @property
    def ids(self) -> tuple[int, int]:
        """The reservation and the ticket that were chosen."""
        reservation_id, ticket_id = self.cleaned_data["trip"].split("-")
        return int(reservation_id), int(ticket_id)


class ReplyForm(forms.Form):
    """A further message about a report."""

    text = TextField(label=_("Your message"), rows=4)


class EraseForm(forms.Form):
    """Consent to erase the account; the password too, unless one has just signed in by a code."""

    password = forms.CharField(
        label=_("Your password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "dir": "ltr"}),
        help_text=_("You have none? Sign out, sign in with a code, and come back here."),
    )
    understood = forms.BooleanField(label=_("I know that this cannot be undone."))

    def __init__(self, data: Any = None, *, is_proved: bool) -> None:
        super().__init__(data)
        if is_proved:
            del self.fields["password"]
