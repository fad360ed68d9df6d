"""What forms of all rooms are made of: fields for plain text, and the choice of a day."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from travel.common.text import clean_text


def day_widget(**attrs: str) -> forms.DateInput:
    """
    Answer the browser's own calendar.

    It takes and gives days as year-month-day in every language, however the page writes them.
    """
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", **attrs})


class PlainTextField(forms.CharField):
    """
    Text without characters that deceive readers: one line, or several with `lines`.

    It is cleaned first, so that what nobody sees is no answer to a field that wants one.
    """

    default_error_messages = {
        "characters": _("This contains a character that is not allowed here."),
    }

    def __init__(self, *, lines: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lines = lines

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        try:
            return clean_text(text, lines=self.lines)
        except ValueError as error:
            raise forms.ValidationError(
                self.error_messages["characters"], code="characters"
            ) from error
