"""Forms of the way from a search to a reservation."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.forms.boundfield import BoundField
from django.utils.translation import gettext_lazy as _

PLACES_ADDRESS = "/tickets/cities"
MODES = [("Train", _("Trains")), ("Plane", _("Flights")), ("Bus", _("Coaches"))]
WAYS = [("one", _("One way")), ("return", _("Return"))]
# The kinds of passengers, in the order the office counts them.
PEOPLE = ("adult", "young", "child", "infant")


class PlaceField(forms.CharField):
    """A city, a station or its code, as typed; the search finds what is meant."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(
            attrs={
                "list": "places",
                "autocomplete": "off",
                "data-places": PLACES_ADDRESS,
                "data-say-count": _("%n suggestions"),
                "data-list-name": _("Suggestions"),
                "dir": "auto",
            }
        )
        super().__init__(max_length=120, widget=widget, **kwargs)


class PeopleField(forms.IntegerField):
    """How many passengers of one kind travel. Empty is none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            min_value=0,
            max_value=settings.MAX_PASSENGERS,
            required=False,
            widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
            **kwargs,
        )

    def clean(self, value: Any) -> int:
        return super().clean(value) or 0


def day_widget(**attrs: str) -> forms.DateInput:
    """Answer the browser's own calendar; its value is always written year-month-day."""
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", **attrs})


class SearchForm(forms.Form):
    """Where from, where to, when, and who travels."""

    use_required_attribute = True

    mode = forms.MultipleChoiceField(
        label=_("Travel by"),
        choices=MODES,
        required=False,
        initial=[mode for mode, _name in MODES],
        widget=forms.CheckboxSelectMultiple,
    )
    way = forms.ChoiceField(
        label=_("Way"), choices=WAYS, required=False, initial="one", widget=forms.RadioSelect
    )
    origin = PlaceField(label=_("From"))
    destination = PlaceField(label=_("To"))
    date = forms.DateField(label=_("Departure"), widget=day_widget())
    return_date = forms.DateField(label=_("Return date"), required=False, widget=day_widget())
    adult = PeopleField(label=_("Adults"), initial=1)
    young = PeopleField(label=_("Young people"), help_text=_("15 to 26"))
    child = PeopleField(label=_("Children"), help_text=_("2 to 14"))
    infant = PeopleField(label=_("Infants"), help_text=_("under 2, on a lap"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("way") == "return" and "return_date" in cleaned:
            self._check_return(cleaned)
        if not any(field.errors for field in self.people_fields):
            self._check_people(cleaned)
        return cleaned

    def _check_return(self, cleaned: dict[str, Any]) -> None:
        there, back = cleaned.get("date"), cleaned.get("return_date")
        if back is None:
            self.add_error("return_date", _("Choose the day you come back."))
        elif there and back < there:
            self.add_error("return_date", _("The way back is before the way out."))

    def _check_people(self, cleaned: dict[str, Any]) -> None:
        total = sum(cleaned.get(kind, 0) for kind in PEOPLE)
        if total < 1:
            self.add_error("adult", _("Somebody has to travel."))
        elif total > settings.MAX_PASSENGERS:
            message = _("At most %(most)s people travel on one booking.")
            self.add_error("adult", message % {"most": settings.MAX_PASSENGERS})

    @property
    def people_fields(self) -> list[BoundField]:
        """The counters, in order."""
        return [self[kind] for kind in PEOPLE]

    @property
    def has_people_errors(self) -> bool:
        """Whether a counter is to be put right, so that the panel is shown open."""
        return self.is_bound and any(field.errors for field in self.people_fields)

    @property
    def people(self) -> int:
        """How many travel, as far as can be told."""
        total = 0
        for field in self.people_fields:
            value = str(field.value() or "")
            total += int(value) if value.isascii() and value.isdigit() and len(value) < 4 else 0
        return total
