"""Forms of the way from a search to a reservation."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.forms.boundfield import BoundField
from django.utils.translation import gettext_lazy as _
from phonenumber_field.phonenumber import to_python

from travel.common.forms import PlainTextField, day_widget
from travel.common.ids import normal_email

PLACES_ADDRESS = "/tickets/cities"
MODES = [("Train", _("Trains")), ("Plane", _("Flights")), ("Bus", _("Coaches"))]
WAYS = [("one", _("One way")), ("return", _("Return"))]
# The kinds of passengers, in the order the office counts them.
PEOPLE = ("adult", "young", "child", "infant")
EARLIEST_YEAR = 1900


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
        elif cleaned.get("infant", 0) > cleaned.get("adult", 0):
            self.add_error("infant", _("Each infant needs an adult of its own."))

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


# --- checkout -------------------------------------------------------------------------------------

SEAT_WISHES = [
    ("", _("No wish")),
    ("window", _("Window")),
    ("aisle", _("Aisle")),
    ("quiet", _("Quiet zone")),
    ("accessible", _("Wheelchair space")),
]
ADULT = PEOPLE[0]


class PersonNameField(PlainTextField):
    """A line of text as people write names; characters that nobody sees are refused."""

    default_error_messages = {
        "characters": _("There is a character in it that no name has. Please type it anew."),
    }


class EmailField(forms.EmailField):
    """An e-mail address, as it is stored and compared."""

    def clean(self, value: Any) -> str:
        return normal_email(super().clean(value))


class PhoneField(forms.CharField):
    """A telephone number with its country code; comes out as E.164, or empty."""

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if not text:
            return ""
        number = to_python(text)
        if number is None or not number.is_valid():
            raise forms.ValidationError(
                _("Write the number with its country code, such as +49 30 1234567.")
            )
        return str(number.as_e164)


class PassengerForm(forms.Form):
    """
    Somebody who travels, as `who` (Adult 1). The kind was chosen with the search.

    An adult need not say when born; others pay by their age.
    """

    first_name = PersonNameField(label=_("First names, as in the passport"), max_length=80)
    last_name = PersonNameField(label=_("Last name"), max_length=80)
    date_of_birth = forms.DateField(label=_("Date of birth"), widget=day_widget(min="1900-01-01"))
    seat_wish = forms.ChoiceField(label=_("Seat wish"), choices=SEAT_WISHES, required=False)

    def __init__(
        self,
        data: Any = None,
        *,
        who: str,
        kind: str,
        has_seats: bool,
        today: date,
        prefix: str,
        initial: dict[str, Any],
    ) -> None:
        super().__init__(data, prefix=prefix, initial=initial)
        self.said_of = who
        self.kind = kind
        self.today = today
        if has_seats:
            del self.fields["seat_wish"]
        self.fields["date_of_birth"].required = kind != ADULT
        self.fields["date_of_birth"].widget.attrs["max"] = today.isoformat()
        for name, token in (
            ("first_name", "given-name"),
            ("last_name", "family-name"),
            ("date_of_birth", "bday"),
        ):
            self.fields[name].widget.attrs["autocomplete"] = f"section-{prefix} {token}"
        for name in ("first_name", "last_name"):
            self.fields[name].widget.attrs["dir"] = "auto"

    def clean_date_of_birth(self) -> date | None:
        born: date | None = self.cleaned_data["date_of_birth"]
        if born and born > self.today:
            raise forms.ValidationError(_("This day is yet to come."))
        if born and born.year < EARLIEST_YEAR:
            raise forms.ValidationError(_("Nobody alive was born that early."))
        return born


class ContactForm(forms.Form):
    """How to reach whoever books."""

    said_of = _("Contact")

    email = EmailField(
        label=_("E-mail"),
        max_length=254,
        help_text=_("The tickets go there."),
        widget=forms.EmailInput(attrs={"autocomplete": "email", "dir": "ltr"}),
    )
    phone = PhoneField(
        label=_("Mobile"),
        max_length=40,
        required=False,
        help_text=_("Only for changes on the day."),
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "dir": "ltr"}),
    )
